#!/usr/bin/env python3
"""Verifies a schoolgate audit trail, written from docs/AUDIT.md and nothing else.

    verify_audit.py DIR [SEQUENCE:HASH ...]

DIR is the audit folder; each SEQUENCE:HASH is a head noted earlier, or the last line before
the days that retention removed. Prints one FAULT a record that is not as it was written, then
a summary. Exits 0 when there is none, 1 otherwise.
"""
import hashlib
import json
import os
import re
import sys

DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
NAME = re.compile(r"(\d{12,})\.jsonl")
END = re.compile(rb',"prev":"([0-9a-f]{64})","hash":"([0-9a-f]{64})"\}\}')
TAIL = 76  # the bytes of ,"hash":"…"}}


def segments(root):
    """Every segment as (day, first sequence, path), in the order of writing."""
    found = []
    for day in filter(DAY.fullmatch, os.listdir(root)):
        for name in os.listdir(os.path.join(root, day)):
            match = NAME.fullmatch(name)
            if match:
                found.append((day, int(match[1]), os.path.join(root, day, name)))
    return sorted(found)


def read(line):
    """(sequence, time, prev, stated hash, computed hash), or None for what is no event."""
    end = END.fullmatch(line[-(TAIL + 75) : -1])
    if not line.endswith(b"\n") or not end:
        return None
    try:
        event = json.loads(line)
        sequence, time = event["event"]["sequence"], event["@timestamp"]
    except (ValueError, KeyError, TypeError):
        return None
    computed = hashlib.sha256(line[: -1 - TAIL]).hexdigest()
    return sequence, time, end[1].decode(), end[2].decode(), computed


def verify(root, heads):
    faults, events, clock = [], 0, ""
    last, hashes = None, None  # the last sequence in place, and what its successor may name
    path = root
    for day, first, path in segments(root):
        with open(path, "rb") as file:
            for number, line in enumerate(file, 1):
                events += 1
                fault = lambda what: faults.append((path, number, what))
                record = read(line)
                if record is None or record[3] != record[4]:
                    fault("not an event" if record is None else "edited: the hash does not match")
                    last = first if last is None else last + 1
                    hashes = None if record is None else (record[3], record[4])
                    continue
                sequence, time, prev, stated, _ = record
                if last is None:
                    if (sequence, prev) != (1, "0" * 64) and heads.get(sequence - 1) != prev:
                        fault("the trail starts in its middle")
                elif sequence < last or (sequence == last and hashes):
                    fault(f"record {sequence} is out of place")
                    continue
                elif sequence > last + 1:
                    fault(f"records {last + 1} to {sequence - 1} are gone")
                elif hashes and prev not in hashes:
                    fault("does not follow the record before it")
                last, hashes = sequence, (stated, stated)
                if number == 1 and sequence != first:
                    fault("the segment's name is not its first sequence")
                if time < clock or time[:10] != day:
                    fault("the time is out of order")
                if heads.get(sequence, stated) != stated:
                    fault("not the record of which the head was noted")
                clock = time
    for sequence in sorted(heads):
        if sequence > (last or 0):
            faults.append((path, 0, f"the trail ends before the noted head {sequence}"))
    return faults, events, last, hashes


if __name__ == "__main__":
    known = dict(head.split(":", 1) for head in sys.argv[2:])
    faults, events, last, hashes = verify(sys.argv[1], {int(k): v for k, v in known.items()})
    for path, number, what in faults:
        print(f"FAULT {path}:{number}: {what}")
    print(f"{events} events, {len(faults)} faults, head {last}:{hashes[0] if hashes else '?'}")
    sys.exit(1 if faults else 0)

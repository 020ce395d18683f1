#!/usr/bin/env python3
"""Verifies a schoolgate audit trail, written from docs/AUDIT.md and nothing else.

    verify_audit.py [--key FILE] DIR [SEQUENCE:HASH ...]

DIR is the audit folder; each SEQUENCE:HASH is a head noted earlier, or the last line before
days that are gone; FILE holds the public keys of checkpoints (else DIR/key.pem). Prints one FAULT
a record that is not as it was written, then a summary. Exits 0 when there is none, 1 otherwise.
Needs zstd and python3-cryptography.
"""
import base64
import hashlib
import json
import os
import re
import subprocess
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
NAME = re.compile(r"(\d{12,})\.jsonl(\.zst)?")
END = re.compile(rb',"prev":"([0-9a-f]{64})","hash":"([0-9a-f]{64})"\}\}')
SIGNATURE = re.compile(rb'[A-Za-z0-9+/]{86}=="\}\n')
TAIL = 76  # the bytes of ,"hash":"…"}}
SEAL = bytes.fromhex("502a4d1820000000")


def sha(data):
    return hashlib.sha256(data).digest()


def segments(day):
    """A day's segments as first sequence and path, in the order of writing; plain before compressed."""
    found = {}
    for name in sorted(os.listdir(day), reverse=True):
        match = NAME.fullmatch(name)
        if match:
            found[int(match[1])] = os.path.join(day, name)
    return sorted(found.items())


def load(path):
    """A segment's lines, and whether its file is as it was written."""
    with open(path, "rb") as file:
        data = file.read()
    if not path.endswith(".zst"):
        return data, True
    out = subprocess.run(["zstd", "-dcq", path], capture_output=True, check=False)
    return out.stdout, out.returncode == 0 and data[-40:] == SEAL + sha(data[:-40])


def read_keys(path):
    """Public keys by the id that checkpoints name."""
    if not os.path.exists(path):
        return {}
    blocks = re.findall(rb"-----BEGIN.*?-----END PUBLIC KEY-----\n?", open(path, "rb").read(), re.S)
    keys = [load_pem_public_key(block) for block in blocks]
    der = lambda key: key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return {sha(der(key)).hex()[:32]: key for key in keys}


def read(line):
    """(sequence, time, prev, stated hash, computed hash, event), or None for what is no event."""
    end = END.fullmatch(line[-(TAIL + 75) : -1])
    if not line.endswith(b"\n") or not end:
        return None
    try:
        event = json.loads(line)
        sequence, time = event["event"]["sequence"], event["@timestamp"]
    except (ValueError, KeyError, TypeError):
        return None
    return sequence, time, end[1].decode(), end[2].decode(), sha(line[: -1 - TAIL]).hex(), event


def read_removed(line, first):
    """What stands for removed lines, and the subtrees (level, root) it adds; or None."""
    try:
        run = json.loads(line)["removed"]
        again = json.dumps({"removed": run}, separators=(",", ":")).encode() + b"\n"
        at, end, trees = run["from"] - first, run["to"] - first + 1, []
        for root in run["cover"]:
            level = min((at & -at).bit_length() - 1 if at else 64, (end - at).bit_length() - 1)
            trees.append((level, bytes.fromhex(root)))
            at += 1 << level
        return (run, trees) if again == line and at == end else None
    except (ValueError, KeyError, TypeError):
        return None


class Tree:
    """The right edge of a Merkle tree (RFC 9162, section 2.1)."""

    def __init__(self):
        self.size, self.roots = 0, []

    def push(self, level, root):
        size = self.size + (1 << level)
        while self.size >> level & 1:
            root = sha(b"\1" + self.roots.pop() + root)
            level += 1
        self.roots.append(root)
        self.size = size

    def root(self):
        *left, root = self.roots
        for beside in reversed(left):
            root = sha(b"\1" + beside + root)
        return root.hex()


class Verifier:
    def __init__(self, root, heads, keys):
        self.root, self.heads, self.keys = root, heads, keys
        self.faults, self.events, self.clock = [], 0, ""
        self.last, self.hashes = None, None  # the last sequence in place, and what its successor may name
        self.signing, self.holed, self.told = False, [], set()

    def fault(self, path, number, what):
        self.faults.append((path, number, what))

    def checkpoints(self, path):
        """A day's signed checkpoints by segment, each with its line in the file."""
        found = {}
        lines = open(path, "rb") if os.path.exists(path) else []
        for number, line in enumerate(lines, 1):
            said, mark, end = line.rpartition(b',"signature":"')
            try:
                if not mark or not SIGNATURE.fullmatch(end):
                    raise ValueError
                checkpoint = json.loads(said + b"}")
                size, segment, key = checkpoint["size"], checkpoint["segment"], self.keys[checkpoint["key"]]
                signature = base64.b64decode(end[:88], validate=True)
                if base64.b64encode(signature) != end[:88]:
                    raise ValueError
                key.verify(signature, said)
            except (ValueError, KeyError, TypeError, InvalidSignature):
                self.fault(path, number, "not a checkpoint, or not signed by a known key")
                continue
            found.setdefault(segment, []).append((size, number, checkpoint))
        return found

    def place(self, path, number, sequence, end, prev, hashes):
        """Holds what spans sequence to end against the chain; False for what is out of place."""
        last = self.last
        if last is None:
            if (sequence, prev) != (1, "0" * 64) and self.heads.get(sequence - 1) != prev:
                self.fault(path, number, "the trail starts in its middle")
        elif sequence < last or (sequence == last and self.hashes):
            self.fault(path, number, f"record {sequence} is out of place")
            return False
        elif sequence > last + 1:
            self.fault(path, number, f"records {last + 1} to {sequence - 1} are gone")
        elif self.hashes and prev not in self.hashes:
            self.fault(path, number, "does not follow the record before it")
        self.last, self.hashes = end, (hashes, hashes)
        if self.heads.get(end, hashes) != hashes:
            self.fault(path, number, "not the record of which the head was noted")
        return True

    def segment(self, day, first, path, signed, file, is_last):
        before = len(self.faults)
        data, sound = load(path)
        if not sound:
            self.fault(path, 0, "the compressed file was changed")
        tree, hole, signed = Tree(), None, sorted(signed, key=lambda one: one[:2])
        for number, line in enumerate(re.findall(rb"[^\n]*\n|[^\n]+", data), 1):
            run = read_removed(line, first) if line.startswith(b'{"removed":') else None
            record = None if run else read(line)
            if number == 1 and (record or run) and first != (record[0] if record else run[0]["from"]):
                self.fault(path, 1, "the segment's name is not its first sequence")
            if run:
                (said, grown), hole = run, hole or number
                if not self.place(path, number, said["from"], said["to"], said["prev"], said["hash"]):
                    continue
                stated = said["hash"]
            else:
                self.events += 1
                if record is None or record[3] != record[4]:
                    self.fault(path, number, "not an event" if record is None else "edited")
                    self.last = first if self.last is None else self.last + 1
                    self.hashes = None if record is None else (record[3], record[4])
                    if record is None:
                        continue
                elif not self.place(path, number, record[0], record[0], record[2], record[3]):
                    continue
                else:
                    if record[1] < self.clock or record[1][:10] != day:
                        self.fault(path, number, "the time is out of order")
                    self.clock = record[1]
                    self.note(record[5])
                stated = record[3]
                grown = [(0, sha(b"\0" + bytes.fromhex(stated)))]
            for level, root in grown:
                tree.push(level, root)
            while signed and signed[0][0] <= tree.size:
                size, at, said = signed.pop(0)
                made = (tree.root(), self.last, stated) == (said["root"], said["sequence"], said["hash"])
                if size == tree.size and not made and len(self.faults) == before:
                    self.fault(file, at, "signed over other lines than these")
                covered = size
        for _, at, _ in signed:
            self.fault(file, at, "signed over lines that are gone")
        if hole:
            self.holed.append((path, hole, f"{day}/{first:012}", sha(data).hex()))
        if not is_last and self.signing and tree.size and len(self.faults) == before:
            if locals().get("covered") != tree.size:
                self.fault(path, 0, "no checkpoint covers the segment's end")

    def note(self, event):
        """What the trail tells of itself."""
        if event["event"].get("dataset") == "schoolgate.system":
            details, action = event["schoolgate"].get("details", {}), event["event"].get("action")
            self.signing = self.signing or action == "audit.signing"
            if action == "audit.removed":
                self.told.add((details.get("segment"), details.get("sha256")))

    def verify(self):
        path = self.root
        days = sorted(filter(DAY.fullmatch, os.listdir(self.root)))
        listed = [(day, segments(os.path.join(self.root, day))) for day in days]
        final = [path for _, found in listed for _, path in found][-1:]
        for day, found in listed:
            file = os.path.join(self.root, day, "checkpoints.jsonl")
            signed = self.checkpoints(file)
            for first, path in found:
                self.segment(day, first, path, signed.pop(first, []), file, [path] == final)
            for _, at, _ in sum(signed.values(), []):
                self.fault(file, at, "signed over lines that are gone")
        for hole, number, name, digest in self.holed:
            if (name, digest) not in self.told:
                self.fault(hole, number, "lines were removed, and no later record tells of it")
        for sequence in sorted(self.heads):
            if sequence > (self.last or 0):
                self.fault(path, 0, f"the trail ends before the noted head {sequence}")
        if not self.events and not final and not self.faults:
            self.fault(path, 0, "there is no trail here: not one record")


if __name__ == "__main__":
    arguments = sys.argv[1:]
    key = arguments[1] if arguments[0] == "--key" else None
    arguments = arguments[2:] if key else arguments
    known = dict(head.split(":", 1) for head in arguments[1:])
    keys = read_keys(key or os.path.join(arguments[0], "key.pem"))
    verifier = Verifier(arguments[0], {int(k): v for k, v in known.items()}, keys)
    verifier.verify()
    for path, number, what in verifier.faults:
        print(f"FAULT {path}:{number}: {what}")
    head = f"{verifier.last}:{verifier.hashes[0] if verifier.hashes else '?'}"
    print(f"{verifier.events} events, {len(verifier.faults)} faults, head {head}")
    sys.exit(1 if verifier.faults else 0)

#!/usr/bin/env python3
"""Checks an export of the filtering log without the gateway's own program.

    python3 verify_export.py ARCHIVE.zip|FOLDER [--key KEY.pem] [--manifest SHA256]

Says what is wrong, one fault a line, and ends with 1; ends with 0 when there is none. It takes Python 3 and,
for signatures, the command openssl (3.0 or later). --key names public keys that you had before, instead of
those that came along; --manifest, the SHA-256 of manifest.json as the gateway's record has it.
"""

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import zipfile

FORM = "schoolgate-export/1"
SUMS = "SHA256SUMS"


def main(arguments):
    options = {"--key": None, "--manifest": None}
    places = []
    while arguments:
        word = arguments.pop(0)
        if word in options and arguments:
            options[word] = arguments.pop(0)
        else:
            places.append(word)
    if len(places) != 1:
        print(__doc__)
        return 2
    check = Check()
    try:
        check.run(places[0], options["--key"], options["--manifest"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, zipfile.BadZipFile) as fault:
        check.fault("the archive can't be read: %r" % fault)
    for fault in check.faults:
        print(fault)
    if check.faults:
        print("THIS ARCHIVE IS NOT AS IT WAS WRITTEN: see above.")
        return 1
    for note in check.notes:
        print(note)
    return 0


class Check:
    def __init__(self):
        self.faults, self.notes, self.files = [], [], {}

    def fault(self, text):
        self.faults.append(text)

    def run(self, place, keys, digest):
        self.read(place)
        self.sums()
        manifest = json.loads(self.text("manifest.json"))
        self.manifest(manifest, digest)
        if "events.jsonl" not in self.files:
            self.notes.append("Every file is as it was written. There are no lines of the trail to prove.")
            return
        lines = self.lines("events.jsonl", manifest["lines"]["events"])
        lines.update(self.lines("closes.jsonl", manifest["lines"]["closes"]))
        if keys:
            with open(keys, encoding="ascii") as file:
                keys = file.read()
        roots = self.checkpoints(read_keys(keys or self.text("key.pem")))
        proven = self.proofs(lines, roots)
        self.notes.append("Every file is as it was written. Of %d lines of the trail, %d are proven." % (len(lines), proven))
        for key in read_keys(keys or self.text("key.pem")):
            self.notes.append("Signed by the key %s." % hashlib.sha256(key).hexdigest())

    def read(self, place):
        if os.path.isdir(place):
            for name in sorted(os.listdir(place)):
                with open(os.path.join(place, name), "rb") as file:
                    self.files[name] = file.read()
            return
        with zipfile.ZipFile(place) as archive:
            for name in archive.namelist():
                if name in self.files:
                    self.fault("%s stands in the archive twice" % name)
                self.files[name] = archive.read(name)

    def text(self, name):
        return self.files[name].decode("utf-8")

    def sums(self):
        """Every file but the list itself stands in the list, with its digest, and nothing else does."""
        named = set()
        for line in self.text(SUMS).split("\n")[:-1]:
            found = re.fullmatch(r"([0-9a-f]{64})  ([A-Za-z0-9_.-]+)", line)
            if not found:
                self.fault("%s: not a digest and a name: %r" % (SUMS, line))
                continue
            digest, name = found.groups()
            named.add(name)
            if name not in self.files:
                self.fault("%s is missing" % name)
            elif hashlib.sha256(self.files[name]).hexdigest() != digest:
                self.fault("%s was changed: it does not have the digest in %s" % (name, SUMS))
        if not self.text(SUMS).endswith("\n"):
            self.fault("%s has no end" % SUMS)
        for name in sorted(set(self.files) - named - {SUMS}):
            self.fault("%s does not belong to the archive: it is not in %s" % (name, SUMS))

    def manifest(self, manifest, digest):
        found = hashlib.sha256(self.files["manifest.json"]).hexdigest()
        self.notes.append("manifest.json has the SHA-256 %s." % found)
        if digest and digest != found:
            self.fault("manifest.json is not the one whose SHA-256 the gateway recorded")
        if manifest["form"] != FORM:
            self.fault("manifest.json has another form than this script knows: %r" % manifest["form"])
        for entry in manifest["files"]:
            data = self.files.get(entry["name"])
            if data is None or len(data) != entry["bytes"] or hashlib.sha256(data).hexdigest() != entry["sha256"]:
                self.fault("%s is not as manifest.json says" % entry["name"])

    def lines(self, name, count):
        """The hashes of the lines by their sequence; each line must make the hash that it states."""
        found, last = {}, 0
        lines = self.text(name).split("\n")
        if lines.pop() != "":
            self.fault("%s has no end" % name)
        for number, line in enumerate(lines, 1):
            data = line.encode("utf-8")
            stated = data[-67:-3].decode("ascii", "replace")
            if data[-76:-67] != b',"hash":"' or data[-3:] != b'"}}':
                self.fault("%s:%d: not a line of the trail" % (name, number))
                continue
            sequence = json.loads(line)["event"]["sequence"]
            if hashlib.sha256(data[:-76]).hexdigest() != stated:
                self.fault("%s:%d: record %d was edited: it does not make its hash" % (name, number, sequence))
            if sequence <= last:
                self.fault("%s:%d: record %d is out of order" % (name, number, sequence))
            found[sequence], last = stated, sequence
        if len(lines) != count:
            self.fault("%s has %d lines, and manifest.json says %d" % (name, len(lines), count))
        return found

    def checkpoints(self, keys):
        """What was signed, by segment and size."""
        by_id = {hashlib.sha256(key).hexdigest()[:32]: key for key in keys}
        roots = {}
        lines = self.text("checkpoints.jsonl").split("\n")
        if lines.pop() != "":
            self.fault("checkpoints.jsonl has no end")
        for number, line in enumerate(lines, 1):
            signed, _, end = line.rpartition(',"signature":"')
            said = json.loads(line)
            key = by_id.get(said["key"])
            if key is None:
                self.fault("checkpoints.jsonl:%d: no key %s is known" % (number, said["key"]))
            elif not is_signed(key, signed.encode("utf-8"), end[:-2] if end.endswith('"}') else ""):
                self.fault("checkpoints.jsonl:%d: the signature does not hold" % number)
            else:
                roots[said["segment"], said["size"]] = said["root"]
        return roots

    def proofs(self, lines, roots):
        """How many lines are proven."""
        proven = set()
        rows = self.text("proofs.jsonl").split("\n")
        if rows.pop() != "":
            self.fault("proofs.jsonl has no end")
        for number, row in enumerate(rows, 1):
            proof = json.loads(row)
            sequence = proof["sequence"]
            if sequence not in lines:
                self.fault("proofs.jsonl:%d: record %d is not among the lines" % (number, sequence))
                continue
            proven.add(sequence)
            if "unproven" in proof:
                self.fault("record %d is not proven: %s" % (sequence, proof["unproven"]))
                continue
            segment, index, size = proof["segment"], proof["index"], proof["size"]
            root = roots.get((segment, size))
            if segment + index != sequence or root is None:
                self.fault("record %d: no checkpoint that was signed covers it" % sequence)
            elif root_of(bytes.fromhex(lines[sequence]), index, size, proof["path"]) != root:
                self.fault("record %d is not among the lines that were signed" % sequence)
        for sequence in sorted(set(lines) - proven):
            self.fault("record %d has no proof" % sequence)
        return len(proven)


def root_of(leaf, index, size, path):
    """RFC 9162, section 2.1.3.2."""
    if not 0 <= index < size:
        return None
    place, last = index, size - 1
    root = hashlib.sha256(b"\0" + leaf).digest()
    for beside in map(bytes.fromhex, path):
        if last == 0:
            return None
        if place & 1 or place == last:
            root = hashlib.sha256(b"\1" + beside + root).digest()
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            root = hashlib.sha256(b"\1" + root + beside).digest()
        place, last = place >> 1, last >> 1
    return root.hex() if last == 0 else None


def read_keys(text):
    blocks = re.findall("-----BEGIN PUBLIC KEY-----(.*?)-----END PUBLIC KEY-----", text, re.S)
    if not blocks:
        raise ValueError("no public key")
    return [base64.b64decode("".join(block.split()), validate=True) for block in blocks]


def is_signed(key, data, signature):
    try:
        signature = base64.b64decode(signature, validate=True)
    except ValueError:
        return False
    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, name) for name in ("key", "data", "signature")]
        for path, content in zip(paths, (key, data, signature)):
            with open(path, "wb") as file:
                file.write(content)
        command = ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", paths[0]]
        command += ["-rawin", "-in", paths[1], "-sigfile", paths[2]]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

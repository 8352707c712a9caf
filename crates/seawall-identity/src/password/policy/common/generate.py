"""Writes digests.bin from Django's list of common passwords: `pip download --no-deps Django`, unpack, and
`python3 generate.py django/contrib/auth/common-passwords.txt.gz`."""

import gzip
import hashlib
import pathlib
import sys

LEAST_CHARACTERS = 8
DIGEST_BYTES = 5

with gzip.open(sys.argv[1], "rt", encoding="utf-8") as lines:
    words = {line.strip().lower() for line in lines}
kept = {word for word in words if LEAST_CHARACTERS <= len(word) and len(word.encode()) <= 1024}
digests = sorted({hashlib.sha256(word.encode()).digest()[:DIGEST_BYTES] for word in kept})
target = pathlib.Path(__file__).with_name("digests.bin")
target.write_bytes(b"".join(digests))
print(f"{len(words)} passwords, {len(kept)} of at least {LEAST_CHARACTERS} characters, {len(digests)} digests")

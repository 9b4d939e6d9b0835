"""Whether bytes are compressed, by the first of them and never by a name.

The marks are those of file(1) and of the formats' own specifications.
"""

import re

_MARKS = {
    "gzip": rb"\x1f\x8b\x08",
    "bzip2": rb"BZh[1-9](1AY&SY|\x17rE8P\x90)",
    "xz": rb"\xfd7zXZ\x00",
    # A frame, or one to be skipped (RFC 8878).
    "zstd": rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18",
}


def compression_of(head: bytes) -> str:
    """``gzip``, ``bzip2``, ``xz`` or ``zstd``; empty if ``head`` begins none."""
    return next((name for name, mark in _MARKS.items() if re.match(mark, head)), "")

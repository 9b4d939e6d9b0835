"""What a source means; one without a scheme must be able to mean only one thing."""

import glob
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nonplus.corpora.folders import is_regular, readable_files
from nonplus.corpora.streams import STANDARD_INPUT, existing, explained, name_of
from nonplus.corpora.suffixes import AMBIGUOUS, ARCHIVES, COMPRESSIONS, SUFFIXES, suffix_of
from nonplus.errors import BadInput
from nonplus.optional import CORPORA, is_scheme

_KNOWN = (*SUFFIXES, *AMBIGUOUS, *ARCHIVES)
# At least two letters, because C:\notes.txt has a drive and no scheme.
_PREFIX = re.compile(r"([a-z][a-z0-9_+-]+):")
_PATTERN = re.compile(r"[*?[]")
# A full stop and an extension, which has a letter: not the ends of "etc." and "3.14".
_EXTENSION = re.compile(r"\w\.(?=\w*[A-Za-z])[A-Za-z0-9_]{1,10}$")


@dataclass(frozen=True, slots=True)
class Address:
    """A scheme, and what follows the colon."""

    scheme: str
    location: str


def addresses(
    source: str | Path, *, follow_links: bool = False, suffixes: Mapping[str, str] = SUFFIXES
) -> list[Address]:
    """What ``source`` names: one address, or the files of a folder or pattern by path.

    ``suffixes`` has the scheme of a file by its suffix.

    Raises:
        BadInput: it names nothing, or can mean more than one thing.
    """
    if isinstance(source, Path):
        return _found(existing(str(source)), follow_links, suffixes)
    prefix = _PREFIX.match(source)
    if prefix and is_scheme(CORPORA, prefix[1]):
        return [Address(prefix[1], source[prefix.end() :])]
    if source == STANDARD_INPUT:
        return [Address("stdin", "")]
    if not source.strip():
        raise BadInput("the text is empty; give a text, a file, a folder, or - for standard input")
    if os.path.exists(source):
        return _found(source, follow_links, suffixes)
    if prefix and not _is_spaced(source):
        return [Address(prefix[1], source[prefix.end() :])]
    matches = _matches(source)
    if matches:
        return [_file(path, suffixes) for path in matches]
    if looks_like_path(source):
        # A misspelled one must not be scored as text.
        if _PATTERN.search(source):
            raise BadInput(
                f"no file matches the pattern {source}; check it, or write text: before it to read it as text"
            )
        return _found(existing(source), follow_links, suffixes)
    return [Address("text", source)]


def is_address(source: str) -> bool:
    """Whether a text is a known scheme, a colon, and what may be a location."""
    prefix = _PREFIX.match(source)
    return bool(prefix) and not _is_spaced(source) and is_scheme(CORPORA, source.partition(":")[0])


def looks_like_path(source: str) -> bool:
    """Whether a text was probably meant to name a file, by how it is written."""
    if suffix_of(source) in _KNOWN or source.lower().endswith(COMPRESSIONS):
        return "\n" not in source
    # A question or a wish may end in marks that a pattern has.
    pattern = bool(_PATTERN.search(source.rstrip("?!*.")))
    return not _is_spaced(source) and ("/" in source or pattern or bool(_EXTENSION.search(source)))


def _is_spaced(source: str) -> bool:
    return any(character.isspace() for character in source)


def _matches(source: str) -> list[str]:
    if not _PATTERN.search(source) or (_is_spaced(source) and suffix_of(source) not in _KNOWN):
        return []
    found = [path for path in sorted(glob.glob(source, recursive=True)) if not os.path.isdir(path)]
    return [path for path in found if is_regular(path)]


def _found(path: str, follow_links: bool, suffixes: Mapping[str, str]) -> list[Address]:
    if not os.path.isdir(path):
        return [_file(path, suffixes)]
    with explained(path):  # the current folder may be gone
        files = readable_files(path, follow_links=follow_links, suffixes=suffixes)
    if not files:
        raise BadInput(
            f"the folder {name_of(path)} has no files in {', '.join(suffixes)}, compressed ({', '.join(COMPRESSIONS)}) "
            f"or not; name other files by a pattern, such as {name_of(os.path.join(path, '*.log'))}"
        )
    return [_file(file, suffixes) for file in files]


def _file(path: str, suffixes: Mapping[str, str]) -> Address:
    suffix = suffix_of(path)
    if suffix in AMBIGUOUS and suffix not in suffixes:
        raise BadInput(
            f"{name_of(path)} can mean several things: write dataset: before it if it is a table, jsonl: if each "
            "line is a JSON object, or file: to score the file as text"
        )
    return Address("archive" if suffix in ARCHIVES else suffixes.get(suffix, "file"), path)

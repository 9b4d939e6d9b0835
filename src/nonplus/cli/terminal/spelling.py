"""An option in a sentence as one types it: ``window=1024`` becomes ``--window 1024``.

The floors below do not know of a command line, so their messages spell every option as
Python does.
"""

import re
import shlex

from nonplus.cli.terminal.help_texts import (
    CALIBRATED,
    CALIBRATION,
    CASCADE,
    CORPUS,
    FILTER_READING,
    FILTER_SCORING,
    FILTER_WORKERS,
    FILTER_WRITING,
    FORM,
    LOADING,
    OUTPUT,
    PICTURES,
    PRECISION,
    PROFILES,
    PROTOCOL,
    PRUNING,
    READ,
    REPORTED,
    RUN,
    TRAINED,
    TRAINING,
)  # fmt: skip
from nonplus.cli.terminal.options import field_of

_OF_SCORE = ("--model", "--protocol", *LOADING, *PROTOCOL, *CORPUS, *RUN, *PRECISION, *OUTPUT)
_OF_FILTER = (
    *("--keep", "--models", *FILTER_READING, *FILTER_SCORING, *FILTER_WRITING, *FILTER_WORKERS),
    *(*CALIBRATION, *CALIBRATED, *CASCADE, *PICTURES, *PROFILES, *REPORTED),
)
_DECLARED = (*_OF_SCORE, "--output", *FORM, *READ, *_OF_FILTER, *PRUNING, *TRAINING, *TRAINED)
_FLAGS = {field_of(declaration): declaration for declaration in _DECLARED}

# Only at the beginning of a word: a folder may be called "window=3". And not in a call:
# the width of "gaussian(perplexity, width=4.5)" belongs to a rule.
_LIST = r"\d+(?:,\d+)+"
_CALL = r"(?<!\w)\w+\((?:[^()]|\([^()]*\))*\)"
_OPTION = re.compile(
    rf"{_CALL}|(?<![^\s(])({'|'.join(_FLAGS)})=({_LIST}|'[^']*'|\"[^\"]*\"|[^\s;,()'\"]*[^\s;,()'\".:?])"
)


def with_flags(sentence: str) -> str:
    """The sentence with each option of a verb as its flag."""
    return _OPTION.sub(_flag, sentence)


def _flag(found: re.Match[str]) -> str:
    if found[1] is None:
        return found[0]
    flag, value = _FLAGS[found[1]], found[2].strip("'\"")
    if re.fullmatch(_LIST, value):
        return f"{flag} {value.replace(',', ' ')}"
    switched = {"True": flag, "False": f"no {flag}"}
    return switched.get(value) or f"{flag} {value if value == '…' else shlex.quote(value)}"

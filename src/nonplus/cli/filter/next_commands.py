"""What to type after a calibration."""

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple, final

from nonplus.cli.ngram.written import as_flags
from nonplus.filtering.calibration.calibrating import Calibration
from nonplus.filtering.calibration.options import CalibrationOptions
from nonplus.filtering.fields.options import ReadOptions


@final
class Command(NamedTuple):
    """What it is for, and how it is typed."""

    purpose: str
    typed: str


def next_commands(
    calibration: Calibration,
    sources: Sequence[str],
    rule: Path | None,
    *,
    options: CalibrationOptions,
    reading: ReadOptions,
) -> Iterator[Command]:
    """To cut by the rule, which may be in a file, with the same model and fields; and
    to have a model for what this one is not for.
    """
    files = shlex.join(sources)
    fields = _changed(reading, ReadOptions()) | _changed(options, CalibrationOptions(), "identify_languages")
    if not calibration.known.stated and calibration.known.share is not None:
        flags = as_flags({"identify_languages": True, **_changed(options, CalibrationOptions(), "model"), **fields})
        yield Command("To know which is which, by their words", f"nonplus filter calibrate {files} {flags}")
    if calibration.rule:
        model = _changed(options, CalibrationOptions(), "model")
        flags = as_flags({"keep": calibration.rule if rule is None else str(rule), **model, **fields})
        yield Command("Cut", f"nonplus filter run {files} -o cleaned {flags}")
    if calibration.known.share is not None and calibration.known.share < 1:
        flags = as_flags({"model": "ngram:own-model", "languages": "LANGUAGE", **fields})
        yield Command(
            "For text in another language: train a model on files of yours that are as they should be",
            "nonplus ngram train TRUSTED.jsonl -o own-model --normalizer standard --tokenizer sentencepiece:16000\n"
            f"nonplus filter calibrate {files} {flags}",
        )


def _changed(options: Any, usual: Any, *names: str) -> dict[str, Any]:
    """The options that are not as usual, of all or of some."""
    before = asdict(usual)
    return {name: each for name, each in asdict(options).items() if each != before[name] and name in (names or before)}

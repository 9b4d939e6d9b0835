"""An option of another type than it has is refused in words."""

from pathlib import Path

import pytest

import nonplus
from nonplus.errors import BadInput, BadModel
from nonplus.models.ngram.converting import Form
from nonplus.models.ngram.pruning.files import PruneOptions
from nonplus.models.ngram.sources import TextOptions
from nonplus.models.ngram.training.options import TrainingOptions
from nonplus.models.ngram.training.outputs import Outputs


@pytest.mark.parametrize(
    ("kind", "options", "sentence"),
    [
        (TrainingOptions, {"order": True}, "order is a whole number, got one of type bool; use e.g. order=5"),
        (TrainingOptions, {"order": "3"}, "order is a whole number, got one of type str"),
        (TrainingOptions, {"vocabulary": True}, "vocabulary is a whole number, got one of type bool"),
        (TrainingOptions, {"memory": 4e9}, "memory is text, got one of type float; use e.g. memory=4G"),
        (TrainingOptions, {"unit": 1}, "unit of type int is no kind of sentence; use unit=line or unit=document"),
        (TrainingOptions, {"exact_lmplz": "no"}, "exact_lmplz is on or off, got one of type str"),
        (
            TrainingOptions,
            {"prune": 1},
            "prune are thresholds, one for each order, got one of type int; use e.g. prune",
        ),
        (TrainingOptions, {"prune": "0,1"}, "prune are thresholds, one for each order, got one of type str"),
        (TrainingOptions, {"prune": (False, True)}, "prune=False,True has a threshold that is no count"),
        (TextOptions, {"unit": "para"}, "unit=para is no kind of sentence; use unit=line or unit=document"),
        (TextOptions, {"normalizer": 1}, "normalizer is text, got one of type int; use e.g. normalizer=raw"),
        (TextOptions, {"tokenizer": Path("a.json")}, "tokenizer is text, got one of type .*Path; use e.g. tokenizer=w"),
        (Form, {"quantize": 8.0}, "quantize is a whole number, got one of type float; use e.g. quantize=8"),
        (Form, {"quantize": "8"}, "quantize is a whole number, got one of type str; use e.g. quantize=8"),
        (Form, {"quantize": False}, "quantize is a whole number, got one of type bool"),
        (Form, {"packed": 1}, "packed is on or off, got one of type int; use packed=True or packed=False"),
        (Outputs, {"output": Path("o"), "packed": "no"}, "packed is on or off, got one of type str"),
        (Outputs, {"output": Path("o"), "keep_text": 1}, "keep_text is on or off, got one of type int"),
        (PruneOptions, {"entropy": "1e-8"}, "entropy is a number, got one of type str; use e.g. entropy=1e-8"),
        (PruneOptions, {"ngrams": "3"}, "ngrams is a whole number, got one of type str; use e.g. ngrams=1000000"),
        (PruneOptions, {"ngrams": 2.5}, "ngrams is a whole number, got one of type float"),
        (PruneOptions, {"to_bytes": 6e6}, "to_bytes is a whole number, got one of type float; use e.g. to_bytes=6M"),
        (PruneOptions, {"to_bytes": "6X"}, "to_bytes=6X is no number of bytes; write e.g. to_bytes=6M"),
        (PruneOptions, {"counts": 1}, "counts are thresholds, one for each order, got one of type int"),
        (PruneOptions, {"counts": (0, 1), "memory": 1}, "memory is text, got one of type int; use e.g. memory=4G"),
    ],
)
def test_an_option_of_another_type_is_refused_by_name(kind: type, options: dict, sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        kind(**options)


def test_a_normaliser_that_there_is_not_is_refused_with_the_options() -> None:
    with pytest.raises(BadModel, match="normalizer=rwa is none that this version of nonplus has"):
        TextOptions(normalizer="rwa")


@pytest.mark.parametrize(
    ("output", "arpa", "folder"),
    [
        ("kk", "kk", "kk, the folder of the bundle"),
        ("kk", "kk/x.arpa", "kk, the folder of the bundle"),
        ("a/kk", "a", "a/kk, the folder of the bundle"),
        ("kk", "./kk/../kk", "kk, the folder of the bundle"),
        ("kk", "kk.training", "kk.training, the folder of the unfinished work"),
        ("kk", "kk.training/x.arpa", "kk.training, the folder of the unfinished work"),
    ],
)
def test_outputs_of_which_one_replaces_the_other_are_refused(output: str, arpa: str, folder: str) -> None:
    said = f"arpa={Path(arpa)} and {folder}, cannot both be there; give arpa={output}.arpa"
    with pytest.raises(BadInput, match=said):
        Outputs(output=Path(output), arpa=Path(arpa))


@pytest.mark.parametrize("name", ["kk", "kk/more/text.txt"])
def test_an_output_does_not_replace_what_is_read(tmp_path: Path, name: str) -> None:
    text = tmp_path / name
    text.parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / "kk/manifest.json").write_text("{}") if "/" in name else None
    text.write_text("rain falls")
    with pytest.raises(BadInput, match=f"{text} is read, and output={tmp_path / 'kk'} would replace it"):
        nonplus.train_ngrams(text, tmp_path / "kk")
    assert text.read_text() == "rain falls"

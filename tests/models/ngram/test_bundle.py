"""A bundle opens as what was written, or says what does not fit."""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from models import FIXTURES
from tests.native_switch import switched

import nonplus
from nonplus.errors import BadInput, BadModel
from nonplus.models.ngram.arpa.reading import read_arpa
from nonplus.models.ngram.bundle import MANIFEST, WORDS, open_bundle, write_bundle
from nonplus.models.ngram.inspection import inspected
from nonplus.models.ngram.manifest import Manifest, Training
from nonplus.models.ngram.ngrams import NgramsInMemory
from nonplus.models.ngram.normalizers.named import named
from nonplus.models.ngram.stored import PACKED, TABLE
from nonplus.models.ngram.text.rules import Rules
from nonplus.models.ngram.text.words import Words

WEATHER = FIXTURES / "weather.arpa"
TEXTS = ["rain falls in may\nsnow", "rain rain", "may  sun"]
TRAINING = Training(text_sha256="00ff", bytes=70, tokens=14, options={"order": 3}, discounts=((0.5, 1.0, 1.5),))


def rules(normalizer: str = "raw") -> Rules:
    return Rules(named(normalizer), Words(read_arpa(WEATHER).words), unit="line")


def written(folder: Path, *, normalizer: str = "raw", **options: Any) -> Manifest:
    return write_bundle(folder, read_arpa(WEATHER), rules=rules(normalizer), **options)


def changed(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    held = json.loads((folder / MANIFEST).read_text())
    change(held)
    (folder / MANIFEST).write_text(json.dumps(held))


def test_a_bundle_opens_as_what_was_written(tmp_path: Path) -> None:
    quantiles = {"en": {"0.3": 12.5}}
    manifest = written(tmp_path / "made", training=TRAINING, quantiles=quantiles)
    bundle = open_bundle(tmp_path / "made", whole=True)
    assert bundle.manifest == manifest
    assert (manifest.order, manifest.counts, manifest.vocabulary) == (3, (8, 8, 4), 8)
    assert (manifest.training, manifest.quantiles) == (TRAINING, quantiles)
    assert {path.name for path in (tmp_path / "made").iterdir()} == {MANIFEST, *manifest.files}
    for name, file in manifest.files.items():
        content = (tmp_path / "made" / name).read_bytes()
        assert (file.bytes, file.sha256) == (len(content), hashlib.sha256(content).hexdigest())


@pytest.mark.filterwarnings("ignore::nonplus.errors.SuspectInput")
def test_a_bundle_scores_as_the_file_that_it_was_made_of(tmp_path: Path) -> None:
    written(tmp_path / "made")
    of_file, of_bundle = (nonplus.evaluate(TEXTS, model=f"ngram:{path}") for path in (WEATHER, tmp_path / "made"))
    assert of_bundle.tally == of_file.tally
    assert of_bundle.protocol.fingerprint == of_file.protocol.fingerprint
    assert of_bundle.model_identity != of_file.model_identity


def test_the_same_model_has_the_same_bytes_and_identity(tmp_path: Path) -> None:
    for name in ("one", "other"):
        written(tmp_path / name)
    one, other = (open_bundle(tmp_path / name) for name in ("one", "other"))
    assert one.identity == other.identity
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "other" / path.name).read_bytes()


@pytest.mark.filterwarnings("ignore::nonplus.errors.SuspectInput")
def test_the_rules_of_a_bundle_are_part_of_its_protocol(tmp_path: Path) -> None:
    for name in ("raw", "standard"):
        written(tmp_path / name, normalizer=name)
    raw, standard = (nonplus.evaluate(["rain  rain"], model=f"ngram:{tmp_path / name}") for name in ("raw", "standard"))
    assert "normalizer:standard-1" in standard.protocol.signature
    assert raw.protocol.fingerprint != standard.protocol.fingerprint
    assert (raw.tally.normalised_bytes, standard.tally.normalised_bytes) == (0, 9)


def test_a_file_in_a_bundle_is_no_model_and_the_folder_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "made"
    written(folder)
    for name in (TABLE, WORDS, MANIFEST):
        with pytest.raises(BadModel, match=f"a part of the bundle {folder}; name the folder: ngram:{folder}$"):
            nonplus.open_model(f"ngram:{folder / name}")


@pytest.mark.filterwarnings("ignore::nonplus.errors.SuspectInput")
@pytest.mark.parametrize("bits", [0, 2])
def test_a_packed_bundle_scores_as_one_that_is_not(tmp_path: Path, bits: int) -> None:
    assert written(tmp_path / "packed", packed=True, bits=bits).ngrams == PACKED
    assert not (tmp_path / "packed" / TABLE).exists()
    write_bundle(tmp_path / "table", open_bundle(tmp_path / "packed").ngrams, rules=rules())
    packed, table = (nonplus.evaluate(TEXTS, model=f"ngram:{tmp_path / name}") for name in ("packed", "table"))
    assert packed.tally == table.tally


def test_words_that_are_no_utf_8_stay_what_they_are(tmp_path: Path) -> None:
    ngrams = read_arpa(WEATHER)
    words = [*ngrams.words[:-1], "\udcff"]
    model = NgramsInMemory(words, ngrams.orders)
    write_bundle(tmp_path / "made", model, rules=Rules(named("raw"), Words(words)))
    assert list(open_bundle(tmp_path / "made").rules.words) == words


def test_the_ngrams_of_a_bundle_can_be_written_again(tmp_path: Path) -> None:
    written(tmp_path / "one")
    bundle = open_bundle(tmp_path / "one")
    write_bundle(tmp_path / "other", bundle.ngrams, rules=bundle.rules)
    assert (tmp_path / "other" / MANIFEST).read_bytes() == (tmp_path / "one" / MANIFEST).read_bytes()


def test_a_bundle_is_replaced_whole_and_what_is_none_is_not_replaced(tmp_path: Path) -> None:
    written(tmp_path / "made", packed=True)
    written(tmp_path / "made", bits=4)
    assert not (tmp_path / "made" / PACKED).exists()
    assert open_bundle(tmp_path / "made").table.bits == 4
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("mine")
    for taken in (tmp_path / "other", tmp_path / "other" / "notes.txt"):
        with pytest.raises(BadInput, match="is no bundle, so it is not replaced; give another name"):
            written(taken)
    assert (tmp_path / "other" / "notes.txt").read_text() == "mine"


def test_a_bundle_with_files_of_somebody_is_not_replaced_and_none_is_made_within_one(tmp_path: Path) -> None:
    made = tmp_path / "made"
    written(made)
    (made / "README.md").write_text("mine")
    (made / "plots").mkdir()
    with pytest.raises(BadInput, match=r"also holds README.md, plots, which would be removed with it; move that away"):
        written(made)
    assert (made / "README.md").read_text() == "mine"
    for inside in (made / "plots" / "new", made / "new"):
        with pytest.raises(BadInput, match=r"would lie in the bundle .*made, which holds its own files only"):
            written(inside)
        assert not inside.exists()


def test_a_word_with_a_newline_is_refused(tmp_path: Path) -> None:
    ngrams = read_arpa(WEATHER)
    words = [*ngrams.words[:-1], "a\nb"]
    with pytest.raises(BadModel, match=r"has the word 'a\\nb'"):
        write_bundle(tmp_path / "made", NgramsInMemory(words, ngrams.orders), rules=Rules(named("raw"), Words(words)))
    assert not [*tmp_path.iterdir()]


# --------------------------------------------------------------- what does not fit


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda held: held.update(format=9), "format=9"),
        (lambda held: held.update(order=4), r"'order' is 4, but ngrams\.table has 3"),
        (lambda held: held.update(counts=[8, 8, 5]), r"'counts' is \(8, 8, 5\), but ngrams\.table has \(8, 8, 4\)"),
        (lambda held: held.update(vocabulary=9), r"'vocabulary' is 9, but words\.txt has 8"),
        (lambda held: held.update(bits=8), r"'bits' is 8, but ngrams\.table has 0"),
        (lambda held: held.update(rules_identity="0" * 64), "'rules_identity' is 000000000000, but what rules="),
        (lambda held: held["rules"].update(normalizer="raw-7"), "rules: normalizer=raw-7 is none"),
        (lambda held: held["rules"].update(end=False), "'rules_identity' is "),
        (lambda held: held["rules"].pop("unit"), "rules: .*unit"),
        (lambda held: held["rules"].update(tokenizer={"kind": "letters"}), "rules: .*'letters'"),
        (lambda held: held.update(ngrams="other.table"), "the field 'files' has no 'other.table'"),
        (lambda held: held["files"].pop("words.txt"), "the field 'files' has no 'words.txt'"),
        (lambda held: held["files"].update({"../x": {"bytes": 1, "sha256": ""}}), "which is no name of a file"),
        (lambda held: held["files"].update({"x": {"bytes": 1, "sha256": ""}}), "'x', and there is no such file"),
        (
            lambda held: held["files"]["words.txt"].update(bytes=5),
            r"words\.txt\.bytes' is 5, but words\.txt has",
        ),
        (lambda held: held["files"]["words.txt"].update(sha256="ab"), r"files\.words\.txt\.sha256' is ab, but"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused_with_the_field(
    tmp_path: Path, change: Callable[[dict[str, Any]], object], said: str
) -> None:
    written(tmp_path / "made")
    changed(tmp_path / "made", change)
    with pytest.raises(BadModel, match=rf"manifest\.json: .*{said}"):
        open_bundle(tmp_path / "made")


@pytest.mark.parametrize("name", [WORDS, TABLE, PACKED])
def test_a_file_that_is_cut_off_is_refused(tmp_path: Path, name: str) -> None:
    written(tmp_path / "made", packed=name == PACKED)
    file = tmp_path / "made" / name
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(BadModel, match=rf"files\.{name}\.bytes' is .* copy the whole bundle again"):
        open_bundle(tmp_path / "made")


@pytest.mark.parametrize("name", [WORDS, TABLE])
def test_a_file_with_a_flipped_bit_is_refused(tmp_path: Path, name: str) -> None:
    written(tmp_path / "made")
    file = tmp_path / "made" / name
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(BadModel, match=rf"files\.{name}\.sha256' is .* copy the whole bundle again"):
        open_bundle(tmp_path / "made")


@pytest.fixture(params=["C", "Python"])
def kernel(request: pytest.FixtureRequest) -> Iterator[None]:
    with switched(request.param):
        yield


@pytest.mark.slow
@pytest.mark.usefixtures("kernel")
@pytest.mark.filterwarnings("ignore::nonplus.errors.SuspectInput")
@pytest.mark.parametrize("packed", [False, True])
@given(data=st.data())
def test_a_bundle_with_a_changed_or_cut_file_is_refused_or_gives_the_same_figures(
    tmp_path_factory: pytest.TempPathFactory, packed: bool, data: st.DataObject
) -> None:
    """With the right checksum it is a model, or refused."""
    folder = tmp_path_factory.mktemp("bundles") / "made"
    written(folder, packed=packed, bits=data.draw(st.sampled_from([0, 3])), training=TRAINING)
    whole = nonplus.evaluate(TEXTS, model=f"ngram:{folder}").tally
    file = data.draw(st.sampled_from(sorted(folder.iterdir())))
    content = bytearray(file.read_bytes())
    pieces = st.one_of(st.binary(max_size=4), st.sampled_from([b"9" * 20, b"-1", b"null", b'"', b"]", b"0."]))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, max(0, len(content) - 1)))
        content[at : at + data.draw(st.integers(0, 4))] = data.draw(pieces)
    file.write_bytes(content[: data.draw(st.sampled_from([len(content), at]))])
    if data.draw(st.booleans()) and file.name != MANIFEST:
        stated = {"bytes": file.stat().st_size, "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
        changed(folder, lambda held: held["files"].update({file.name: stated}))
        with suppress(BadModel, BadInput):
            nonplus.evaluate(TEXTS, model=f"ngram:{folder}")
        return
    try:
        found = nonplus.evaluate(TEXTS, model=f"ngram:{folder}").tally
    except (BadModel, BadInput):
        return
    assert found == whole
    inspected(str(folder))


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[]", b'{"format": 1}'])
def test_what_is_no_manifest_is_refused_with_its_path(tmp_path: Path, content: bytes) -> None:
    written(tmp_path / "made")
    (tmp_path / "made" / MANIFEST).write_bytes(content)
    with pytest.raises(BadModel, match=r"made.manifest\.json"):
        open_bundle(tmp_path / "made")


def test_a_bundle_that_could_not_be_opened_replaces_none(tmp_path: Path) -> None:
    kept = written(tmp_path / "made")
    unknown: Any = "para"
    with pytest.raises(BadModel, match="the unit of a model is line or document, and its manifest has 'para'"):
        write_bundle(
            tmp_path / "made",
            read_arpa(WEATHER),
            rules=Rules(named("raw"), Words(read_arpa(WEATHER).words), unit=unknown),
        )
    assert open_bundle(tmp_path / "made").manifest == kept

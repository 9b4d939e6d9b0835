"""A table of tokens has the figures of the run that wrote it, to the last bit."""

import gzip
import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from doubles import History, Spelled
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import nonplus
from nonplus import Document, Protocol
from nonplus.errors import BadInput, BadModel, BadProtocol
from nonplus.measure.brought import HasOrder
from nonplus.measure.interfaces import ScoresTexts
from nonplus.measure.scores import TokenNames
from nonplus.measure.scoring import stated_protocol
from nonplus.measure.token_table import conditions
from nonplus.models import open_model
from nonplus.models.precomputed.model import Precomputed
from nonplus.models.precomputed.opening import open_scores
from nonplus.views.tables import ABOUT, OF_MATCHES, TOKENS, table, token_rows

EXAMPLES = Path(__file__).parents[3] / "examples"
pytestmark = [
    pytest.mark.filterwarnings("ignore::nonplus.errors.SuspectInput"),
    pytest.mark.filterwarnings("ignore::nonplus.errors.ProtocolWarning"),
]

letters = st.text("ab c\n é“\U0001f600", min_size=1, max_size=40).filter(str.strip)
documents = st.lists(
    st.builds(Document, text=letters, domain=st.sampled_from(["", "news", "né"]), context=st.sampled_from(["", "a é"])),
    min_size=1,
    max_size=5,
)


def write(path: Path, texts: Iterable[Any], model: Any, protocol: Protocol | None = None) -> Any:
    """The report of a run, of which the table of tokens lies at ``path``."""
    texts = list(texts)
    columns = {**TOKENS, **(OF_MATCHES if isinstance(model, HasOrder) else {}), **ABOUT}
    run, names = conditions(model, stated_protocol(protocol, model)), TokenNames(model.tokenizer.decode)
    with table(path, columns) as opened:
        for scored in nonplus.score(texts, model=model, protocol=protocol):
            opened.write(token_rows(scored, names, columns, None if opened.rows else run))
    return nonplus.evaluate(texts, model=model, protocol=protocol)


def read(path: Path) -> Any:
    model = open_scores(str(path))
    return nonplus.evaluate(model.texts, model=model)


def same(one: Any, other: Any) -> None:
    left_out = {"seconds", "tokens_per_second", "source", "model_identity"}
    assert one.tally == other.tally
    assert (one.positions, one.domains) == (other.positions, other.domains)
    kept = [{k: v for k, v in each.to_dict().items() if k not in left_out} for each in (one, other)]
    assert kept[0] == kept[1]
    assert str(one.protocol.signature) == other.protocol.signature


LAW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@LAW
@given(documents, st.sampled_from(["full", "stride:4", "hf-doc:8", "lm-eval"]), st.sampled_from([None, 256]))
def test_documents_under_any_protocol(tmp_path: Path, texts: list[Document], name: str, bos: int | None) -> None:
    model = History(vocabulary=260, bos=bos)
    try:
        first = write(tmp_path / "tokens.jsonl", texts, model, Protocol.named(name))
    except (BadProtocol, BadInput):  # nothing to score, or one that takes no context
        return
    same(read(tmp_path / "tokens.jsonl"), first)


@LAW
@given(st.lists(letters, min_size=1, max_size=4), st.sampled_from(["gptq:8", "llama.cpp:8", "hf-doc:8"]))
def test_streams_under_any_protocol(tmp_path: Path, texts: list[str], name: str) -> None:
    model = History(vocabulary=260, tokenizer=Spelled())
    protocol = Protocol.named(name).but(unit="stream")
    try:
        first = write(tmp_path / "tokens.jsonl", [text * 3 for text in texts], model, protocol)
    except (BadProtocol, BadInput):  # too short for it
        return
    same(read(tmp_path / "tokens.jsonl"), first)


KINDS = ["bundled:tiny", "bundled:ngram", "uniform:256", f"ngram:{EXAMPLES / 'weather.arpa'}", f"unigram:{__file__}"]


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_every_kind_of_model(tmp_path: Path, name: str, suffix: str) -> None:
    if suffix == ".parquet":
        pytest.importorskip("pyarrow")
    texts = [
        "rain falls in may\nand </s> “snow”\r\n",
        Document(text="Né à Paris.", domain="fr", id="x"),
        "rain",
        "ra in",
    ]
    path = tmp_path / f"tokens{suffix}"
    first = write(path, texts, open_model(name))
    same(read(path), first)
    again = read(path)
    assert again.model == first.model
    assert again.lost == first.lost


class Labelled:
    """An n-gram model whose figures go by another name."""

    def __init__(self, quantity: Any) -> None:
        inner = open_model("bundled:ngram")
        assert isinstance(inner, ScoresTexts)
        self.name, self.identity, self.dtype, self.vocabulary = "labelled", "1", inner.dtype, inner.vocabulary
        self.tokenizer, self.order, self.score = inner.tokenizer, 3, inner.score
        self.protocol = replace(inner.protocol, quantity=quantity, average="texts", cautions=("a caution",))


@pytest.mark.parametrize("quantity", ["pseudo-perplexity", "conditional perplexity"])
def test_the_quantity_stays_what_it_was(tmp_path: Path, quantity: Any) -> None:
    model = Labelled(quantity)
    first = write(tmp_path / "tokens.jsonl", ["rain falls", "snow in may"], model)
    found = read(tmp_path / "tokens.jsonl")
    same(found, first)
    assert found.protocol.quantity == quantity
    assert str(found).partition("\n")[2].startswith(quantity)


def test_a_document_in_parts_is_read_as_a_whole(tmp_path: Path) -> None:
    text = (EXAMPLES / "lost_world.txt").read_text(encoding="utf-8") * 12
    model = open_model("uniform:256")
    protocol = Protocol.named("full").but(unit="stream")
    assert len(list(nonplus.score([text], model=model, protocol=protocol))) > 1
    same(read_after(tmp_path, [text], model, protocol), nonplus.evaluate([text], model=model, protocol=protocol))


def read_after(folder: Path, texts: list[str], model: Any, protocol: Protocol) -> Any:
    write(folder / "tokens.jsonl", texts, model, protocol)
    return read(folder / "tokens.jsonl")


def test_texts_beside_the_file_are_found_in_any_order(tmp_path: Path) -> None:
    model, texts = History(vocabulary=260), ["one", "two “é”", "three", "two “é”"]
    first = write(tmp_path / "tokens.jsonl", texts, model)
    scores = open_scores(str(tmp_path / "tokens.jsonl"))
    assert nonplus.evaluate(texts, model=scores).tally.nats == first.tally.nats
    assert nonplus.evaluate(texts[::-1], model=scores).tally.nats == first.tally.nats
    assert nonplus.evaluate(texts[1:2] * 5, model=scores).tally.scored == 5 * len("two “é”".encode())


def test_texts_that_were_not_scored_are_refused(tmp_path: Path) -> None:
    texts = [Document(text="rain in may", id="a")]
    write(tmp_path / "tokens.jsonl", texts, History(vocabulary=260))
    scores = open_scores(str(tmp_path / "tokens.jsonl"))
    with pytest.raises(BadInput, match="has scores of another text for a: they differ from character 8 on"):
        nonplus.evaluate([Document(text="rain in june", id="a")], model=scores)
    with pytest.raises(BadInput, match="has no scores of b; give texts that were scored, or omit them"):
        nonplus.evaluate([*texts, Document(text="snow", id="b")], model=scores)


def test_a_packed_file_is_read_like_a_plain_one(tmp_path: Path) -> None:
    first = write(tmp_path / "tokens.jsonl", ["rain in may"], History(vocabulary=260))
    packed = tmp_path / "tokens.jsonl.gz"
    packed.write_bytes(gzip.compress((tmp_path / "tokens.jsonl").read_bytes()))
    same(read(packed), first)
    packed.write_bytes(packed.read_bytes()[:-20])
    with pytest.raises(BadInput, match="is damaged"):
        read(packed)


def test_tables_of_two_runs_are_not_one_figure(tmp_path: Path) -> None:
    first = write(tmp_path / "a.jsonl", ["rain in may"], open_model("uniform:256"))
    write(tmp_path / "b.jsonl", ["snow"], open_model("bundled:ngram"))
    one, other = ((tmp_path / name).read_text(encoding="utf-8") for name in ("a.jsonl", "b.jsonl"))
    (tmp_path / "tokens.jsonl").write_text(one + other, encoding="utf-8")
    with pytest.raises(BadInput, match=r"line 12 begins another run .*; give each run a file of its own"):
        read(tmp_path / "tokens.jsonl")
    (tmp_path / "tokens.jsonl").write_text(one + one, encoding="utf-8")  # parts of one run
    assert read(tmp_path / "tokens.jsonl").nats == 2 * first.nats


def test_a_table_has_no_other_base(tmp_path: Path) -> None:
    write(tmp_path / "tokens.jsonl", ["rain in may"], open_model("uniform:256"))
    with pytest.raises(BadInput, match="whose surprisals are in nats; omit #bits"):
        open_scores(f"{tmp_path / 'tokens.jsonl'}#bits")


def test_a_table_without_its_conditions_has_an_unknown_protocol(tmp_path: Path) -> None:
    path = tmp_path / "tokens.jsonl"
    first = write(path, ["rain in may"], History(vocabulary=260))
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    path.write_text("\n".join(json.dumps({k: v for k, v in row.items() if k != "about"}) for row in rows))
    found = read(path)
    assert found.protocol.signature == "scores|form:nonplus|of:prompt|protocol:unknown"
    assert found.tally == first.tally
    assert found.cautions


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"nats": -0.5}, r"line 3 has nats -0.5, where a surprisal is a number from 0 on"),
        ({"nats": "much"}, "line 3 has nats 'much'"),
        ({"index": 7}, "line 3 is token 7 of text 1, and no row before it is of token 6"),
        ({"id": "x"}, "line 3 is no row of a token: id is missing or of another type"),
        ({"about": 3}, "line 3 has 3 in the column about"),
    ],
)
def test_a_row_that_nonplus_does_not_write_is_refused_with_its_place(tmp_path: Path, change: Any, why: str) -> None:
    path = tmp_path / "tokens.jsonl"
    write(path, ["rain in may"], History(vocabulary=260))
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    rows[2] |= change
    path.write_text("\n".join(map(json.dumps, rows)))
    with pytest.raises(BadInput, match=why):
        read(path)


@pytest.mark.parametrize("name", ["signature", "fingerprint", "vocabulary"])
def test_conditions_of_another_type_are_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "tokens.jsonl"
    write(path, ["rain in may"], History(vocabulary=260))
    first, *others = path.read_text(encoding="utf-8").splitlines()
    row = json.loads(first)
    row["about"]["run"][name] = [1]
    path.write_text("\n".join([json.dumps(row), *others]))
    with pytest.raises(BadInput, match="line 1 has a signature, fingerprint or caution that is no text, or a voc"):
        open_scores(str(path))


def test_what_a_newer_nonplus_wrote_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tokens.jsonl"
    write(path, ["rain in may"], History(vocabulary=260))
    path.write_text(path.read_text(encoding="utf-8").replace('"form": 1', '"form": 2'))
    with pytest.raises(BadInput, match="is of form 2, and this nonplus reads form 1"):
        read(path)


def test_a_file_scores_in_its_own_way_and_has_no_alternatives(tmp_path: Path) -> None:
    write(tmp_path / "tokens.jsonl", ["rain in may"], History(vocabulary=260))
    model = open_scores(str(tmp_path / "tokens.jsonl"))
    assert isinstance(model, Precomputed)
    with pytest.raises(BadProtocol, match="scores whole texts in its own way"):
        nonplus.evaluate(model.texts, model=model, protocol="stride:4")
    with pytest.raises(BadModel, match="got alternatives=2; use alternatives=0"):
        list(nonplus.score(model.texts, model=model, options=nonplus.RunOptions(alternatives=2)))


def test_probability_zero_stays_infinite(tmp_path: Path) -> None:
    from nonplus.models.synthetic import Unigram

    chances = np.zeros(256)
    chances[ord("a")] = 1
    first = write(tmp_path / "tokens.jsonl", ["aab"], Unigram(chances))
    assert first.perplexity == np.inf
    same(read(tmp_path / "tokens.jsonl"), first)

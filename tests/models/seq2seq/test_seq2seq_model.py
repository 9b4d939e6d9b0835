"""A text given its source: the terms of transformers' own loss."""

import pickle
import re
import shutil
from contextlib import nullcontext

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="these are models of torch")
pytest.importorskip("transformers", reason="these are models of transformers")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from seq2seq_tiny import byte_tokenizer, encoder_decoder, own_loss  # noqa: E402

import nonplus  # noqa: E402
from nonplus.errors import BadInput, BadModel, FallbackNotice, ProtocolWarning, SuspectInput  # noqa: E402
from nonplus.measure.conformance import examine  # noqa: E402
from nonplus.measure.forward import RunOptions  # noqa: E402
from nonplus.measure.records import Document  # noqa: E402
from nonplus.models.loading import Loading  # noqa: E402
from nonplus.models.seq2seq.logits import OwnDecoderHead, PairByPair  # noqa: E402
from nonplus.models.seq2seq.model import from_object  # noqa: E402

pytestmark = [
    pytest.mark.filterwarnings("ignore::nonplus.errors.ProtocolWarning"),
    pytest.mark.filterwarnings("ignore::nonplus.errors.SuspectInput"),
]

PAIRS = [("Der Hund bellt.", "The dog barks."), ("Ein Fluß", "A river"), ("x", "It rose in the night, é."), ("", "a")]
TEXTS = [Document(text=text, context=source) for source, text in PAIRS]
KINDS = [
    ("T5", {}),
    ("T5", {"tie_word_embeddings": True}),
    ("T5", {"feed_forward_proj": "gated-gelu", "tie_word_embeddings": False}),
    ("Bart", {}),
    ("MBart", {}),
    ("Pegasus", {}),
]


@pytest.fixture(scope="module")
def pair():
    return encoder_decoder()


def nats(documents, model, **options):
    return [each.nats for each in nonplus.score(documents, model=model, options=RunOptions(**options))]


def flat(arrays):
    return np.concatenate([np.ravel(each) for each in arrays])


@pytest.mark.parametrize(("kind", "sizes"), KINDS)
def test_a_score_is_that_of_the_loss_of_transformers(kind, sizes):
    model, tokenizer = encoder_decoder(kind, **sizes)
    ours = from_object(model, tokenizer)
    assert isinstance(ours._path, OwnDecoderHead)
    expected = [own_loss(model, tokenizer, source, text) for source, text in PAIRS]
    np.testing.assert_allclose(flat(nats(TEXTS, ours)), flat(expected), atol=1e-12)


def test_a_model_that_does_not_say_how_it_shifts_labels_is_run_pair_by_pair_with_the_same_scores():
    model, tokenizer = encoder_decoder("M2M100")
    with pytest.warns(FallbackNotice, match="the whole model is run one pair at a time"):
        ours = from_object(model, tokenizer)
    assert isinstance(ours._path, PairByPair)
    expected = [own_loss(model, tokenizer, source, text) for source, text in PAIRS]
    np.testing.assert_allclose(flat(nats(TEXTS, ours)), flat(expected), atol=1e-12)


@settings(max_examples=15)
@given(
    pairs=st.lists(
        st.tuples(st.text("abé ", max_size=9), st.text("xyz", min_size=1, max_size=9)), min_size=1, max_size=6
    ),
    budget=st.integers(1, 60),
)
def test_neither_batches_nor_neighbours_nor_order_change_a_score(pair, pairs, budget):
    ours, texts = from_object(*pair), [Document(text=text, context=source) for source, text in pairs]
    alone = flat([nats([text], ours)[0] for text in texts])
    np.testing.assert_allclose(flat(nats(texts, ours)), alone, atol=1e-12)
    np.testing.assert_allclose(flat(nats(texts, ours, budget=budget)), alone, atol=1e-12)
    np.testing.assert_allclose(flat(nats(texts[::-1], ours)[::-1]), alone, atol=1e-12)


@pytest.mark.parametrize("kind", ["T5", "Bart", "MBart"])
def test_each_token_and_the_end_are_scored_once_and_their_bytes_are_those_of_the_text(kind):
    for text in nonplus.score(TEXTS, model=from_object(*encoder_decoder(kind))):
        rows = list(text.rows(str))
        assert [row.nats is not None for row in rows[: len(text.nats)]] == [True] * len(text.nats)
        assert len(text.nats) == len(text.document.text.encode()) + 1
        assert "".join(row.text for row in rows) == text.document.text
        assert text.tokens.ids[text.index[-1]] == 1
        assert text.tokens.byte_ends[-1] == len(text.document.text.encode())


def test_what_a_token_saw_are_the_source_the_start_and_the_text_before_it(pair):
    (text,) = nonplus.score([Document(text="ab", context="xyz")], model=from_object(*pair))
    np.testing.assert_array_equal(text.seen, [5, 6, 7])  # three bytes, </s>, and the start


def test_readings_are_those_of_the_decoder(pair):
    model, tokenizer = pair
    (text,) = nonplus.score(TEXTS[:1], model=from_object(*pair), options=RunOptions(alternatives=2))
    ids = [torch.tensor([tokenizer(part).input_ids]) for part in PAIRS[0]]
    logprobs = model(input_ids=ids[0], labels=ids[1]).logits[0].log_softmax(1).detach().numpy()
    np.testing.assert_array_equal(text.readings.top_ids, np.argsort(-logprobs, axis=1)[:, :2])
    np.testing.assert_allclose(text.readings.entropy, -(np.exp(logprobs) * logprobs).sum(1), atol=1e-9)


def test_its_protocol_says_what_is_measured_and_how():
    ours = from_object(*encoder_decoder("Bart"))
    assert ours.protocol.quantity == "conditional perplexity"
    assert ours.protocol.signature == "seq2seq|source:<s>…</s>|fed:<s>|end:</s>(scored)|dtype:float64"
    assert set(ours.protocol.as_dict()) == {
        *("name", "source_before", "source_after", "target_before", "end", "dtype"),
        *("average", "denominator", "quantity"),
    }  # the fingerprint is of these: no choice is in the words of a caution
    with pytest.warns(ProtocolWarning, match="a text is scored given its source"):
        nonplus.evaluate(TEXTS, model=ours)


def test_a_text_without_a_source_is_noted_with_what_is_fed(pair):
    with pytest.warns(SuspectInput, match="text 1 has no context, so the encoder is fed </s> alone"):
        nats(["a"], from_object(*pair))


def test_a_text_without_a_source_is_refused_where_nothing_could_be_fed(pair):
    with pytest.raises(BadInput, match=r"text 1 has no context, and the tokenizer of .* adds no special token"):
        nats(["a"], from_object(pair[0], byte_tokenizer("$A")))


def test_a_text_without_an_end_of_its_tokenizer_is_scored_without_one(pair):
    ours = from_object(pair[0], byte_tokenizer("$A"))
    assert "|end:none|" in ours.protocol.signature
    assert len(nats([Document(text="abc", context="x")], ours)[0]) == 3


@pytest.mark.parametrize(("source", "text", "what"), [("a" * 63, "a", "context"), ("a", "b" * 63, "text")])
def test_what_is_too_long_is_refused_and_never_cut(source, text, what):
    ours = from_object(*encoder_decoder("Bart"))
    assert len(nats([Document(text="b" * 62, context="a" * 62)], ours)[0]) == 63
    with pytest.raises(BadInput, match=f"the {what} of text 1 has 65 tokens, .* and the model takes 64; shorten it"):
        nats([Document(text=text, context=source)], ours)


def test_relative_positions_have_no_limit_but_that_of_the_tokenizer(pair):
    long = Document(text="a" * 600, context="b" * 700)
    assert len(nats([long], from_object(*pair))[0]) == 601
    limited = byte_tokenizer(model_max_length=512)
    with pytest.raises(BadInput, match="has 701 tokens, special ones included, and the model takes 512"):
        nats([long], from_object(pair[0], limited))


def test_a_batch_that_does_not_fit_is_halved(pair, monkeypatch):
    ours = from_object(*pair)
    expected, whole = flat(nats(TEXTS, ours)), OwnDecoderHead.logits

    def cramped(path, batch):
        if batch.source_BS.numel() + batch.label_BT.numel() > 50:
            raise torch.OutOfMemoryError("too many")
        return whole(path, batch)

    monkeypatch.setattr(OwnDecoderHead, "logits", cramped)
    np.testing.assert_allclose(flat(nats(TEXTS, ours)), expected, atol=1e-12)
    with pytest.raises(BadModel, match="text 1 and its context do not fit into memory even alone"):
        nats([Document(text="a" * 60, context="b")], ours)


def pairs_fed(model):
    """Grows by how many pairs each pass has."""
    fed = []
    model.encoder.register_forward_pre_hook(lambda _, __, given: fed.append(len(given["input_ids"])), with_kwargs=True)
    return fed


def test_a_run_goes_on_where_it_was_and_asks_nothing_again(tmp_path):
    model, tokenizer = encoder_decoder()
    ours = from_object(model, tokenizer)
    expected = nats(TEXTS, ours)
    first = nats(TEXTS[:2], ours, resume=tmp_path)
    fed = pairs_fed(model)
    again = nats(TEXTS, ours, resume=tmp_path)
    assert sum(fed) == len(TEXTS[2:])
    np.testing.assert_array_equal(flat(again[:2]), flat(first))
    np.testing.assert_allclose(flat(again), flat(expected), atol=1e-12)
    fed.clear()
    np.testing.assert_array_equal(flat(nats(TEXTS, ours, resume=tmp_path)), flat(again))
    assert not fed


def test_a_budget_asks_for_no_second_model(folder, tmp_path):
    moved = shutil.copytree(folder, tmp_path / "t5")
    ours = nonplus.open_model(f"seq2seq:{moved}")
    expected = flat(nats(TEXTS, ours))
    (moved / "config.json").unlink()
    np.testing.assert_allclose(flat(nats(TEXTS, ours, budget=20)), expected, atol=1e-12)


def test_the_checks_of_doctor_hold(pair):
    assert all(check.passed for check in examine(from_object(*pair)))


@pytest.fixture(scope="module")
def folder(pair, tmp_path_factory):
    where = tmp_path_factory.mktemp("t5")
    for part in pair:
        part.save_pretrained(where)
    return where


def test_a_folder_is_opened_by_the_scheme(pair, folder):
    model = nonplus.open_model(f"seq2seq:{folder}")
    np.testing.assert_allclose(flat(nats(TEXTS, model)), flat(nats(TEXTS, from_object(*pair))), atol=1e-12)
    other = nonplus.open_model(f"seq2seq:{folder}", loading=Loading(dtype="float32"))
    assert other.dtype == "float32"
    again = pickle.loads(pickle.dumps(other))
    assert (again.identity, again.protocol) == (other.identity, other.protocol)


@pytest.mark.slow
@pytest.mark.parametrize("way", ["8bit", "4bit", "torchao-int8"])
@pytest.mark.parametrize("kind", ["T5", "Bart"])
def test_a_quantised_model_says_so_and_neighbours_change_none_of_its_scores(tmp_path, kind, way):
    pytest.importorskip("torchao" if way == "torchao-int8" else "bitsandbytes")
    sizes = {"d_ff": 128, "d_kv": 16} if kind == "T5" else {"encoder_ffn_dim": 128, "decoder_ffn_dim": 128}
    for part in encoder_decoder(kind, dtype=torch.float32, d_model=64, **sizes):
        part.save_pretrained(tmp_path)
    loading = Loading(quantization=way, dtype="float32", device="cpu")
    mixing = pytest.warns(FallbackNotice, match="let all tokens of a pass change each other.*one pair at a time")
    with mixing if way == "8bit" else nullcontext():
        ours = nonplus.open_model(f"seq2seq:{tmp_path}", loading=loading)
    assert isinstance(ours._path, PairByPair if way == "8bit" else OwnDecoderHead)
    assert re.fullmatch("(int8|nf4|Int8WeightOnly) by .*", ours.name.removeprefix(f"{tmp_path}, "))
    alone = [nats([text], ours)[0] for text in TEXTS]
    np.testing.assert_allclose(flat(nats(TEXTS, ours)), flat(alone), atol=1e-5)


def test_models_of_another_kind_are_refused_with_the_scheme_for_them(folder, tmp_path):
    import transformers

    for scheme in ("hf", "mlm"):
        with pytest.raises(BadModel, match=r"is an encoder-decoder model \(t5\), .* open it with seq2seq:"):
            nonplus.open_model(f"{scheme}:{folder}")
    transformers.BertConfig(vocab_size=30).save_pretrained(tmp_path)
    with pytest.raises(BadModel, match=r"is no encoder-decoder model \(bert\), .* hf:.* if it is causal, with mlm:"):
        nonplus.open_model(f"seq2seq:{tmp_path}")
    with pytest.raises(BadModel, match="packing=True lets texts share a row"):
        nonplus.open_model(f"seq2seq:{folder}", loading=Loading(packing=True))

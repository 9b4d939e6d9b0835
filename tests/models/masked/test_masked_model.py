"""Pseudo-log-likelihood: the sum over forward passes that mask one token each."""

import pickle
import re
import shutil
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="these are models of torch")
pytest.importorskip("transformers", reason="these are models of transformers")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from masked_tiny import PIECES, byte_level, masked, plain_nats, wordpiece  # noqa: E402

import nonplus  # noqa: E402
from nonplus.errors import BadModel, BadProtocol, FallbackNotice, ProtocolWarning, SuspectInput  # noqa: E402
from nonplus.measure.conformance import examine  # noqa: E402
from nonplus.measure.forward import RunOptions  # noqa: E402
from nonplus.measure.records import Document  # noqa: E402
from nonplus.models.hf.logits import OwnHead  # noqa: E402
from nonplus.models.hf.tokenizer import HFTokenizer  # noqa: E402
from nonplus.models.loading import Loading  # noqa: E402
from nonplus.models.masked.logits import RowByRow  # noqa: E402
from nonplus.models.masked.model import from_object  # noqa: E402

pytestmark = [
    pytest.mark.filterwarnings("ignore::nonplus.errors.ProtocolWarning"),
    pytest.mark.filterwarnings("ignore::nonplus.errors.SuspectInput"),
]

TEXTS = [
    "The river rose in the night.",
    "A dog barked, unhappiness is souvenirs.",
    "Unhappinessxyxy dog",
    "the",
    "is it a Café's dog? the dog's river",
]
WAYS = ["within_word_l2r", "original"]
FAMILIES = [
    ("Bert", {}),
    ("Bert", {"tie_word_embeddings": True}),
    ("Roberta", {}),
    ("Albert", {"embedding_size": 12}),
    ("DistilBert", {"dim": 24, "hidden_dim": 40, "n_layers": 2, "n_heads": 3}),
    ("DebertaV2", {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "position_buckets": 8}),
    ("ModernBert", {"bos_token_id": 2, "eos_token_id": 3, "cls_token_id": 2, "sep_token_id": 3, "local_attention": 8}),
]


@pytest.fixture(scope="module")
def pair():
    return masked()


def nats(texts, model, **options):
    return [each.nats for each in nonplus.score(texts, model=model, options=RunOptions(**options))]


def flat(arrays):
    return np.concatenate([np.ravel(each) for each in arrays])


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("kind", "sizes"), FAMILIES)
def test_a_score_is_that_of_one_forward_pass_for_each_token(kind, sizes, way):
    model, tokenizer = masked(kind, byte_level() if kind == "Roberta" else wordpiece(), context=130, **sizes)
    expected = [plain_nats(model, tokenizer, text, words=way == "within_word_l2r") for text in TEXTS]
    ours = from_object(model, tokenizer, way=way)
    assert isinstance(ours._path, OwnHead)
    np.testing.assert_allclose(flat(nats(TEXTS, ours)), flat(expected), atol=1e-12)


def test_the_two_ways_differ_inside_words_of_several_tokens_only(pair):
    text = "the dog barked"  # bark ##ed
    kinds = [nats([text], from_object(*pair, way=way))[0] for way in WAYS]
    np.testing.assert_array_equal(kinds[0] != kinds[1], [False, False, True, False])


@settings(max_examples=15)
@given(
    texts=st.lists(
        st.lists(st.sampled_from(["the", "unhappiness", "dog", "barked.", "é"]), min_size=1, max_size=9).map(" ".join),
        min_size=1,
        max_size=6,
    ),
    budget=st.integers(1, 100),
)
def test_neither_batches_nor_neighbours_nor_order_change_a_score(pair, texts, budget):
    ours = from_object(*pair)
    alone = flat([nats([text], ours)[0] for text in texts])
    np.testing.assert_allclose(flat(nats(texts, ours)), alone, atol=1e-12)
    np.testing.assert_allclose(flat(nats(texts, ours, budget=budget)), alone, atol=1e-12)
    np.testing.assert_allclose(flat(nats(texts[::-1], ours)[::-1]), alone, atol=1e-12)


def test_each_token_of_a_text_is_scored_once_and_their_bytes_are_those_of_the_text(pair):
    for text in nonplus.score(TEXTS, model=from_object(*pair)):
        tokens = text.tokens
        np.testing.assert_array_equal(text.index, np.arange(len(tokens.ids)))
        assert tokens.byte_ends[-1] == len(text.document.text.encode())
        assert "".join(row.text for row in text.rows(str)) == text.document.text


def test_a_context_is_seen_and_not_scored(pair):
    model, tokenizer = pair
    (whole,) = [plain_nats(model, tokenizer, "the dog barked in the night", words=True)]
    document = Document(text=" in the night", context="the dog barked")
    (text,) = nonplus.score([document], model=from_object(model, tokenizer))
    np.testing.assert_allclose(text.nats, whole[4:], atol=1e-12)
    assert text.tokens.first == 4


def test_a_token_of_a_long_text_stands_in_the_middle_of_its_window():
    model, tokenizer = masked(context=12)
    text = " ".join(PIECES[:9]) + " the dog is in the river. a dog rose"
    ids = tokenizer(text, add_special_tokens=False).input_ids
    (scored,) = nonplus.score([text], model=from_object(model, tokenizer, way="original"))
    room = 10
    for place, found in enumerate(scored.nats):
        start = min(max(0, place - room // 2), len(ids) - room)
        fed = [2, *ids[start : start + room], 3]
        fed[1 + place - start] = tokenizer.mask_token_id
        logits = model(input_ids=torch.tensor([fed])).logits[0, 1 + place - start]
        assert found == pytest.approx(-float(logits.log_softmax(0)[ids[place]].detach()), abs=1e-12)
    assert len(scored.nats) == len(ids) > 2 * room


def test_the_later_tokens_of_a_word_are_masked_as_far_as_its_window_goes():
    model, tokenizer = masked(context=10)
    ids = tokenizer("dog souvenirxyxyxyxy dog", add_special_tokens=False).input_ids
    (scored,) = nonplus.score(["dog souvenirxyxyxyxy dog"], model=from_object(model, tokenizer))
    window = [2, *ids[:8], 3]
    window[4:9] = [tokenizer.mask_token_id] * 5  # from the third token of the word on
    logits = model(input_ids=torch.tensor([window])).logits[0, 4]
    assert len(ids) == 13
    assert scored.nats[3] == pytest.approx(-float(logits.log_softmax(0)[ids[3]].detach()), abs=1e-12)


def test_entropy_rank_and_alternatives_are_those_of_the_masked_place(pair):
    model, tokenizer = pair
    (text,) = nonplus.score(["the dog"], model=from_object(model, tokenizer), options=RunOptions(alternatives=3))
    ids = torch.tensor([tokenizer("the dog").input_ids])
    ids[0, 2] = tokenizer.mask_token_id
    logprobs = model(input_ids=ids).logits[0, 2].log_softmax(0).detach().numpy()
    assert text.readings.entropy[1] == pytest.approx(-(np.exp(logprobs) * logprobs).sum(), abs=1e-9)
    np.testing.assert_array_equal(text.readings.top_ids[1], np.argsort(-logprobs)[:3])
    np.testing.assert_allclose(text.readings.nats, text.nats)


def test_a_batch_that_does_not_fit_is_halved(pair, monkeypatch):
    ours, wide = from_object(*pair), torch.zeros(61)
    expected = flat(nats(TEXTS, ours))
    whole = type(ours._path).logits

    def cramped(path, batch):
        if batch.input_BT.numel() > 60:
            raise torch.OutOfMemoryError("too many")
        return whole(path, batch)

    monkeypatch.setattr(type(ours._path), "logits", cramped)
    np.testing.assert_allclose(flat(nats(TEXTS, ours)), expected, atol=1e-12)
    assert ours._budget.tokens <= 60
    monkeypatch.setattr(type(ours._path), "logits", lambda path, batch: cramped(path, replace(batch, input_BT=wide)))
    with pytest.raises(BadModel, match=r"a single window of .* tokens does not fit into memory; use a smaller dtype"):
        nats(["the dog"], ours)


def rows_fed(model):
    """Grows by how many rows each pass has."""
    fed = []
    model.bert.register_forward_pre_hook(lambda _, __, given: fed.append(len(given["input_ids"])), with_kwargs=True)
    return fed


def test_a_run_goes_on_where_it_was_and_asks_nothing_again(tmp_path):
    model, tokenizer = masked()
    ours = from_object(model, tokenizer)
    expected = nats(TEXTS, ours)
    first = nats(TEXTS[:3], ours, resume=tmp_path)
    fed = rows_fed(model)
    again = nats(TEXTS, ours, resume=tmp_path)
    assert sum(fed) == len(flat(expected[3:]))  # a row for each token of the new texts
    np.testing.assert_array_equal(flat(again[:3]), flat(first))
    np.testing.assert_allclose(flat(again), flat(expected), atol=1e-12)
    fed.clear()
    np.testing.assert_array_equal(flat(nats(TEXTS, ours, resume=tmp_path)), flat(again))
    assert not fed


def test_a_budget_asks_for_no_second_model(folder, tmp_path):
    moved = shutil.copytree(folder, tmp_path / "bert")
    ours = nonplus.open_model(f"mlm:{moved}")
    expected = flat(nats(TEXTS, ours))
    (moved / "config.json").unlink()
    np.testing.assert_allclose(flat(nats(TEXTS, ours, budget=20)), expected, atol=1e-12)


def test_its_protocol_says_what_is_measured_and_how(pair):
    ours, other = from_object(*pair), from_object(*pair, way="original")
    assert ours.protocol.quantity == "pseudo-perplexity"
    assert ours.protocol.signature == "mlm|pll:within_word_l2r|window:40(centred)|between:[CLS]…[SEP]|dtype:float64"
    assert ours.protocol.fingerprint != other.protocol.fingerprint
    with pytest.warns(ProtocolWarning, match="this is not the probability of the text"):
        nonplus.evaluate(TEXTS, model=ours)
    assert any("rare words look too probable" in caution for caution in other.protocol.cautions)
    with pytest.raises(BadProtocol, match=r"in its own way \(mlm\|pll.*omit protocol=full"):
        nonplus.evaluate(TEXTS, model=ours, protocol="full")


def test_what_an_uncased_tokenizer_loses_is_in_the_report(pair):
    report = nonplus.evaluate(["The Café"], model=from_object(*pair))
    assert report.lost >= {"capitals", "accents"}


def test_a_mask_in_the_text_is_noted_without_an_option_that_it_has_not(pair):
    with pytest.warns(SuspectInput, match=r"spells out 1 special token.*; leave such texts out if that is not meant"):
        nonplus.evaluate(["the [MASK] barked"], model=from_object(*pair))


def test_a_tokenizer_that_knows_no_words_is_refused():
    from transformers import CanineTokenizer

    slow = CanineTokenizer(mask_token=chr(0xE003), pad_token=chr(0))
    with pytest.raises(BadModel, match="CanineTokenizer does not say which tokens are a word; use the model's fast"):
        HFTokenizer(slow).words(["the dog"])


def test_the_checks_of_doctor_hold(pair):
    assert all(check.passed for check in examine(from_object(*pair)))


def test_it_is_left_as_it_was_found(pair):
    model, tokenizer = pair
    model.train()
    try:
        dropped = flat(nats(TEXTS, from_object(model, tokenizer)))
        assert model.training
    finally:
        model.eval()
    np.testing.assert_array_equal(dropped, flat(nats(TEXTS, from_object(model, tokenizer))))


def test_a_body_that_cannot_be_run_apart_is_run_row_by_row_with_the_same_scores(pair, monkeypatch):
    model, tokenizer = pair
    expected = flat(nats(TEXTS, from_object(model, tokenizer)))
    monkeypatch.setattr("nonplus.models.masked.logits.bodies", lambda _: [])
    with pytest.warns(FallbackNotice, match="the whole model is run one row at a time"):
        slow = from_object(model, tokenizer)
    np.testing.assert_allclose(flat(nats(TEXTS, slow)), expected, atol=1e-12)


def test_a_causal_model_is_refused():
    with pytest.raises(BadModel, match=r"is causal: no token sees the ones after it, .*; open it with hf:"):
        from_object(*masked(is_decoder=True))


def test_a_tokenizer_without_a_mask_token_is_refused(pair):
    model, tokenizer = masked()
    tokenizer.mask_token = None
    with pytest.raises(BadModel, match="has no mask token, and a masked model is asked for what stands behind one"):
        from_object(model, tokenizer)


@pytest.fixture(scope="module")
def folder(pair, tmp_path_factory):
    where = tmp_path_factory.mktemp("bert")
    for part in pair:
        part.save_pretrained(where)
    return where


def test_a_folder_is_opened_by_the_scheme_and_the_way_stands_after_its_name(pair, folder):
    model = nonplus.open_model(f"mlm:{folder}")
    np.testing.assert_allclose(flat(nats(TEXTS, model)), flat(nats(TEXTS, from_object(*pair))), atol=1e-12)
    other = nonplus.open_model(f"mlm:{folder}#original", loading=Loading(dtype="float32"))
    assert (other.protocol.way, other.dtype) == ("original", "float32")
    again = pickle.loads(pickle.dumps(other))
    assert (again.identity, again.protocol) == (other.identity, other.protocol)


@pytest.mark.slow
@pytest.mark.parametrize("way", ["8bit", "4bit", "torchao-int8"])
def test_a_quantised_model_says_so_and_neighbours_change_none_of_its_scores(tmp_path, way):
    pytest.importorskip("torchao" if way == "torchao-int8" else "bitsandbytes")
    for part in masked(dtype=torch.float32, hidden_size=96, intermediate_size=128):
        part.save_pretrained(tmp_path)
    loading = Loading(quantization=way, dtype="float32", device="cpu")
    mixing = pytest.warns(FallbackNotice, match="let all tokens of a pass change each other.*one row at a time")
    with mixing if way == "8bit" else nullcontext():
        ours = nonplus.open_model(f"mlm:{tmp_path}", loading=loading)
    assert isinstance(ours._path, RowByRow if way == "8bit" else OwnHead)
    assert re.fullmatch("(int8|nf4|Int8WeightOnly) by .*", ours.name.removeprefix(f"{tmp_path}, "))
    alone = [nats([text], ours)[0] for text in TEXTS]
    np.testing.assert_allclose(flat(nats(TEXTS, ours)), flat(alone), atol=1e-5)
    with pytest.raises(BadModel, match=r"is not causal.*open it with mlm:"):
        nonplus.open_model(f"hf:{tmp_path}", loading=loading)


def test_what_cannot_be_opened_is_refused_with_what_to_do(pair, folder, tmp_path):
    import transformers

    with pytest.raises(BadModel, match=r"'orginal' is not a way to mask tokens; .* did you mean mlm:.*#original"):
        nonplus.open_model(f"mlm:{folder}#orginal")
    with pytest.raises(BadModel, match="packing=True lets texts share a row"):
        nonplus.open_model(f"mlm:{folder}", loading=Loading(packing=True))
    with pytest.raises(BadModel, match=r"is not causal.*open it with mlm:"):
        nonplus.open_model(f"hf:{folder}")
    pair[0].bert.save_pretrained(tmp_path / "headless")
    pair[1].save_pretrained(tmp_path / "headless")
    with pytest.raises(BadModel, match=r"weights of BertForMaskedLM are missing .*; open a masked model with all"):
        nonplus.open_model(f"mlm:{tmp_path / 'headless'}")
    transformers.GPT2Config(n_layer=1, n_head=1, n_embd=8, vocab_size=30).save_pretrained(tmp_path / "gpt2")
    with pytest.raises(BadModel, match="'gpt2', of which this transformers has no such model; open a causal model wi"):
        nonplus.open_model(f"mlm:{tmp_path / 'gpt2'}")

"""What a model gives, checked once against what it was asked for.

Letters in shapes: D documents, T tokens of all of them, S scored tokens, N targets,
M of them in a chunk, V vocabulary, k alternatives.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nonplus.errors import BadModel
from nonplus.measure.interfaces import AnyModel, EncodingModel
from nonplus.measure.records import Encoding, Encodings, Floats, Ints, TokenizedTexts, n_bytes
from nonplus.measure.scores import Matches, Readings, ScoredTexts

ROUNDING = 0.1  # nats by which a log-probability may lie above 0: bfloat16 is off by hundredths
_KINDS = {"float": np.floating, "integer": np.integer, "bool": np.bool_}


def checked_logprobs(given: object, n: int, model: AnyModel) -> Floats:
    """Surprisals of ``n`` targets, from the log-probabilities that a model gave.

    Raises:
        BadModel: it gave something else: no array, another number of them, NaN, or a
            probability above 1.
    """
    logprobs = _array(given, "float", (n,), "log-probabilities", model)
    return possible(0.0 - logprobs, model)  # 0.0 - x, because a certain token's -0.0 would print as such


def checked_distributions(given: object, target_N: Ints, model: EncodingModel) -> Iterator[NDArray[np.floating[Any]]]:
    """The chunks of a model's ``distributions``, each as it comes.

    Raises:
        BadModel: they are not arrays (M, V) that together have a row for each target.
    """
    done = 0
    for chunk in _each(given, "distributions", "arrays of log-probabilities", model):
        m = _length(chunk)
        logprob_MV = _array(chunk, "float", (m, model.vocabulary), "a chunk of log-probabilities", model)
        target_M = target_N[done : done + m]
        done += m
        _check(done <= len(target_N), "distributions", f"are as many as the targets, {len(target_N)}", model)
        possible(0.0 - logprob_MV[np.arange(m), target_M], model)
        yield logprob_MV
    _check(done == len(target_N), "distributions", f"are as many as the targets, {len(target_N)}", model)


def checked_encodings(given: object, n: int, model: AnyModel) -> Encodings:
    """What a model's tokenizer makes of ``n`` texts.

    Raises:
        BadModel: it is not one :class:`Encoding` for each, with two arrays of whole
            numbers, as many of the one as of the other.
    """
    if isinstance(given, Encodings):
        _check_encodings(given, n, model)
        return given
    if not isinstance(given, list):
        raise BadModel(
            f"the tokenizer of {model.name} gives {_kind(given)}; its method encode gives a list of Encoding"
        )
    for other in (each for each in given if not isinstance(each, Encoding)):
        raise BadModel(f"the tokenizer of {model.name} gives {_kind(other)} for a text; give an Encoding")
    _check(len(given) == n, "encodings", f"are as many as the texts, {n}", model)
    for each in given:
        shape = (_length(each.ids),)
        _array(each.ids, "integer", shape, "the ids of an Encoding", model)
        _array(each.byte_ends, "integer", shape, "the byte_ends of an Encoding", model)
    return Encodings.of(given)


def _check_encodings(given: Encodings, n: int, model: AnyModel) -> None:
    counts = _array(given.counts, "integer", (_length(given.counts),), "the counts of Encodings", model)
    _check(len(counts) == n, "encodings", f"are as many as the texts, {n}", model)
    shape = (_length(given.ids),)
    _array(given.ids, "integer", shape, "the ids of Encodings", model)
    _array(given.byte_ends, "integer", shape, "the byte_ends of Encodings", model)
    whole = (counts >= 0).all() and counts.sum() == shape[0]
    _check(whole, "the counts of Encodings", f"add up to the number of tokens, {shape[0]}", model)


def checked_texts(given: object, *, alternatives: int, model: AnyModel) -> Iterator[ScoredTexts]:
    """What a model's ``score`` gives, batch by batch.

    Raises:
        BadModel: a batch is not what :class:`ScoredTexts` says, or has no readings
            although alternatives were asked for.
    """
    for texts in _each(given, "score", "ScoredTexts", model):
        if not isinstance(texts, ScoredTexts) or not isinstance(texts.tokens, TokenizedTexts):
            raise BadModel(f"{model.name} gives {_kind(texts)}; its method score gives ScoredTexts, many at a time")
        _check_tokens(texts.tokens, model)
        _check_scores(texts, model)
        if texts.readings is not None:
            _check_readings(texts.readings, len(texts.index), model)
        elif alternatives:
            raise BadModel(
                f"{model.name} gives no readings for alternatives={alternatives}; give them, or raise BadModel in "
                "score, which tells users to use alternatives=0"
            )
        if texts.matches is not None:
            _check_matches(texts.matches, len(texts.index), model)
        yield replace(texts, nats=possible(texts.nats, model))


def _check_tokens(tokens: TokenizedTexts, model: AnyModel) -> None:
    d, t = len(tokens.documents), _length(tokens.ids)
    for name, shape in {"ids": (t,), "byte_ends": (t,), "offsets": (d + 1,), "firsts": (d,)}.items():
        _array(getattr(tokens, name), "integer", shape, f"tokens.{name}", model)
    for name, places in {"unknown": tokens.unknown, "spelled": tokens.spelled}.items():
        _array(places, "integer", (_length(places),), f"tokens.{name}", model)
        within = (places[1:] > places[:-1]).all() and places[:1].min(initial=0) >= 0 and places[-1:].max(initial=-1) < t
        _check(within, f"tokens.{name}", f"rise, and lie between 0 and {t - 1}", model)
    length_D = np.diff(tokens.offsets)
    if tokens.normalised_bytes is not None:
        _array(tokens.normalised_bytes, "integer", (d,), "tokens.normalised_bytes", model)
    whole = tokens.offsets[0] == 0 and tokens.offsets[-1] == t and (length_D >= 0).all()
    _check(whole, "tokens.offsets", f"rise from 0 to the number of tokens, {t}", model)
    of_text = (tokens.firsts >= 0) & (tokens.firsts <= length_D)
    _check(of_text.all(), "tokens.firsts", "lie between 0 and the number of tokens of the document", model)
    last_D = np.where(length_D > 0, tokens.byte_ends[tokens.offsets[1:] - 1], 0) if t else np.zeros(d)
    bytes_D = np.array([n_bytes(document.text) for document in tokens.documents])
    _check(
        _rise(tokens) and (last_D <= bytes_D).all(),
        "tokens.byte_ends",
        "rise within a document, and end within its bytes",
        model,
    )


def _rise(tokens: TokenizedTexts) -> bool:
    """Whether the byte ends of each document rise from 0 on."""
    begins = tokens.offsets[:-1][np.diff(tokens.offsets) > 0]
    falls_T = np.append(False, tokens.byte_ends[1:] < tokens.byte_ends[:-1])
    falls_T[begins] = tokens.byte_ends[begins] < 0
    return not falls_T.any()


def _check_scores(texts: ScoredTexts, model: AnyModel) -> None:
    s, t, offsets = _length(texts.index), len(texts.tokens.ids), texts.tokens.offsets
    for name, kind in {"index": "integer", "seen": "integer", "nats": "float", "weight": "float"}.items():
        _array(getattr(texts, name), kind, (s,), name, model)
    _array(texts.partial, "bool", (len(texts.documents),), "partial", model)
    rising = (texts.index[1:] > texts.index[:-1]).all() and texts.index[:1].min(initial=0) >= 0
    _check(rising and texts.index[-1:].max(initial=-1) < t, "index", f"rise, and lie between 0 and {t - 1}", model)
    begins, ends = texts.offsets[:-1], texts.offsets[1:]
    own = begins < ends
    of_text = texts.index[begins[own]] >= (offsets[:-1] + texts.tokens.firsts)[own]
    _check(of_text.all(), "index", "leave the tokens of a context out", model)
    counting = texts.weight.min(initial=0.0) >= 0 and texts.weight.max(initial=0.0) < np.inf  # neither if one is NaN
    _check(counting, "weight", "are finite, from 0 on", model)
    _check(texts.seen.min(initial=0) >= 0, "seen", "are numbers of tokens, from 0 on", model)


def _check_readings(readings: Readings, s: int, model: AnyModel) -> None:
    k = _length(readings.top_ids, axis=-1)
    kinds = {"nats": "float", "entropy": "float", "rank": "integer", "top_ids": "integer", "top_nats": "float"}
    for name, kind in kinds.items():
        shape = (s, k) if name.startswith("top") else (s,)
        _array(getattr(readings, name), kind, shape, f"readings.{name}", model)


def _check_matches(matches: Matches, s: int, model: AnyModel) -> None:
    _array(matches.length, "integer", (s,), "matches.length", model)
    _array(matches.backoff, "float", (s,), "matches.backoff", model)
    _check((matches.length >= 1).all(), "matches.length", "are numbers of tokens, from 1 on", model)


def _each(given: object, method: str, kind: str, model: AnyModel) -> Iterable[Any]:
    if not isinstance(given, Iterable):
        raise BadModel(f"{model.name} gives {_kind(given)}; its method {method} gives {kind}, one after the other")
    return given


def _array(given: object, kind: str, shape: tuple[int, ...], what: str, model: AnyModel) -> NDArray[Any]:
    """``given``, which must be an array of that kind and shape."""
    if not isinstance(given, np.ndarray) or not np.issubdtype(given.dtype, _KINDS[kind]):
        raise BadModel(f"{model.name} gives {what} as {_kind(given)}; give a NumPy array of dtype {kind}")
    if given.shape != shape:
        raise BadModel(f"{model.name} gives {what} of shape {given.shape}; give them in the shape {shape}")
    return given


def _length(given: object, *, axis: int = 0) -> int:
    """How long it is; 0 for what is no array, which is then refused for that."""
    return given.shape[axis] if isinstance(given, np.ndarray) and given.ndim else 0


def _check(holds: bool | np.bool_, what: str, rule: str, model: AnyModel) -> None:
    if not holds:
        raise BadModel(f"{model.name} gives {what} that break their rule; they {rule}")


def possible(nats: Floats, model: AnyModel) -> Floats:
    """Surprisals, at least 0.

    Raises:
        BadModel: one is no number, or below 0 by more than rounding makes it.
    """
    least = nats.min(initial=math.inf)
    if math.isnan(least):
        raise BadModel(
            f"{model.name} gives NaN in {model.dtype}, and a probability is a number; check that its weights are "
            "finite, and that its scores stay in the range of that dtype"
        )
    if least < -ROUNDING:
        raise BadModel(
            f"{model.name} gives the log-probability {-least:.3g}, and none is above 0; "
            "normalise its scores, for instance by a log-softmax"
        )
    return nats if least > 0 else np.maximum(nats, 0.0)


def _kind(given: object) -> str:
    if isinstance(given, np.ndarray):
        return f"an array of {given.dtype}"
    return "None" if given is None else f"a {type(given).__name__}"

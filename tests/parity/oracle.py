"""Every protocol written out token by token: which history does the model see, and what
is -ln P of what follows?

Slow on purpose, and no line of it is shared with nonplus. ``ids`` are the tokens of one
text, ``see`` is a function ``see(history, token) -> ln P(token | history)``, ``L`` is
the window and ``S`` the stride. Each protocol gives ``{place in ids: (nats, weight)}``
for the tokens that it scores. Corpus are named where a protocol is not ours.
"""

import math
import re
from collections.abc import Callable

See = Callable[[list[int], int], float]
Scores = dict[int, tuple[float, float]]


def full(see: See, ids: list[int], *, L: int, S: int, bos: int | None, first: int = 0) -> Scores:
    """Every token from ``first`` on; ``full`` has the longest stride there is,
    ``stride:S`` any.

    What is before ``first`` is context: all of it is fed if it leaves a window room for
    one token, else half a window.
    """
    scores: Scores = {}
    if bos is not None:
        # A window feeds the beginning token and L - 1 tokens, and so scores what
        # follows each of these L.
        done = first
        while done < len(ids):
            if done > first:
                end = min(done + S, len(ids))
            elif first < L:
                end = min(L, len(ids))
            else:
                end = min(first + S, first + (L - 1) // 2 + 1, len(ids))
            for i in range(done, end):
                scores[i] = -see([bos, *ids[max(0, end - L) : i]], ids[i]), 1.0
            done = end
    else:
        done = begin = max(first, 1)
        while done < len(ids):
            if done > begin:
                end = min(done + S, len(ids))
            elif begin <= L:
                end = min(L + 1, len(ids))
            else:
                end = min(begin + S, begin + L // 2 + 1, len(ids))
            for i in range(done, end):
                scores[i] = -see(ids[max(0, end - L - 1) : i], ids[i]), 1.0
            done = end
    return scores


def lm_eval(see: See, ids: list[int], *, L: int, prefix: int) -> Scores:
    """lm-eval 0.4.13, lm_eval/utils.py, get_rolling_token_windows with context_len=1,
    then make_disjoint_window.
    """
    scores: Scores = {}
    for i in range(min(L, len(ids))):
        scores[i] = -see([prefix, *ids[:i]], ids[i]), 1.0
    predicted = L
    while predicted < len(ids):
        end = min(predicted + L, len(ids))
        for i in range(predicted, end):
            scores[i] = -see(ids[end - L - 1 : i], ids[i]), 1.0
        predicted = end
    return scores


def hf_doc(see: See, ids: list[int], *, L: int, S: int) -> Scores:
    """transformers 052b1dcd, docs/source/en/perplexity.md: the loop, and how it books
    what a window scores.
    """
    scores: Scores = {}
    previous_end = 0
    for begin in range(0, len(ids), S):
        end = min(begin + L, len(ids))
        new = end - previous_end
        # The new tokens, save the one at the window's own head: shifting loses that
        # label.
        labelled = [i for i in range(end - new, end) if i > begin]
        for i in labelled:
            scores[i] = -see(ids[begin:i], ids[i]), (new - 1) / len(labelled)
        previous_end = end
        if end == len(ids):
            break
    return scores


def llama_cpp(see: See, ids: list[int], *, L: int, bos: int | None) -> Scores:
    """llama.cpp 050fc7f3, tools/perplexity/perplexity.cpp, perplexity(); ``bos`` only
    where the vocabulary adds one.
    """
    scores: Scores = {}
    for chunk in range(len(ids) // L):
        fed = ids[chunk * L : (chunk + 1) * L]
        if bos is not None:
            fed[0] = bos
        for j in range(L // 2 + 1, L):
            scores[chunk * L + j] = -see(fed[:j], fed[j]), 1.0
    return scores


def llama_cpp_prompt(file: str) -> str:
    """llama.cpp 050fc7f3, common/arg.cpp, -f: one newline at the end of the file is
    popped.
    """
    return file[:-1] if file.endswith("\n") else file


def gptq(see: See, ids: list[int], *, L: int) -> Scores:
    """IST-DASLab/gptq 4fe02add, llama.py, llama_eval: a chunk's mean loss times L,
    summed, over chunks times L.
    """
    scores: Scores = {}
    for chunk in range(len(ids) // L):
        for j in range(1, L):
            history = ids[chunk * L : chunk * L + j]
            scores[chunk * L + j] = -see(history, ids[chunk * L + j]), 1.0
    return scores


def paloma(see: See, ids: list[int], *, L: int, eos: int) -> Scores:
    """allenai/catwalk 012e81cd, catwalk/models/language_model.py,
    predict_chunk_perplexity: windows as lm-eval's.
    """
    return lm_eval(see, ids, L=L, prefix=eos)


def evaluate(see: See, ids: list[int], *, bos: int) -> Scores:
    """huggingface/evaluate a7dd3383, metrics/perplexity/perplexity.py: a text in one
    piece after ``bos``.
    """
    return {i: (-see([bos, *ids[:i]], ids[i]), 1.0) for i in range(len(ids))}


def lmppl(see: See, ids: list[int], *, L: int) -> Scores:
    """asahi417/lmppl 0.3.2, lmppl/ppl_recurrent_lm.py: a text as the tokenizer gives
    it, cut off at L tokens.
    """
    return {i: (-see(ids[:i], ids[i]), 1.0) for i in range(1, min(L, len(ids)))}


def total(scores: Scores) -> float:
    """Nats, as booked."""
    return math.fsum(nats * weight for nats, weight in scores.values())


def perplexity(units: list[Scores]) -> float:
    """e to the mean over all tokens, as booked."""
    booked = math.fsum(weight for scores in units for _, weight in scores.values())
    return math.exp(math.fsum(total(scores) for scores in units) / booked)


def mean_of_perplexities(units: list[Scores]) -> float:
    """Arithmetic mean over texts that have a scored token."""
    each = [perplexity([scores]) for scores in units if scores]
    return math.fsum(each) / len(each)


def covered(text: str, scored: set[int]) -> tuple[int, int, int]:
    """Characters and words of ``text`` of which a model of bytes has scored the first
    byte, and the bytes that it has scored; in the order characters, bytes, words.
    """
    characters = n_bytes = words = place = 0
    blank_before = True
    for character in text:
        n_bytes += len(scored.intersection(range(place, place + len(character.encode()))))
        if place in scored:
            characters += 1
            words += blank_before and not character.isspace()
        blank_before = character.isspace()
        place += len(character.encode())
    return characters, n_bytes, words


def lm_eval_words_and_bytes(original: str) -> tuple[int, int]:
    """lm-eval 0.4.13, tasks/wikitext/preprocess_wikitext.py, process_results."""
    return len(re.split(r"\s+", original)), len(original.encode("utf-8"))

"""A KenLM probing file ready to score, mapped into memory.

Its hash tables hold a hash of each n-gram and not the words: it can be scored but not
listed. The key of an n-gram is made from its last word to its first.

Written from KenLM's description of its own layout (``lm/search_hashed.hh``, version
0.3.0).

Letters in shapes: T tokens, S sentences, N positions, V words, H words of a history.
"""

import math
from collections.abc import Iterator
from typing import final

import numpy as np

from nonplus.errors import BadInput
from nonplus.measure.records import Floats, Ints
from nonplus.models.ngram.kenlm.file import KenlmFile, read_words
from nonplus.models.ngram.kenlm.hashes import HashTable, Longest
from nonplus.models.ngram.ngrams import BEGIN, WordIds
from nonplus.models.ngram.table.table import Matches

_LN10 = math.log(10)
_WORD_ENTRY = 12  # bytes: the hash of a word and its number


@final
class ProbingTable:
    """The n-grams of a probing file, to be looked up by any number of threads."""

    def __init__(self, file: KenlmFile) -> None:
        """Lay tables over the file.

        Raises:
            BadModel: it is damaged, of an unknown version, or without its words.
        """
        version, words = file.part(file.start, 8).view("<u4").tolist()
        if (file.version, version) != (0, 0) or not 3 <= words <= file.counts[0] + 1:
            file.refuse(
                f"it has version {file.version}.{version}, {words:,} words and {file.counts[0]:,} unigrams, where "
                "version 0.0 is known and each word has a unigram; it is damaged: fetch or build it again"
            )
        self._file = file
        at = file.start + 8 + HashTable.slots(file, file.counts[0]) * _WORD_ENTRY
        unigrams = file.part(at, 8 * (file.counts[0] + 1)).view("<f4").reshape(-1, 2)
        at += unigrams.nbytes
        self._tables: list[HashTable] = []
        for k, count in enumerate(file.counts[1:], 2):
            self._tables.append(HashTable.at(file, at, count=count, values=2 if k < len(file.counts) else 1))
            at += self._tables[-1].entries_M.nbytes
        self.words, numbers_V = read_words(file, at, words)
        self._numbers_V = numbers_V.astype(np.uint64)
        self._unigrams_V2 = unigrams[numbers_V]

    @property
    def order(self) -> int:
        """The words of the longest n-grams."""
        return len(self._tables) + 1

    @property
    def vocabulary(self) -> int:
        """The number of words."""
        return len(self.words)

    def score(self, ids_T: WordIds, starts: Ints) -> Matches:
        """Each token given all that are before it in its sentence.

        Sentence ``s`` is ``[starts[s], starts[s + 1])``, with ``starts`` (S + 1,).

        Raises:
            BadInput: an id that no word has.
            BadModel: a value of an n-gram is no number.
        """
        if len(ids_T) and not (ids_T.min() >= 0 and ids_T.max() < self.vocabulary):
            raise BadInput(f"a token is none of the {self.vocabulary} words; give ids from 0 to {self.vocabulary - 1}")
        words_T, places_T = self._numbers_V[ids_T], np.arange(len(ids_T)) - np.repeat(starts[:-1], np.diff(starts))
        unigrams_T2 = self._unigrams_V2[ids_T]
        lengths_T, probs_T = np.ones(len(ids_T), np.uint8), unigrams_T2[:, 0].copy()
        longest = Longest(words_T, places_T, words_T.copy(), lengths_T, probs_T)
        backoffs_kT = np.zeros((self.order, len(ids_T)), np.float32)  # of the n-gram of k + 1 words that ends there
        backoffs_kT[0] = unigrams_T2[:, 1]
        for k, table in enumerate(self._tables, 1):
            table.extend(k, longest, backoffs_kT[k])
        if np.isnan(probs_T).any() or not np.isfinite(backoffs_kT).all():
            self._file.refuse("an n-gram has a value that is no number; it is damaged: fetch or build it again")
        weights_T = np.zeros(len(ids_T))
        for k in range(1, self.order):  # the history of k words before a token
            used = np.flatnonzero((places_T >= k) & (lengths_T <= k))
            weights_T[used] += backoffs_kT[k - 1, used - 1]
        # KenLM marks by the sign what no longer n-gram ends in.
        log10_probs_T = weights_T - np.abs(probs_T.astype(np.float64))
        return Matches(0.0 - log10_probs_T * _LN10, lengths_T, (weights_T * _LN10).astype(np.float32))

    def distributions(self, ids_T: WordIds, starts: Ints, at_N: Ints) -> Iterator[Floats]:
        """Natural log-probabilities (1, V) of every word at each of the positions
        ``at_N``, given the tokens before it in the sentence.

        ``<s>`` has none: minus infinity.
        """
        for at in at_N.tolist():
            first = max(int(starts[np.searchsorted(starts, at, side="right") - 1]), at - self.order + 1)
            history_H = ids_T[first:at]
            ids_VH = np.column_stack([np.tile(history_H, (self.vocabulary, 1)), np.arange(self.vocabulary)])
            found = self.score(ids_VH.astype(np.int32).ravel(), np.arange(self.vocabulary + 1) * ids_VH.shape[1])
            logprobs_V = -found.nats_T.reshape(ids_VH.shape)[:, -1]
            logprobs_V[BEGIN] = -np.inf
            yield logprobs_V[None]

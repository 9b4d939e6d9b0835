"""Interpolated modified Kneser-Ney as a textbook defines it: dictionaries, fractions.

Chen and Goodman (1998), with adjusted counts and pruning as Heafield et al. (2013).
"""

from collections import Counter, defaultdict
from fractions import Fraction

FALLBACK = (Fraction(1, 2), Fraction(1), Fraction(3, 2))


def ngrams(sentences, order):
    """Each n-gram that ends with a word that is predicted, with repetitions."""
    for words in sentences:
        for stop in range(1, len(words) + 1):
            if words[stop - 1] != "<s>" and stop >= order:
                yield tuple(words[stop - order : stop])


def adjusted(sentences, order, k):
    """Counts of n-grams of length ``k``: how often at the highest order and at the
    beginning of a sentence, else in how many ways they are extended to the left; that
    no word is before them is one way.
    """
    actual = Counter(ngrams(sentences, k))
    left = defaultdict(set)
    for words in sentences:
        for stop in range(k, len(words) + 1):
            left[tuple(words[stop - k : stop])].add(words[stop - k - 1] if stop > k else None)
    return {
        ngram: count if k == order or ngram[0] == "<s>" else len(left[ngram]) for ngram, count in actual.items()
    }, actual


def discounts(counts):
    n = Counter(counts.values())
    if not all(n[j] for j in (1, 2, 3)):
        return FALLBACK
    y = Fraction(n[1], n[1] + 2 * n[2])
    found = tuple(j - (j + 1) * y * Fraction(n[j + 1], n[j]) for j in (1, 2, 3))
    return found if all(0 < d <= j for j, d in enumerate(found, 1)) else FALLBACK


def estimated(sentences, vocabulary, order, thresholds):
    """Probability and back-off weight of each n-gram that is kept, as fractions."""
    probs, weights, kept = {}, {}, {}
    shorter = {}
    for k in range(1, order + 1):
        counts, actual = adjusted(sentences, order, k)
        own = discounts(counts)
        by_context = defaultdict(dict)
        for ngram, count in counts.items():
            by_context[ngram[:-1]][ngram] = count
        here = {}
        for context, extended in by_context.items():
            total = sum(extended.values())
            left = Fraction(0)
            for ngram, count in extended.items():
                pruned = k > 1 and actual[ngram] <= thresholds[k - 1]
                left += count if pruned else own[min(count, 3) - 1]
            weights[context] = left / total
            for ngram, count in extended.items():
                below = shorter[ngram[1:]] if k > 1 else Fraction(1, len(vocabulary) - 1)
                here[ngram] = (count - own[min(count, 3) - 1]) / total + weights[context] * below
                if k == 1 or actual[ngram] > thresholds[k - 1]:
                    kept[ngram] = True
        if k == 1:
            here |= {(word,): weights[()] / (len(vocabulary) - 1) for word in vocabulary if (word,) not in here}
            here["<s>",] = Fraction(1)
            kept |= dict.fromkeys(here, True)
        probs |= here
        shorter = here
    return {ngram: (probs[ngram], weights.get(ngram, Fraction(1))) for ngram in kept}

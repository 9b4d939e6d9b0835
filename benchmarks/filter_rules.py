"""What rules of the filter cost: finding thresholds in all scores, and deciding.

``python benchmarks/filter_rules.py [--documents 10000000]``; CPU time of one process,
without what it takes to make the scores, which are drawn from a log-normal
distribution.
"""

import argparse
import time

import numpy as np
from process_memory import peak

from nonplus.filtering.rules.parsing import parsed
from nonplus.filtering.rules.scored import Scored

BATCH, SOURCES = 10_000, 1000
OF_ALL = [
    "bits_per_byte <= p60",
    "p25 <= bits_per_byte <= p75 by language",
    "bits_per_byte <= p60 by source",
    "best 1e9 tokens",
]
OF_EACH = [
    "bits_per_byte <= 1.9 and tokens >= 20",
    "language in (en, de)",
    "p25 <= bits_per_byte <= p75 by language",
    "bucket in (head, middle) from ccnet",
    "sample(0.1)",
    "best 1e6 tokens",
]


def batch(number: int) -> Scored:
    """Scores by a number: the same for the same."""
    random = np.random.default_rng(number)
    bits, tokens = random.lognormal(0.5, 0.4, BATCH), random.integers(1, 3000, BATCH)
    return Scored(
        columns={"bits_per_byte": bits, "perplexity": np.exp(3 * bits), "tokens": tokens, "bytes": 4 * tokens},
        attributes={
            "language": random.choice(["en", "de", "fr", "es"], BATCH).tolist(),
            "source": [f"source {each}" for each in random.integers(0, SOURCES, BATCH).tolist()],
        },
        keys=[b"%d-%d" % (number, each) for each in range(BATCH)],
    )


class Corpus:
    """Batches that are made anew in each look; ``making`` is the CPU time of that."""

    def __init__(self, documents: int) -> None:
        self._batches, self.making = documents // BATCH, 0.0

    def __iter__(self):
        for number in range(self._batches):
            began = time.process_time()
            made = batch(number)
            self.making += time.process_time() - began
            yield made


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--documents", type=int, default=1_000_000)
    documents = options.parse_args().documents
    before = peak()
    for rule in OF_ALL:
        corpus, began = Corpus(documents), time.process_time()
        parsed(rule).resolved(corpus)
        seconds = time.process_time() - began - corpus.making
        grown = (peak() - before) / (1 << 20)
        print(f"{rule:40} {seconds / documents * 1e6:.2f} us/document, peak memory so far +{grown:.0f} MiB")
    one = batch(0)
    for rule in OF_EACH:
        resolved, began = parsed(rule).resolved([one]), time.process_time()
        decision = resolved.decide(one)
        decided = time.process_time()
        reasons = decision.reasons()
        explained = time.process_time()
        print(
            f"{rule:40} {(decided - began) / BATCH * 1e6:.2f} us/document decided, "
            f"{(explained - decided) / BATCH * 1e6:.2f} explained, kept {reasons.count('')}"
        )


if __name__ == "__main__":
    main()

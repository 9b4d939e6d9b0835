"""Cases about the arithmetic of one token: softmax, logarithm, precision."""

from collections.abc import Iterator

import numpy as np
from docs.comparison import oracle
from docs.comparison.peers import OF_TORCH, ask, ask_logarithm
from docs.comparison.record import Cases, Line

ARITHMETIC = Cases()
_TORCH_PEERS = (*OF_TORCH, "nonplus.torchmetrics")
_ALL = (*OF_TORCH, "metrax", "keras_hub", "nonplus", "nonplus.torchmetrics", "nonplus.keras")


@ARITHMETIC.add(
    "underflow",
    "The logarithm of a softmax",
    packages=("torchmetrics", "torcheval", "pytorch-ignite", "keras-hub", "google-metrax", "torch"),
    threads=(
        "torchmetrics, [where it is computed]"
        "(https://github.com/Lightning-AI/torchmetrics/blob/v1.9.0/src/torchmetrics/functional/text/perplexity.py)",
        "torcheval, [where it is computed]"
        "(https://github.com/meta-pytorch/torcheval/blob/main/torcheval/metrics/functional/text/perplexity.py)",
    ),
    backends=("jax", "torch"),
)
def underflow() -> Iterator[Line]:
    """A probability below the smallest number of the dtype becomes 0.

    Its logarithm is then minus infinity, and one such token makes the figure of a whole
    corpus infinite. In float32 its logit must lie 104 below the highest, which is rare;
    in float16, 18 are enough. A log-softmax, which the other peers use, has no such
    limit.
    """
    targets = np.zeros((4, 32), np.int64)
    for dtype, gap in (("float32", 110), ("float16", 20)):
        logits = np.zeros((4, 32, 4), np.float32)
        logits[0, 0, 1:] = gap
        names = _ALL if dtype == "float32" else (*_TORCH_PEERS, "metrax", "nonplus")
        truth = oracle.perplexity(logits, targets)
        yield Line(f"{dtype}, one gap of {gap}", truth, ask([(logits, targets)], *names, dtype=dtype))


@ARITHMETIC.add(
    "bfloat16-logits",
    "Logits in bfloat16",
    packages=("torchmetrics", "torcheval", "pytorch-ignite", "google-metrax", "torch"),
)
def bfloat16_logits() -> Iterator[Line]:
    """bfloat16 has 8 significant bits: enough for logits, but not for sums over them.

    If softmax, logarithm and sum stay in the dtype of the logits, the sum over a batch
    is rounded to 8 bits. The truth is that of the rounded logits, so the table compares
    metrics and not dtypes. Calling `.float()` first makes every peer right, at the cost
    of a second copy of the logits that is twice as large.
    """
    rng = np.random.default_rng(0)
    for vocabulary, tokens in ((5_000, 1_024), (50_257, 128)):
        logits = _bfloat16(rng.standard_normal((1, tokens, vocabulary), np.float32) * np.float32(2.5))
        targets = rng.integers(0, vocabulary, (1, tokens))
        names = (*_TORCH_PEERS, "metrax", "nonplus")
        truth = oracle.perplexity(logits, targets)
        label = f"{tokens:,} tokens, vocabulary {vocabulary:,}"
        yield Line(label, truth, ask([(logits, targets)], *names, dtype="bfloat16"))


@ARITHMETIC.add(
    "overflow",
    "Perplexities beyond float32",
    packages=("torchmetrics", "torcheval", "pytorch-ignite", "keras-hub", "google-metrax", "torch"),
    threads=(
        "[fairseq #1833](https://github.com/facebookresearch/fairseq/issues/1833)",
        "[transformers #11855](https://github.com/huggingface/transformers/pull/11855)",
    ),
    backends=("jax", "torch"),
)
def overflow() -> Iterator[Line]:
    """The exponential of 88.8 overflows float32.

    The mean surprisal of a diverging model can be higher. torcheval computes the
    exponential in float64. None of the peers gives the logarithm of the perplexity,
    which stays finite. In plain Python, `math.exp` raises an error from 709.8 on. Our
    class for Keras returns float32, as Keras metrics do, so its result is infinite too;
    its report is not.
    """
    logits = np.zeros((1, 4, 4), np.float32)
    logits[..., 1] = 90
    targets = np.zeros((1, 4), np.int64)
    truth = oracle.perplexity(logits, targets)
    yield Line("mean surprisal of 90", truth, ask([(logits, targets)], *_ALL))
    yield Line("its logarithm", float(oracle.nats(logits, targets).mean()), ask_logarithm([(logits, targets)]))


@ARITHMETIC.add(
    "small-probabilities",
    "Small probabilities",
    packages=("keras", "keras-hub", "google-metrax"),
    threads=("[keras #17634](https://github.com/keras-team/keras/issues/17634)",),
    backends=("jax", "torch"),
)
def small_probabilities() -> Iterator[Line]:
    """Keras' cross-entropy and metrax raise probabilities below 1e-7 to 1e-7.

    This keeps a training loss finite, which is its purpose. In a measurement it limits
    the perplexity to ten million without notice. With logits (`from_logits=True`) there
    is no limit.
    """
    for small in (1e-6, 1e-12):
        rows = np.array([[[small, 1 - small]] * 4], np.float64)
        targets = np.zeros((1, 4), np.int64)
        names = ("metrax", "keras_hub", "nonplus", "nonplus.keras")
        asked = ask([(rows.astype(np.float32), targets)], *names, from_logits=False)
        truth = oracle.of_probabilities(rows.astype(np.float32), targets)
        yield Line(f"tokens of probability {small:g}", truth, asked)


@ARITHMETIC.add(
    "banned-tokens",
    "Tokens that the model rules out",
    packages=("keras-hub", "google-metrax", "torchmetrics"),
    backends=("jax", "torch"),
)
def banned_tokens() -> Iterator[Line]:
    """Masked vocabularies have logits of minus infinity at tokens that are not targets.

    On jax, Keras and metrax multiply all log-probabilities by a one-hot vector and add
    up; zero times infinity is NaN. Selecting the target's entry by its index, as Keras
    does on torch, avoids this.
    """
    logits = np.zeros((1, 4, 8), np.float32)
    logits[..., 7] = -np.inf
    targets = np.array([[0, 1, 2, 3]])
    names = ("torchmetrics", "metrax", "keras_hub", "nonplus", "nonplus.torchmetrics", "nonplus.keras")
    yield Line("one token of eight ruled out", oracle.perplexity(logits, targets), ask([(logits, targets)], *names))


def _bfloat16(values: np.ndarray) -> np.ndarray:
    """Float32 values that bfloat16 holds exactly."""
    return (values.view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32)

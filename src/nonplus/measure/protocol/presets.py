"""Named protocols: what each does, its source, and where its figure misleads."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A protocol: the ``choices`` in which it differs from ``full``, and its texts."""

    choices: Mapping[str, Any]
    summary: str
    does: str
    source: str
    beware: str


PRESETS: dict[str, Preset] = {
    "full": Preset(
        choices=dict(),
        summary="every token once, each document in the longest windows of the model (the default)",
        does=(
            "Each document on its own, in windows of the model's maximum length (at most 8,192 tokens). Every token is "
            "scored exactly once. The last window starts earlier, so that it is as long as the others. BOS precedes "
            "every window, if the model was trained with BOS."
        ),
        source="nonplus; the default",
        beware="Tokens early in a window have little context; stride:S gives them more and costs more.",
    ),
    "stride": Preset(
        choices=dict(stride=256),
        summary="like full in overlapping windows: more context for each token, at more cost",
        does=(
            "Like full, with overlapping windows that start S tokens apart, so every token after the first window has "
            "at least window - S tokens of context. Costs window / S times as much."
        ),
        source="nonplus; the idea is Baevski and Auli, 2019, section 5",
        beware="The smaller S is, the lower the perplexity usually is, so state S with the figure.",
    ),
    "hf-doc": Preset(
        choices=dict(unit="stream", stride=512, cut="grid", bos="none", specials="added", booking="hf-doc"),
        summary="the strided loop of the Hugging Face documentation",
        does=(
            "The strided loop of the Hugging Face documentation: all texts joined by blank lines into one stream, "
            "windows at multiples of the stride, no BOS."
        ),
        source="transformers, docs/source/en/perplexity.md at 052b1dcd",
        beware="In every window but the first it counts one token fewer than it scores, an error of one in S; with "
        "stride 1 only the first window counts. The first token of the stream is never scored.",
    ),
    "lm-eval": Preset(
        choices=dict(bos="first", without_bos="eos", specials="lm-eval", denominator="lm-eval"),
        summary="rolling log-likelihood of the LM Evaluation Harness",
        does=(
            "Rolling log-likelihood of the LM Evaluation Harness: each document in disjoint windows, a prefix token "
            "before the first window only, words and bytes of the original text in the denominator."
        ),
        source="lm-eval 0.4.13, lm_eval/utils.py get_rolling_token_windows",
        beware="With a tokenizer that adds BOS automatically there are two, and the second one is scored. So is BOS "
        "spelled out at the beginning of a text; the tokenizer then adds none. Windows after the first have no prefix "
        "token. White space at the beginning or end of a text counts as a word.",
    ),
    "llama.cpp": Preset(
        choices=dict(
            unit="stream",
            joiner="",
            window=512,
            cut="chunks",
            bos="replace",
            specials="added",
            special_text="plain",
            last_newline="drop",
            scored="second-half",
        ),
        summary="the perplexity tool of llama.cpp: chunks, the second half of each scored",
        does=(
            "The perplexity tool of llama.cpp with a file (-f): one stream without its last newline, cut into chunks "
            "of 512 tokens, the second half of each scored, the first token of each replaced by BOS if the tokenizer "
            "adds BOS. Text that spells a special token is text."
        ),
        source="llama.cpp, tools/perplexity/perplexity.cpp and common/arg.cpp at 050fc7f3",
        beware="Half of the tokens and the tail are never scored, and its own error bar assumes that tokens are "
        "independent. Bits per byte here count only the bytes of scored tokens.",
    ),
    "gptq": Preset(
        choices=dict(unit="stream", window=2048, cut="chunks", bos="none", specials="added"),
        summary="the loop of the GPTQ paper and its descendants: chunks of one stream",
        does=(
            "The loop of the GPTQ paper's code and its many descendants: all texts joined by blank lines, disjoint "
            "chunks of 2,048 tokens."
        ),
        source="IST-DASLab/gptq, opt.py and llama.py",
        beware="Only the first chunk begins with BOS, the first token of each chunk is not scored, and the tail is "
        "dropped.",
    ),
    "paloma": Preset(
        choices=dict(bos="eos", denominator="lm-eval"),
        summary="Paloma and OLMo-Eval: EOS before each document",
        does="Paloma and OLMo-Eval: each document in disjoint windows, with EOS before the first.",
        source="allenai/catwalk and allenai/OLMo-Eval at e77b194e",
        beware="EOS is the right prefix only for models trained with EOS between documents. Paloma's own code computes "
        "the softmax in the dtype of the model; here it is float32.",
    ),
    "evaluate": Preset(
        choices=dict(cut="whole", average="texts"),
        summary="the perplexity metric of Hugging Face evaluate: a mean over texts",
        does=(
            "The perplexity metric of Hugging Face evaluate: every text in one window after BOS; the figure is the "
            "arithmetic mean of the texts' perplexities."
        ),
        source="huggingface/evaluate, metrics/perplexity at a7dd3383",
        beware="The worst texts dominate a mean of perplexities: it is not the perplexity of the corpus.",
    ),
    "lmppl": Preset(
        choices=dict(cut="whole", bos="none", specials="added", too_long="truncate", average="texts"),
        summary="lmppl: each text as the tokenizer encodes it, a mean over texts",
        does=(
            "lmppl: every text in one window as the tokenizer encodes it, its first token unscored. lmppl gives one "
            "figure for each text; the figure for the corpus here is their mean."
        ),
        source="asahi417/lmppl 0.3.2",
        beware="Tokens beyond the model's maximum length are dropped, so two long texts with the same beginning get "
        "the same figure.",
    ),
}

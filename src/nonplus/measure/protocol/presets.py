"""The field's protocols by name: what each does, where it comes from, and where its figure misleads."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """The choices in which a protocol differs from ``full``, by field of ``Protocol``."""

    choices: Mapping[str, Any]
    does: str
    source: str
    beware: str


PRESETS: dict[str, Preset] = {
    "full": Preset(
        choices=dict(),
        does=(
            "Each document by itself, in windows as long as the model takes (at most 8,192 tokens). Every token is "
            "scored exactly once, the last window is filled up with context, and the token that the model was trained "
            "to see first stands before every window."
        ),
        source="nonplus; the default",
        beware="Tokens early in a window see little context; stride:S gives them more and costs more.",
    ),
    "stride": Preset(
        choices=dict(stride=256),
        does=(
            "Like full, with windows that overlap: they move on by S tokens, so that every token after the first "
            "window sees at least window - S others. Costs window / S times as much."
        ),
        source="nonplus; the idea is Baevski and Auli, 2019, section 5",
        beware="Perplexity falls with S, so the stride belongs to the figure.",
    ),
    "hf-doc": Preset(
        choices=dict(unit="stream", stride=512, cut="grid", bos="none", specials=True, booking="hf-doc"),
        does=(
            "The strided loop of the Hugging Face documentation: all texts joined by blank lines into one stream, "
            "windows at multiples of the stride, no beginning token."
        ),
        source="transformers, docs/source/en/perplexity.md at 052b1dcd",
        beware="Its bookkeeping counts a later window as one token less than it scores: off by one in S, and with "
        "stride 1 only the first window counts. The first token of the stream is never scored.",
    ),
    "lm-eval": Preset(
        choices=dict(bos="first", without_bos="eos", specials=True, denominator="lm-eval"),
        does=(
            "Rolling log-likelihood of the LM Evaluation Harness: each document in disjoint windows, a prefix token "
            "before the first window only, words and bytes of the original text in the denominator."
        ),
        source="lm-eval 0.4.13, lm_eval/utils.py get_rolling_token_windows",
        beware="A tokenizer that adds a beginning token itself gets it twice, and the second one is scored. "
        "Windows after the first begin without one. Words at the edges of blanks are counted once too often.",
    ),
    "llama.cpp": Preset(
        choices=dict(
            unit="stream", joiner="", window=512, cut="chunks", bos="replace", specials=True, scored="second-half"
        ),
        does=(
            "The perplexity tool of llama.cpp: one stream cut into chunks of 512 tokens, the second half of each "
            "scored, the first token of each replaced by the beginning token if the tokenizer adds one."
        ),
        source="llama.cpp, tools/perplexity/perplexity.cpp at 050fc7f3",
        beware="Half of the tokens and the tail are never scored, and its own error bar takes tokens as "
        "independent. Bits per byte here count only the bytes of scored tokens.",
    ),
    "gptq": Preset(
        choices=dict(unit="stream", window=2048, cut="chunks", bos="none", specials=True),
        does=(
            "The loop of the GPTQ paper's code and its many descendants: all texts joined by blank lines, disjoint "
            "chunks of 2,048 tokens."
        ),
        source="IST-DASLab/gptq, opt.py and llama.py",
        beware="The beginning token stands before the first chunk only, the first token of each chunk is not "
        "scored, and the tail is dropped.",
    ),
    "paloma": Preset(
        choices=dict(bos="eos", denominator="lm-eval"),
        does=("Paloma and OLMo-Eval: each document in disjoint windows, with the end-of-text token before the first."),
        source="allenai/catwalk and allenai/OLMo-Eval at e77b194e",
        beware="The end token is the right prefix only for models trained with it between documents. The peer "
        "also works in the model's own number format; here the softmax is float32.",
    ),
    "evaluate": Preset(
        choices=dict(cut="whole", average="texts"),
        does=(
            "The perplexity metric of Hugging Face evaluate: every text in one piece after the beginning token; the "
            "figure is the arithmetic mean of the texts' perplexities."
        ),
        source="huggingface/evaluate, metrics/perplexity at a7dd3383",
        beware="A mean of perplexities is ruled by the worst texts: it is not the perplexity of the corpus.",
    ),
    "lmppl": Preset(
        choices=dict(cut="whole", bos="none", specials=True, too_long="truncate", average="texts"),
        does=(
            "lmppl: every text in one piece as the tokenizer gives it, its first token unscored. lmppl gives one "
            "figure for each text; the figure for the corpus here is their mean."
        ),
        source="asahi417/lmppl 0.3.2",
        beware="Whatever lies beyond the model's length is dropped, so two long texts with the same beginning "
        "get the same figure.",
    ),
}

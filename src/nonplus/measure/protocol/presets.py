"""The field's protocols by name: what each does, where it comes from, and where its figure misleads."""

from dataclasses import dataclass

from nonplus.errors import BadProtocol
from nonplus.measure.protocol.choices import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A named protocol with a description, its source, and what to beware of."""

    protocol: Protocol
    does: str
    source: str
    beware: str


def _preset(protocol: Protocol, does: str, *, source: str, beware: str) -> Preset:
    return Preset(protocol=protocol, does=does, source=source, beware=beware)


PRESETS: dict[str, Preset] = {
    preset.protocol.name: preset
    for preset in (
        _preset(
            Protocol(name="full"),
            "Each document by itself, in windows as long as the model takes (at most 8,192 tokens). Every token is "
            "scored exactly once, the last window is filled up with context, and the token that the model was trained "
            "to see first stands before every window.",
            source="nonplus; the default",
            beware="Tokens early in a window see little context; stride:S gives them more and costs more.",
        ),
        _preset(
            Protocol(name="stride", stride=256),
            "Like full, with windows that overlap: they move on by S tokens, so that every token after the first "
            "window sees at least window - S others. Costs window / S times as much.",
            source="nonplus; the idea is Baevski and Auli, 2019, section 5",
            beware="Perplexity falls with S, so the stride belongs to the figure.",
        ),
        _preset(
            Protocol(name="hf-doc", unit="stream", stride=512, cut="grid", bos="none", specials=True, booking="hf-doc"),
            "The strided loop of the Hugging Face documentation: all texts joined by blank lines into one stream, "
            "windows at multiples of the stride, no beginning token.",
            source="transformers, docs/source/en/perplexity.md at 052b1dcd",
            beware="Its bookkeeping counts a later window as one token less than it scores: off by one in S, and with "
            "stride 1 only the first window counts. The first token of the stream is never scored.",
        ),
        _preset(
            Protocol(name="lm-eval", bos="first", without_bos="eos", specials=True, denominator="lm-eval"),
            "Rolling log-likelihood of the LM Evaluation Harness: each document in disjoint windows, a prefix token "
            "before the first window only, words and bytes of the original text in the denominator.",
            source="lm-eval 0.4.13, lm_eval/utils.py get_rolling_token_windows",
            beware="A tokenizer that adds a beginning token itself gets it twice, and the second one is scored. "
            "Windows after the first begin without one. Words at the edges of blanks are counted once too often.",
        ),
        _preset(
            Protocol(
                name="llama.cpp",
                unit="stream",
                joiner="",
                window=512,
                cut="chunks",
                bos="replace",
                specials=True,
                scored="second-half",
            ),
            "The perplexity tool of llama.cpp: one stream cut into chunks of 512 tokens, the second half of each "
            "scored, the first token of each replaced by the beginning token if the tokenizer adds one.",
            source="llama.cpp, tools/perplexity/perplexity.cpp at 050fc7f3",
            beware="Half of the tokens and the tail are never scored, and its own error bar takes tokens as "
            "independent. Bits per byte here count only the bytes of scored tokens.",
        ),
        _preset(
            Protocol(name="gptq", unit="stream", window=2048, cut="chunks", bos="none", specials=True),
            "The loop of the GPTQ paper's code and its many descendants: all texts joined by blank lines, disjoint "
            "chunks of 2,048 tokens.",
            source="IST-DASLab/gptq, opt.py and llama.py",
            beware="The beginning token stands before the first chunk only, the first token of each chunk is not "
            "scored, and the tail is dropped.",
        ),
        _preset(
            Protocol(name="paloma", bos="eos", denominator="lm-eval"),
            "Paloma and OLMo-Eval: each document in disjoint windows, with the end-of-text token before the first.",
            source="allenai/catwalk and allenai/OLMo-Eval at e77b194e",
            beware="The end token is the right prefix only for models trained with it between documents. The peer "
            "also works in the model's own number format; here the softmax is float32.",
        ),
        _preset(
            Protocol(name="evaluate", cut="whole", average="texts"),
            "The perplexity metric of Hugging Face evaluate: every text in one piece after the beginning token; the "
            "figure is the arithmetic mean of the texts' perplexities.",
            source="huggingface/evaluate, metrics/perplexity at a7dd3383",
            beware="A mean of perplexities is ruled by the worst texts: it is not the perplexity of the corpus.",
        ),
        _preset(
            Protocol(name="lmppl", cut="whole", bos="none", specials=True, too_long="truncate", average="texts"),
            "lmppl: every text in one piece as the tokenizer gives it, its first token unscored. lmppl gives one "
            "figure for each text; the figure for the corpus here is their mean.",
            source="asahi417/lmppl 0.3.2",
            beware="Whatever lies beyond the model's length is dropped, so two long texts with the same beginning "
            "get the same figure.",
        ),
    )
}


def choose(name: str) -> Protocol:
    """The protocol of that name; ``stride:S``, ``hf-doc:S``, ``llama.cpp:N`` and ``gptq:N`` give the number with it.

    Raises:
        BadProtocol: no preset has this name, or the number is none or has no meaning for it.
    """
    base, colon, number = name.partition(":")
    if base not in PRESETS:
        raise BadProtocol(f"no protocol is named {base!r}; the names are {', '.join(PRESETS)}")
    protocol = PRESETS[base].protocol
    if not colon:
        return protocol
    sized = {"stride": "stride", "hf-doc": "stride", "llama.cpp": "window", "gptq": "window"}
    if base not in sized or not number.isdecimal() or len(number) > 9 or not int(number):
        raise BadProtocol(
            f"{name!r} is not a protocol: a whole number of tokens may follow {', '.join(sized)}, as in stride:512"
        )
    chosen = protocol.but(**{sized[base]: int(number)})
    return chosen.but(name=name)

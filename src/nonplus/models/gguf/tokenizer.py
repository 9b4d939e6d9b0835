"""The tokenizer of a GGUF file, which gives the ids that llama.cpp gives.

transformers builds it from the vocabulary in the file. What is done to a text before,
the file only hints at, and transformers does not follow every hint: of blanks at the
start it leaves out one, and it cuts texts as GPT-2 does where it does not know the name
of another way.
"""

from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, normalizers
from tokenizers.pre_tokenizers import ByteLevel, Digits, Sequence
from transformers import PreTrainedTokenizerFast
from transformers.integrations.gguf.gguf_tokenizer_mapping import GGUF_PRE_TOKENIZER_SPLITS

from nonplus.errors import BadModel
from nonplus.models.gguf.header import Header

# Names of the ways to cut, as in src/llama-vocab.cpp of ggml-org/llama.cpp.
_AS_GPT2 = frozenset(("gpt-2", "phi-2", "jais", "mpt", "olmo", "trillion", "exaone4", "roberta-bpe", "modern-bert"))
_DIGITS_ALONE = frozenset(("smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b"))
# A piece that is a token stays one, whatever merges would make of it.
_WHOLE_PIECES = frozenset(
    ("llama3", "llama-v3", "llama-bpe", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2", "tekken")
)

_BLANK = "▁"


def tokenizer_of(file: Path, header: Header, folder: Path) -> Any:
    """The tokenizer in a file; ``folder`` is an empty one.

    Raises:
        BadModel: the file names a way to cut texts that is not known here.
    """
    tokenizer: Any = PreTrainedTokenizerFast.from_pretrained(
        folder, gguf_file=str(file.absolute()), local_files_only=True
    )
    rust: Tokenizer = tokenizer.backend_tokenizer
    match header.metadata.get("tokenizer.ggml.model"):
        case "gpt2":
            _cut_as_named(file, str(header.metadata.get("tokenizer.ggml.pre", "default")), rust)
        case "llama":
            _mark_blanks(rust, first=bool(header.metadata.get("tokenizer.ggml.add_space_prefix", True)))
    return tokenizer


def _mark_blanks(rust: Tokenizer, *, first: bool) -> None:
    """Write blanks as SentencePiece does; ``first`` adds one before a text."""
    before = [normalizers.Prepend(_BLANK)] if first else []
    rust.normalizer = normalizers.Sequence([*before, normalizers.Replace(" ", _BLANK)])
    rust.pre_tokenizer = None


def _cut_as_named(file: Path, way: str, rust: Tokenizer) -> None:
    if way not in (*_AS_GPT2, *_DIGITS_ALONE, *GGUF_PRE_TOKENIZER_SPLITS):
        raise BadModel(
            f"{str(file)!r} says that texts are cut as {way!r} (tokenizer.ggml.pre), which is not known here, so its "
            "tokens would be others than the model was trained on; open the model that it was made from with hf:"
        )
    if way in _DIGITS_ALONE:
        rust.pre_tokenizer = Sequence([Digits(individual_digits=True), ByteLevel(add_prefix_space=False)])
    if way in _WHOLE_PIECES:
        model: Any = rust.model
        model.ignore_merges = True
        rust.model = model

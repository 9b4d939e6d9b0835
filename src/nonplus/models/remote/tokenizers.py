"""The tokenizer that is named for a model of a server: of a folder, or of the hub."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self, final

from nonplus.measure.interfaces import Special, Tokenizer
from nonplus.models.hf.location import is_here
from nonplus.models.llama.tokenizer import FileTokenizer, json_file
from nonplus.models.loading import Loading
from nonplus.optional import require


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class OwnTokenizer:
    """A tokenizer, its BOS and EOS, one more than its largest id, and how many tokens a
    text may have by its settings.
    """

    tokenizer: Tokenizer
    special: Special
    id_bound: int
    max_length: int

    @classmethod
    def named(cls, name: str) -> Self:
        """That of a folder with ``tokenizer.json``, else what transformers finds.

        Raises:
            BadModel: there is none.
            MissingExtra: it takes transformers, which is not installed.
        """
        folder = Path(name)
        if (folder / "tokenizer.json").is_file():
            own = FileTokenizer(folder)
            special, bound = own.special(json_file(folder / "config.json")), own.id_bound
            return cls(tokenizer=own, special=special, id_bound=bound, max_length=own.max_length)
        here = is_here(name, holds="tokenizer_config.json")
        purpose = f"the tokenizer {name!r}"
        loaded = require("nonplus.models.hf.loading", purpose=purpose).loaded_tokenizer(name, Loading(), here=here)
        other = require("nonplus.models.hf.tokenizer", purpose=purpose).HFTokenizer(loaded)
        special = other.special(None, vocabulary=other.id_bound)
        return cls(tokenizer=other, special=special, id_bound=other.id_bound, max_length=other.max_length)

    def prompt(self, text: str) -> list[int]:
        """A text as token ids, with BOS before it if there is one."""
        (encoding,) = self.tokenizer.encode([text], specials=False)
        before = [] if self.special.bos is None else [self.special.bos]
        return [*before, *encoding.ids.tolist()]

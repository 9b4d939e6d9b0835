"""What a training writes, as one value."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from nonplus.errors import BadInput
from nonplus.models.ngram.converting import Form
from nonplus.models.ngram.option_types import check_switch
from nonplus.models.ngram.training.folder import work_beside


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """The files of a model: a bundle, an ARPA file, or both.

    ``quantize`` is the number of bits of a value in the bundle, 0 for float32. With
    ``packed`` its n-grams are packed, for a bundle that is handed on. With
    ``keep_text`` it holds the text as it was counted, so that the model can be pruned
    by counts.
    """

    output: Path | None = None
    arpa: Path | None = None
    quantize: int = 0
    packed: bool = False
    keep_text: bool = False

    def __post_init__(self) -> None:
        if self.output is None and self.arpa is None:
            raise BadInput("no output is named, so the model would be lost; give output=FOLDER or arpa=FILE")
        for name in ("output", "arpa"):
            if str(getattr(self, name)) == "-":
                raise BadInput(f"{name}=- names no file, and a model is too large for a pipe; give {name}=NAME")
        if self.output is not None and self.output.suffix == ".arpa":
            raise BadInput(f"output={self.output} names an ARPA file, not a folder; give arpa={self.output}")
        self._check_apart()
        Form(quantize=self.quantize, packed=self.packed)  # checks them
        check_switch("keep_text", self.keep_text)
        for name in ("quantize", "packed", "keep_text"):
            if self.output is None and getattr(self, name):
                raise BadInput(
                    f"{name}={getattr(self, name)} is about a bundle, and an ARPA file has none; give output=FOLDER"
                )

    def check_kept(self, inputs: Iterable[Path]) -> None:
        """Refuse outputs that would replace what the model is trained on.

        Raises:
            BadInput: a file or folder of ``inputs`` lies in what is replaced.
        """
        for name in ("output", "arpa"):
            replaced = getattr(self, name)
            for given in inputs if replaced is not None else ():
                if _holds(replaced, given):
                    raise BadInput(f"{given} is read, and {name}={replaced} would replace it; give another {name}=NAME")

    def _check_apart(self) -> None:
        """Refuse an ARPA file and a folder of which one would replace the other."""
        if self.output is None or self.arpa is None:
            return
        for folder, what in ((self.output, "the bundle"), (self.work, "the unfinished work")):
            if _holds(folder, self.arpa) or _holds(self.arpa, folder):
                raise BadInput(
                    f"arpa={self.arpa} and {folder}, the folder of {what}, cannot both be there; give "
                    f"arpa={self.output}.arpa"
                )

    @property
    def work(self) -> Path:
        """The folder of the work that is not finished, beside the model."""
        first = self.output or self.arpa
        assert first is not None
        return work_beside(first)


def _holds(path: Path, other: Path) -> bool:
    """Whether the other is the same place or lies in it."""
    place, inner = Path(os.path.realpath(path)), Path(os.path.realpath(other))
    return place == inner or place in inner.parents

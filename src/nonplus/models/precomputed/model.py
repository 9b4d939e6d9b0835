"""A file of log-probabilities as a text scorer: it knows the texts that it has."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, final

from nonplus.errors import BadInput, BadModel
from nonplus.files import reading
from nonplus.measure.records import Document
from nonplus.measure.scores import ScoredTexts
from nonplus.models.precomputed import forms, own_rows
from nonplus.models.precomputed.lines import Line, lines_of
from nonplus.models.precomputed.pieces import Pieces
from nonplus.models.precomputed.protocol import FileProtocol, stated, unknown

_WRITER = {False: "was given to the model", True: "the model wrote itself"}


@final
class Precomputed:
    """The scores of a file, read from it anew on each pass, a text at a time."""

    def __init__(self, path: Path, *, base: str) -> None:
        """Read the first object, which tells the form of all.

        Raises:
            BadInput: the file cannot be read, is in no known form, or has another base.
        """
        self.path, self._base = path, base
        first = next(lines_of(path), None)
        if first is None:
            raise BadInput(f"{path} has no row; name a file with log-probabilities")
        self._is_own = own_rows.is_own(first.value)
        run: Mapping[str, Any] = own_rows.run_of(first) if self._is_own else {}
        self._run, self._generated = run, False
        self.tokenizer = Pieces(str(run.get("tokenizer_identity") or "unknown"))
        self.vocabulary: int | None = run.get("vocabulary")
        self.dtype = str(run.get("dtype") or "")
        self.protocol: FileProtocol
        if self._is_own:
            if base != "nats":
                raise BadInput(f"{path} is a table of nonplus, whose surprisals are in nats; omit #{base}")
            self.name = forms.name_of(run) or path.name
            self.protocol = stated(run, first.place) if run else unknown("nonplus")
        else:
            value, _, place = next(forms.objects(iter([first])))
            self._form = forms.form_of(value, place)
            self.name = forms.name_of(value) or path.name
            self._generated = any(tokens.generated for tokens in self._tokens(value, place))
            self.protocol = unknown(self._form.name, generated=self._generated, base=base)

    @cached_property
    def identity(self) -> str:
        """A digest of the file, and of how its logarithms are read."""
        with reading(self.path), self.path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256")
        digest.update(self._base.encode())
        return digest.hexdigest()

    @property
    def texts(self) -> Iterable[Document]:
        """The texts of the file, in order, on every pass."""
        return _Texts(self)

    def score(self, documents: Iterable[Document], *, alternatives: int) -> Iterator[ScoredTexts]:
        """The scores of each text, from wherever in the file they are.

        Texts in the order of the file are read in one pass.

        Raises:
            BadInput: the file has no such text.
            BadModel: alternatives are asked for.
        """
        if alternatives:
            raise BadModel(
                f"{self.path} has scores of the tokens of its texts, and none of others, got "
                f"alternatives={alternatives}; use alternatives=0"
            )
        finder = _Finder(self)
        for document in documents:
            own = finder.scored(document)
            yield replace(own, tokens=replace(own.tokens, documents=(document,)))

    def read(self) -> Iterator[ScoredTexts]:
        """Each text of the file with its scores."""
        lines = lines_of(self.path)
        return own_rows.own_texts(lines, self.tokenizer, self._run) if self._is_own else self._of_others(lines)

    def _of_others(self, lines: Iterator[Line]) -> Iterator[ScoredTexts]:
        number = 0
        for value, named, place in forms.objects(lines):
            form = forms.form_of(value, place)
            if form is not self._form:
                raise BadInput(
                    f"{place} is in the form {form.name}, and the file began with {self._form.name}; give each form a "
                    "file of its own"
                )
            texts = self._tokens(value, place)
            for choice, tokens in enumerate(texts, 1):
                if tokens.generated != self._generated:
                    raise BadInput(
                        f"{place} has text that {_WRITER[tokens.generated]}, and the file began with text that "
                        f"{_WRITER[self._generated]}; give each kind a file of its own"
                    )
                number += 1
                own = f"{named}:{choice}" if named and len(texts) > 1 else named
                document = Document(
                    text=tokens.laid.text, id=own or f"{self.path.name}:{number}", domain=_domain(value, place)
                )
                base = forms.base_of(value, place) or self._base
                yield forms.scored(tokens, document, base=base, pieces=self.tokenizer, place=place)

    def _tokens(self, value: Mapping[str, Any], place: str) -> list[forms.Tokens]:
        try:
            return list(self._form.texts(value, place))
        except BadInput:  # which is a ValueError, too, and says more
            raise
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as fault:
            raise BadInput(
                f"{place} is in the form {self._form.name}, but not as it should be ({type(fault).__name__}: {fault}); "
                "write it again as the server gave it"
            ) from None


@final
class _Texts:
    """The texts of a file."""

    def __init__(self, model: Precomputed) -> None:
        self._model = model

    def __iter__(self) -> Iterator[Document]:
        return (text.documents[0] for text in self._model.read())


@final
class _Finder:
    """Looks for texts from the place of the last one on, and once around."""

    def __init__(self, model: Precomputed) -> None:
        self._model = model
        self._ahead = model.read()
        self._done = 0

    def scored(self, document: Document) -> ScoredTexts:
        """The scores of a text.

        Raises:
            BadInput: the file has none.
        """
        begun, near = self._done, ""
        for own in self._once_around(begun):
            text = own.documents[0].text
            if text == document.text:
                return own
            near = text if own.documents[0].id == document.id else near
        if near:
            pairs = enumerate(zip(near, document.text, strict=False))
            same = next((n for n, (one, other) in pairs if one != other), min(len(near), len(document.text)))
            raise BadInput(
                f"{self._model.path} has scores of another text for {document.id}: they differ from character {same} "
                "on; give the texts as they were scored, or omit them, and those of the file are measured"
            )
        raise BadInput(
            f"{self._model.path} has no scores of {document.id}; give texts that were scored, or omit them, and those "
            "of the file are measured"
        )

    def _once_around(self, begun: int) -> Iterator[ScoredTexts]:
        for own in self._ahead:
            self._done += 1
            yield own
        self._ahead, self._done = self._model.read(), 0
        for own in islice(self._ahead, begun):
            self._done += 1
            yield own


def _domain(value: Mapping[str, Any], place: str) -> str:
    domain = value.get("domain") or ""
    if not isinstance(domain, str):
        raise BadInput(f"{place} has the domain {domain!r}, which is no text; write it as one")
    return domain

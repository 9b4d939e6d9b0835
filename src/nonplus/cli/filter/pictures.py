"""What shows a corpus before and after a cut: a page, a picture and tables."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import final

from nonplus.cli.terminal.notices import wrote
from nonplus.cli.terminal.printing import say
from nonplus.cli.terminal.tables import say_table
from nonplus.errors import BadInput
from nonplus.files import replacing
from nonplus.filtering.strata.page import shown
from nonplus.filtering.strata.strata import WIDTH, Strata
from nonplus.measure.formatting import percent, points
from nonplus.optional import require

_BYTES = 2  # of the units
_SUFFIXES = {"html": (".html", ".htm"), "plot": (".png",)}
_MOST = 8  # parts that the picture shows


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """Where a page and a picture go, if they are wanted."""

    html: Path | None = None
    plot: Path | None = None

    def check(self, *others: Path | None) -> None:
        """Refuse what cannot be written, before any work; ``others`` are files that are
        written too.

        Raises:
            BadInput: a name has another suffix, or two are the same.
            MissingExtra: matplotlib is not installed.
        """
        for option, path in (("html", self.html), ("plot", self.plot)):
            if path is not None and path.suffix.lower() not in _SUFFIXES[option]:
                raise BadInput(f"{option}={path} does not end with {_SUFFIXES[option][0]}; give a name that does")
        named = [path.resolve() for path in (self.html, self.plot, *others) if path is not None]
        if len({*named}) < len(named):
            raise BadInput(f"two outputs have the name {named[0].name}; give each its own")
        if self.plot is not None:
            _drawing()

    def write(self, *, page: Callable[[], str], title: str, strata: Strata, cuts: Sequence[float] = ()) -> None:
        """Write those that are wanted.

        Raises:
            BadInput: one cannot be written there.
        """
        if self.html is not None:
            _write(self.html, page().encode(errors="replace"))
        if self.plot is not None:
            _write(self.plot, _picture(strata, title, cuts))

    def say_written(self) -> None:
        """Say where they are."""
        if self.html is not None:
            wrote(self.html, "a page to look at in a browser")
        if self.plot is not None:
            wrote(self.plot, "a picture")


def say_strata(
    strata: Strata,
    *,
    heads: Sequence[str] = (),
    more: Mapping[tuple[str, str], Sequence[str]] = MappingProxyType({}),
) -> None:
    """Print what is kept of each language, source and length, and how their parts of
    all bytes shift; ``more`` has further cells by kind and name, under ``heads``.
    """
    for kind in strata.kinds:
        rows = []
        for name, stratum in shown(strata, kind):
            before, after = strata.share(stratum, _BYTES)
            cells = (percent(stratum.kept(_BYTES)), percent(before), percent(after), points(before, after))
            rows.append((name, f"{int(stratum.before[0]):,}", *more.get((kind, name), [""] * len(heads)), *cells))
        say("")
        say_table((kind, "documents", *heads, "bytes kept", "before", "after", "change"), rows)


def _picture(strata: Strata, title: str, cuts: Sequence[float]) -> bytes:
    kinds = [kind for kind in ("source", "language") if len(strata.kinds.get(kind, ())) > 1]
    parts = [(name, each.bins_before, each.bins_after) for kind in kinds[:1] for name, each in shown(strata, kind)]
    whole = strata.whole
    content: bytes = _drawing().histogram_png(
        whole.bins_before,
        whole.bins_after,
        width=WIDTH,
        title=title,
        unit="bits per byte",
        cuts=cuts,
        parts=parts[:_MOST],
    )
    return content


def _drawing() -> ModuleType:
    return require("nonplus.views.pictures", purpose="drawing a picture")


def _write(path: Path, content: bytes) -> None:
    with replacing(path) as file:
        file.write(content)

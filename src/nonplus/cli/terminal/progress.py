"""The progress of a run: one line on stderr, redrawn, and removed at the end."""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol, final

from rich.console import Console, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from nonplus.cli.terminal.printing import one_line
from nonplus.corpora.suffixes import ARCHIVES, COMPRESSIONS
from nonplus.filtering.calibration.meter import CalibrationMeter
from nonplus.filtering.runs.meter import FilterMeter
from nonplus.measure.formatting import counted, figure
from nonplus.measure.interfaces import Tokenizer
from nonplus.measure.records import Document
from nonplus.measure.scoring import Meter
from nonplus.measure.statistics.fixed_point import exp
from nonplus.models.ngram.training.meter import TrainingMeter

_SPINNER = 2  # columns
# What a narrow line leaves out first.
_DISPENSABLE = ("speed", "size", "documents", "kept", "left", "perplexity", "tokens", "records", "scored")
_SAMPLE = 4096  # characters from which the total number of tokens is estimated
_NOT_PLAIN = (*COMPRESSIONS, *ARCHIVES, ".parquet", ".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".arrow")


@final
class Gauge:
    """How much of a run is done, and how much is left where that can be estimated."""

    def __init__(self, meter: Meter, *, size: int) -> None:
        """``size`` is the bytes of text in all sources, 0 if unknown."""
        self._meter = meter
        self._size = size
        self._expected = 0.0
        self._begun = time.perf_counter()
        self._spinner = Spinner("dots", style="cyan")

    def watched(self, documents: Iterable[Document], tokenizer: Tokenizer) -> Iterator[Document]:
        """The documents; from the first one the tokens per byte are estimated."""
        for document in documents:
            if self._size and not self._expected and document.text:
                sample = document.text[:_SAMPLE]
                (encoding,) = tokenizer.encode([sample], specials=False)
                self._expected = self._size * len(encoding.ids) / len(sample.encode(errors="replace"))
            yield document

    def line(self, width: int) -> Table:
        """The line as it is now, with as much as fits into ``width`` columns."""
        row = Table.grid(padding=(0, 1))
        text = _fitting(self._figures(), width)
        room = width - _SPINNER - text.cell_len - 1
        bar = [ProgressBar(total=1, completed=self._part, width=min(room, 24))] if self._expected and room >= 8 else []
        row.add_row(self._spinner, *bar, text)
        return row

    @property
    def _part(self) -> float:
        return min(1.0, self._meter.tokens / self._expected) if self._expected else 0.0

    def _figures(self) -> dict[str, str]:
        meter, seconds = self._meter, time.perf_counter() - self._begun
        tokens, nats = meter.tokens, meter.nats
        found = {"documents": counted(meter.documents, "document")} if meter.documents else {}
        found["tokens"] = counted(tokens, "token")
        if tokens:
            found["speed"] = f"{tokens / seconds:,.0f} tokens/s"
            found["perplexity"] = f"perplexity {figure(exp(nats / tokens))}"
        if 0 < self._part < 1:
            found["left"] = f"{_clock(seconds * (1 - self._part) / self._part)} left"
        return found


@final
class TrainingGauge:
    """What a training is doing, and how much of that is done."""

    def __init__(self, meter: TrainingMeter) -> None:
        self._meter = meter
        self._spinner = Spinner("dots", style="cyan")

    def line(self, width: int) -> Table:
        """The line as it is now."""
        row, meter = Table.grid(padding=(0, 1)), self._meter
        figures = [meter.stage]
        if meter.pieces:
            figures.append(f"{min(meter.done + 1, meter.pieces)} of {meter.pieces}")
        elif meter.documents:
            figures.append(counted(meter.documents, "document"))
        text = Text("  ".join(figures), no_wrap=True, overflow="crop")
        share = meter.done / meter.pieces if meter.pieces else 0
        row.add_row(self._spinner, *([ProgressBar(total=1, completed=share, width=24)] if share else []), text)
        return row


@final
class FilterGauge:
    """What a filter is doing, how fast, and what share of the records it keeps."""

    def __init__(self, meter: FilterMeter) -> None:
        self._meter = meter
        self._stage = ""
        self._spinner = Spinner("dots", style="cyan")
        self._begun = time.perf_counter()

    def line(self, width: int) -> Table:
        """The line as it is now."""
        row, meter, accounts = Table.grid(padding=(0, 1)), self._meter, self._meter.accounts
        if meter.stage != self._stage:
            self._stage, self._begun = meter.stage, time.perf_counter()
        size, seconds = accounts.bytes / 1e6, time.perf_counter() - self._begun
        figures = {"stage": meter.stage or "opening", "records": counted(accounts.records, "record")}
        if size:
            figures |= {"size": f"{size:,.0f} MB", "speed": f"{size / seconds:,.1f} MB/s"}
        if accounts.kept.records:
            figures["kept"] = f"{accounts.kept.records / accounts.records:.1%} kept"
        part = min(1.0, meter.units / meter.expected) if meter.expected else 0.0
        if 0 < part < 1:
            figures["left"] = f"{_clock(seconds * (1 - part) / part)} left"
        bar = [ProgressBar(total=1, completed=part, width=24)] if part and width > 96 else []
        row.add_row(self._spinner, *bar, _fitting(figures, width - 25 * len(bar)))
        return row


@final
class CalibrationGauge:
    """How much of a corpus is read, and how many documents of it are scored."""

    def __init__(self, meter: CalibrationMeter) -> None:
        self._meter = meter
        self._spinner = Spinner("dots", style="cyan")

    def line(self, width: int) -> Table:
        """The line as it is now."""
        row = Table.grid(padding=(0, 1))
        figures = {"documents": f"{counted(self._meter.read, 'document')} read"}
        if self._meter.scored:
            figures["scored"] = f"{self._meter.scored:,} scored"
        row.add_row(self._spinner, _fitting(figures, width))
        return row


def _fitting(figures: dict[str, str], width: int) -> Text:
    """As many of the figures as fit into a line of ``width`` columns, each whole."""
    shown = dict(figures)
    while len("  ".join(shown.values())) > width - _SPINNER and len(shown) > 1:
        del shown[next(name for name in _DISPENSABLE if name in shown)]
    return Text("  ".join(shown.values()), no_wrap=True, overflow="crop")


class _Drawable(Protocol):
    """What has a line for now."""

    def line(self, width: int) -> Table: ...


@contextmanager
def shown(gauge: _Drawable) -> Iterator[None]:
    """Show the gauge while the block runs, if stderr is a terminal."""
    console = Console(stderr=True)
    if not console.is_terminal or console.is_dumb_terminal:
        yield
        return
    with _drawn(lambda: gauge.line(console.width), console):
        yield


@contextmanager
def waiting(for_what: str) -> Iterator[None]:
    """Show a spinner with a word about it while the block runs, in a terminal."""
    console, spinner = Console(stderr=True), Spinner("dots", Text(one_line(for_what), "dim"), style="cyan")
    if not console.is_terminal or console.is_dumb_terminal:
        yield
        return
    with _drawn(lambda: spinner, console):
        yield


def _drawn(line: Callable[[], RenderableType], console: Console) -> Live:
    return Live(get_renderable=line, console=console, transient=True, refresh_per_second=8)


def size_of(sources: Iterable[str]) -> int:
    """Bytes of text in the sources, if all are plain files; 0 if unknown."""
    sizes = [os.path.getsize(s) if os.path.isfile(s) and not s.lower().endswith(_NOT_PLAIN) else 0 for s in sources]
    return sum(sizes) if all(sizes) else 0


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"

"""Tables and histograms of counts, in lines of a terminal."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from nonplus.cli.terminal.printing import one_line, say, styled
from nonplus.measure.records import Ints

_WIDEST = 48  # columns of the first cell
_BAR = 40  # columns
_MOST_LINES = 24


def say_table(
    heads: Sequence[str], rows: Iterable[Sequence[str]], *, marked: Iterable[int] = (), texts: Sequence[int] = (0,)
) -> None:
    """Print rows of cells under their heads; ``marked`` rows stand out. The columns
    ``texts`` hold text, the others numbers, which are set to the right.
    """
    cut = [[_fitting(row[0]), *map(one_line, row[1:])] for row in (heads, *rows)]
    widths = [max(map(len, column)) for column in zip(*cut, strict=True)]
    stand_out = {place + 1 for place in marked}
    for place, row in enumerate(cut):
        cells = [f"{cell:{'<' if at in texts else '>'}{widths[at]}}" for at, cell in enumerate(row)]
        say(styled("  ".join(cells).rstrip(), dim=place == 0, bold=place in stand_out))


def say_histogram(before_B: Ints, after_B: Ints, *, width: float, unit: str) -> None:
    """Print counts by bins of ``width`` as bars: what is kept, and then what is not."""
    say(styled(f"{unit:>15}  documents: █ kept, ░ dropped", dim=True))
    for line in _bars(before_B, after_B, width):
        say(line)


def _bars(before_B: Ints, after_B: Ints, width: float) -> Iterator[str]:
    filled = np.flatnonzero(before_B)
    if not len(filled):
        return
    first, stop = int(filled[0]), int(filled[-1]) + 1
    each = next(n for n in (1, 2, 5, 10, 20, 50, 100, 1000) if (stop - first // n * n) / n <= _MOST_LINES)
    starts = range(first // each * each, stop, each)
    sums = [(int(before_B[at : at + each].sum()), int(after_B[at : at + each].sum())) for at in starts]
    most = max(before for before, _ in sums)
    for at, (before, after) in zip(starts, sums, strict=True):
        kept = round(_BAR * after / most)
        all_of_it = max(round(_BAR * before / most), int(before > 0))
        extent = f"{at * width:.1f} to {(at + each) * width:.1f}"
        yield f"{extent:>15}  {'█' * kept}{'░' * (all_of_it - kept)}{' ' if before else ''}{before:,}"


def _fitting(name: str) -> str:
    """The end of a long name tells more of it, if it is a path."""
    plain = one_line(name)
    return plain if len(plain) <= _WIDEST else f"…{plain[1 - _WIDEST :]}"

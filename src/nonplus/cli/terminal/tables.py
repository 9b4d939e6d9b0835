"""Tables and histograms of counts, in lines of a terminal."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from textwrap import wrap

import numpy as np

from nonplus.cli.terminal.printing import in_room, one_line, room, say, styled
from nonplus.measure.records import Ints

_WIDEST = 48  # columns of the first cell
_GAP = "  "
_UNLIMITED = 1 << 16  # columns: a file takes lines of any length
_EXTENT, _BAR = 15, 40  # columns
_MOST_LINES = 24

Column = Sequence[str]


def say_table(
    heads: Sequence[str], rows: Iterable[Sequence[str]], *, marked: Iterable[int] = (), texts: Sequence[int] = (0,)
) -> None:
    """Print rows of cells under their heads; ``marked`` rows stand out. The columns
    ``texts`` hold text, the others numbers, which are set to the right.

    Where a terminal is too narrow for all columns, they are in several tables, which
    have the first one in common.
    """
    first, *others = ([*map(one_line, column)] for column in zip(heads, *rows, strict=True))
    wide, stand_out = room(_UNLIMITED), {place + 1 for place in marked}
    numbers = {at - 1 for at in range(1, len(heads)) if at not in texts}
    for number, group in enumerate(_groups(first, others, wide)):
        if number:
            say("")
        right = [at in numbers for at in group]
        for place, row in enumerate(_rows(first, [others[at] for at in group], wide, right)):
            for line in row:
                say(styled(line, dim=place == 0, bold=place in stand_out))


def _groups(first: Column, others: Sequence[Column], wide: int) -> Iterator[list[int]]:
    """Which of the other columns stand beside the first one together."""
    group: list[int] = []
    for at in range(len(others)):
        if group and _needed([others[each] for each in (*group, at)]) + _least(first, wide) > wide:
            yield group
            group = []
        group.append(at)
    yield group


def _rows(first: Column, others: Sequence[Column], wide: int, right: Sequence[bool]) -> Iterator[list[str]]:
    """The lines of each row. A column that is too wide by itself is text, and goes on
    in further lines.
    """
    own = max(_least(first, wide), min(_width(first), _WIDEST, wide - _needed(others)))
    left = wide - own - len(_GAP)
    broken = [[wrap(cell, left) if len(cell) > left else [cell] for cell in column] for column in others]
    widths = [max(map(_width, column)) for column in broken]
    for name, *cells in zip(first, *broken, strict=True):
        lines = zip_longest([_fitting(name, own)], *cells, fillvalue="")
        yield [_line(line, [own, *widths], [False, *right]) for line in lines]


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    aligned = (f"{cell:{'>' if r else '<'}{width}}" for cell, width, r in zip(cells, widths, right, strict=True))
    return _GAP.join(aligned).rstrip()


def _width(column: Column) -> int:
    return max(map(len, column))


def _needed(others: Sequence[Column]) -> int:
    return sum(len(_GAP) + _width(column) for column in others)


def _least(first: Column, wide: int) -> int:
    """The fewest columns for the first cell."""
    return min(_width(first), _WIDEST, max(wide // 3, 16))


def say_histogram(before_B: Ints, after_B: Ints, *, width: float, unit: str) -> None:
    """Print counts by bins of ``width`` as bars: what is kept, and then what is not."""
    first, *others = in_room("documents: █ kept, ░ dropped", before=_EXTENT + len(_GAP))
    say(styled(f"{unit:>{_EXTENT}}{_GAP}{first}", dim=True))
    for each in others:
        say(styled(f"{'':{_EXTENT}}{_GAP}{each}", dim=True))
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
    bar = min(_BAR, max(8, room(_UNLIMITED) - _EXTENT - len(_GAP) - len(f" {most:,}")))
    for at, (before, after) in zip(starts, sums, strict=True):
        kept = round(bar * after / most)
        all_of_it = max(round(bar * before / most), int(before > 0))
        extent = f"{at * width:.1f} to {(at + each) * width:.1f}"
        yield f"{extent:>{_EXTENT}}{_GAP}{'█' * kept}{'░' * (all_of_it - kept)}{' ' if before else ''}{before:,}"


def _fitting(name: str, width: int) -> str:
    """The end of a long name tells more of it, if it is a path."""
    return name if len(name) <= width else f"…{name[len(name) + 1 - width :]}"

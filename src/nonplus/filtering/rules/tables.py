"""Tables of perplexities by language, between which a document is head or tail."""

import csv
from pathlib import Path

from nonplus.errors import BadInput
from nonplus.filtering.rules.needs import Marks

CCNET = "ccnet"
HEAD, TAIL = "30", "60"

# P30 and P60 of cc_net's cutoff.csv at commit bda555b: of documents of Common Crawl
# under models of Wikipedia, rounded to tens (Wenzek and others, 2020; MIT licence).
_PUBLISHED = """
af 540 770, ar 490 790, az 600 950, be 670 910, bg 450 680, bn 190 300, ca 210 330,
cs 820 1140, da 380 600, de 370 590, el 450 670, en 340 520, es 180 290, et 1270 1620,
fa 370 700, fi 1110 1500, fr 180 330, gu 1110 1570, he 1280 1710, hi 480 790,
hr 720 910, hu 80 140, hy 750 1080, id 600 970, is 850 1190, it 220 360, ja 1110 1450,
ka 910 1310, kk 610 930, km 1040 2180, kn 2210 2800, ko 920 2130, lt 190 270,
lv 1130 1480, mk 530 740, ml 2430 3220, mn 680 1010, mr 1380 1870, my 2530 3040,
ne 860 1130, nl 430 650, no 430 680, pl 160 260, pt 170 270, ro 180 270, ru 210 310,
uk 140 220, zh 1460 1950
"""


def table(source: str) -> Marks:
    """Head and tail of each language: cc_net's published ones, or those of a file."""
    return _published() if source == CCNET else _read(source)


def _published() -> Marks:
    entries = (each.split() for each in _PUBLISHED.split(","))
    return {(language,): (float(head), float(tail)) for language, head, tail in entries}


def _read(path: str) -> Marks:
    """A column for each language, a row for each percentage, as in ``cutoff.csv``."""
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            rows = [row for row in csv.reader(file) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as fault:
        raise BadInput(f"the cutoffs of {path} cannot be read: {fault}; name a CSV file") from None
    languages = rows[0][1:] if rows else []
    by_percentage = {row[0].strip(): row[1:] for row in rows[1:]}
    if not languages or not {HEAD, TAIL} <= by_percentage.keys():
        raise BadInput(
            f"{path} is no table of cutoffs; its first row is ',' and the languages, and the rows that begin with "
            f"{HEAD} and {TAIL} have their perplexities, as in ',en' '30,340' '60,520'"
        )
    heads, tails = (_numbers(path, each, by_percentage[each], len(languages)) for each in (HEAD, TAIL))
    for language, head, tail in zip(languages, heads, tails, strict=True):
        if not head <= tail:
            raise BadInput(
                f"{path} has for {language} {head:g} at {HEAD} and {tail:g} at {TAIL}, where cutoffs rise; "
                "write the lower one at 30"
            )
    return {(language,): (head, tail) for language, head, tail in zip(languages, heads, tails, strict=True)}


def _numbers(path: str, percentage: str, texts: list[str], many: int) -> list[float]:
    try:
        numbers = [float(each) for each in texts]
    except ValueError:
        numbers = []
    if len(numbers) != many:
        raise BadInput(
            f"{path} has {', '.join(texts)} in the row {percentage}, where {many} numbers are due; "
            "write one below each language"
        )
    return numbers

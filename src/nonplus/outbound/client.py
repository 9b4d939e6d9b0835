"""JSON over HTTP: asked again where that helps, and never for longer than is allowed.

What is sent goes to the host that the user named and nowhere else: redirects are not
followed, and no proxy of the environment is used.
"""

import json
import random
import re
import time
from concurrent.futures import CancelledError
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import count
from threading import Event
from typing import Any, final
from urllib.parse import quote

import urllib3
from urllib3.exceptions import HTTPError, NameResolutionError, NewConnectionError, SSLError, TimeoutError

from nonplus.errors import BadModel
from nonplus.outbound.endpoint import Endpoint

AT_ONCE = 16  # requests
_MOST = 1 << 26  # bytes of an answer
_PIECE = 1 << 16  # bytes
_QUOTED = 300  # characters of what a server says
_SECRET = 8  # characters in a row of a key that are not shown
_YEAR = 365 * 86400.0  # seconds, and the longest that a server may ask for
_CODES = re.compile(r"\[[^]]*\] *| *\(_ssl\.c:\d+\)")  # of the system and of OpenSSL
_AGAIN = (408, 425, 429)
_NEVER = (501, 505)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long to wait for a server, in seconds.

    ``connect`` is for a connection, ``answer`` for a whole answer, ``total`` for a
    request with its repetitions; with 0 there are none. The first repetition comes
    after about ``first``, and each after twice as long as the one before.
    """

    connect: float = 10.0
    answer: float = 600.0
    total: float = 900.0
    first: float = 0.5
    longest: float = 60.0

    @property
    def bound(self) -> float:
        """After which even a server that answers byte by byte has had its time, with
        that of the request before it.
        """
        return 2 * (self.connect + 2 * self.answer + self.total)


@final
class Client:
    """Asks one server, from any thread."""

    def __init__(self, endpoint: Endpoint, *, patience: Patience = Patience()) -> None:
        """Nothing is sent yet."""
        self.endpoint = endpoint
        self.patience = patience
        self._pool = urllib3.PoolManager(maxsize=AT_ONCE, retries=False)

    def get(self, path: str) -> Any:
        """What the server says under ``path``; asked once.

        Raises:
            BadModel: it does not answer, or not with JSON.
        """
        try:
            return self._once("GET", path, None, "check the URL")
        except _Temporary as fault:
            raise BadModel(f"{self.endpoint.url} {fault.why}; check the URL, and that the server runs") from None

    def post(self, path: str, body: Any, *, unwanted: Event, advice: str) -> Any:
        """What the server answers to ``body``; ``advice`` is for one that it refuses.

        Raises:
            BadModel: it does not answer in time, or refuses, or answers no JSON.
            CancelledError: ``unwanted`` was set while it was to be asked again.
        """
        begun, content = time.monotonic(), json.dumps(body).encode()
        for tries in count(1):
            try:
                return self._once("POST", path, content, advice)
            except _Temporary as fault:
                wait = max(fault.after, self._backoff(tries))
                seconds = time.monotonic() - begun
                if seconds + wait > self.patience.total:
                    raise BadModel(
                        f"{self.endpoint.url} {fault.why}, also at try {tries} after {seconds:.0f} s"
                        f"{_asks(fault.after)}; run again later: with resume=FOLDER, what is finished is kept"
                    ) from None
            if unwanted.wait(wait):
                raise CancelledError

    def _backoff(self, tries: int) -> float:
        longest = min(self.patience.longest, self.patience.first * 2 ** min(tries - 1, 20))
        return float(longest * random.uniform(0.5, 1.0))

    def _once(self, method: str, path: str, content: bytes | None, advice: str) -> Any:
        key = self.endpoint.key
        headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "nonplus"}
        headers |= {"Content-Type": "application/json"} if content is not None else {}
        headers |= {"Authorization": f"Bearer {key}"} if key else {}
        patience = self.patience
        until = time.monotonic() + patience.connect + patience.answer
        try:
            response = self._pool.request(
                method,
                self.endpoint.url + path,
                body=content,
                headers=headers,
                timeout=urllib3.Timeout(connect=patience.connect, read=patience.answer),
                redirect=False,
                preload_content=False,
                decode_content=False,
            )
            with response:  # which closes it, unless it was read to its end
                answer = self._content(response, until)
                response.release_conn()
        except SSLError as fault:
            raise BadModel(
                f"{self.endpoint.url} takes no encrypted connection: {_said(fault)}; check its certificate, and "
                "whether its URL begins with http:// or https://"
            ) from None
        except HTTPError as fault:
            raise _Temporary(_reason(fault)) from None
        return self._read(response, answer, advice, key)

    def _content(self, response: urllib3.BaseHTTPResponse, until: float) -> bytes:
        parts, size = [], 0
        while part := response.read1(_PIECE):  # what has come, where `read` waits for all of it
            parts.append(part)
            size += len(part)
            if size > _MOST:
                raise BadModel(
                    f"{self.endpoint.url} answers with more than {_MOST >> 20} MiB, more than any prompt takes; check "
                    "that it is a completions server"
                )
            if time.monotonic() > until:
                raise _Temporary(f"was still answering after {self.patience.answer:g} s")
        return b"".join(parts)

    def _read(self, response: urllib3.BaseHTTPResponse, content: bytes, advice: str, key: str) -> Any:
        status, url = response.status, self.endpoint.url
        if status == 200:
            try:
                return json.loads(content)
            except (ValueError, RecursionError):
                raise BadModel(
                    f"{url} answers what is no JSON, which begins {_quoted(content, key)!r}; check that it is the URL "
                    "of an OpenAI-compatible server, which usually ends in /v1"
                ) from None
        said = f"{status}: {_message(content, key)}"
        if 300 <= status < 400:
            there = _quoted(response.headers.get("Location", "").partition("?")[0].encode(), key)
            raise BadModel(
                f"{url} sends on to {there!r}, and redirects are not followed; name that URL if you trust it"
            )
        if status in (401, 403):
            raise BadModel(f"{url} lets nobody in without its key ({said}); {self.endpoint.about_the_key}")
        if status in _AGAIN or (status >= 500 and status not in _NEVER):
            raise _Temporary(f"answers {said}", after=_seconds(response.headers.get("Retry-After", "")))
        if status in (404, 405):
            raise BadModel(
                f"{url} has nothing there ({said}); the URL of an OpenAI-compatible server usually ends in /v1, before "
                "the #"
            )
        raise BadModel(f"{url} refuses what it is asked ({said}); {advice}")


class _Temporary(Exception):
    """A fault that may be gone when the server is asked again, ``after`` seconds."""

    def __init__(self, why: str, *, after: float = 0.0) -> None:
        super().__init__(why)
        self.why = why
        self.after = after


def _reason(fault: HTTPError) -> str:
    """Why there is no answer, in words; the library's own have object addresses."""
    match fault:
        case NameResolutionError():
            return "is a host that no name server knows"
        case NewConnectionError():
            return f"does not answer ({_said(fault)})"
        case TimeoutError():
            return "does not answer in time"
    return "broke the connection off in the middle of an answer"


def _said(fault: HTTPError) -> str:
    """What the system said of a connection."""
    return _CODES.sub("", str(fault)).rpartition(": ")[2]


def _asks(after: float) -> str:
    return f", and asks for {after:.0f} s more" if after else ""


def _seconds(retry_after: str) -> float:
    """How long a server asks to wait: a number of seconds, or a date; 0 if neither."""
    if retry_after.strip().isdecimal():
        return min(float(retry_after), _YEAR)
    try:
        date = parsedate_to_datetime(retry_after)
    except (ValueError, OverflowError):
        return 0.0
    date = date if date.tzinfo else date.replace(tzinfo=UTC)
    return min(max(0.0, (date - datetime.now(UTC)).total_seconds()), _YEAR)


def _message(content: bytes, key: str) -> str:
    """What a server says is wrong: in OpenAI's form, or as it is."""
    try:
        said = json.loads(content)  # a key may be escaped in JSON, by rules of which there are several
        whole = json.dumps(said, ensure_ascii=False)
    except (ValueError, RecursionError):
        return _quoted(content, key)
    match said:
        case {"error": {"message": str(message)}} | {"error": str(message)} | {"message": str(message)}:
            return _quoted(message.encode(errors="replace"), key)
        case {"detail": str(message)} | {"title": str(message)}:
            return _quoted(message.encode(errors="replace"), key)
    return _quoted(whole.encode(errors="replace"), key)


def _quoted(content: bytes, key: str) -> str:
    """The beginning of a text in one line, without the key, which may be repeated."""
    text = _without(key, content.decode(errors="replace")[: 16 * _QUOTED])
    text = " ".join(text.split())
    return text if len(text) <= _QUOTED else text[:_QUOTED] + "…"


def _without(key: str, text: str) -> str:
    """The text without the key, also as URLs or JSON spell it; and without a part of
    it, of which servers show the beginning and the end.
    """
    hidden = set[int]()
    for form in {key, quote(key, safe=""), json.dumps(key)[1:-1]} - {""}:
        for begin in range(max(1, len(form) - _SECRET + 1)):
            part = form[begin : begin + _SECRET]
            for found in re.finditer(f"(?={re.escape(part)})", text):
                hidden.update(range(found.start(), found.start() + len(part)))
    shown = ["\0" if place in hidden else sign for place, sign in enumerate(text)]
    return re.sub("\0+", "…", "".join(shown))

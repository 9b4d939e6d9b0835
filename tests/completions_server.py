"""A completions server on this machine that gives what bundled:tiny says of a prompt,
and breaks the contract as a test wants it.
"""

import json
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import nonplus
from nonplus.measure.batches import Row, batch
from nonplus.models import open_model

TINY = Path(nonplus.__file__).parent / "models" / "bundled" / "tiny"
MODEL = "tiny"
BOS = "<s>"


@dataclass(frozen=True)
class Asked:
    """A request for a completion; ``number`` counts them from 1."""

    number: int
    body: Mapping[str, Any]
    headers: Mapping[str, str]

    @property
    def prompt(self) -> Any:
        return self.body["prompt"]


# What is wrong with one answer: an answer and the request become another answer.
Twist = Callable[[dict[str, Any], Asked], dict[str, Any]]
# What happens in place of an answer.
Fault = Callable[["Handler"], None]


def as_it_is(answer: dict[str, Any], asked: Asked) -> dict[str, Any]:
    return answer


@dataclass
class Loopback:
    """The server: what it does, and what it was asked."""

    url: str = ""
    wire: str = "echo"
    adds_bos: bool = False
    limit: int = 0  # of the tokens of a prompt and one that is generated, if there is one
    twist: Twist = as_it_is
    models: Any = field(default_factory=lambda: {"data": [{"id": MODEL, "owned_by": "tests", "max_model_len": 514}]})
    faults: deque[Fault] = field(default_factory=deque)  # of the next requests
    key: str = ""
    asked: list[Asked] = field(default_factory=list)
    answered: list[Asked] = field(default_factory=list)
    gate: threading.Event | None = None  # nothing is answered beyond ``free`` requests until it is set
    free: int = 0
    at_gate: threading.Event = field(default_factory=threading.Event)

    @property
    def name(self) -> str:
        """What opens it as a model that is sent texts."""
        return f"openai:{self.url}#{MODEL}"

    @property
    def windows(self) -> str:
        """What opens it as a model that is sent token ids."""
        return f"{self.name},tokenizer={TINY}"

    def completion(self, asked: Asked) -> dict[str, Any]:
        """The answer to a request, before it is twisted."""
        ids, texts, offsets = self.tokens(asked.prompt)
        values = [None, *_logprobs(tuple(ids))]
        if self.wire == "prompt_logprobs":
            places = [
                value if value is None else {str(i): {"logprob": value, "rank": 1, "decoded_token": text}}
                for value, i, text in zip(values, ids, texts, strict=True)
            ]
            return {"choices": [{"index": 0, "text": "", "logprobs": None, "prompt_logprobs": places}]}
        columns = {"token_logprobs": values, "tokens": texts, "text_offset": offsets, "top_logprobs": None}
        return {"choices": [{"index": 0, "text": "".join(texts), "logprobs": columns}]}

    def tokens(self, prompt: str | list[int]) -> tuple[list[int], list[str], list[int]]:
        if isinstance(prompt, str):
            ids, texts = _cut(prompt)
            if self.adds_bos:
                ids, texts = [_tiny().special.bos, *ids], [BOS, *texts]
        else:
            ids, texts = prompt, [_tiny().tokenizer.decode([i]) for i in prompt]
        begins = [sum(map(len, texts[:place])) for place in range(len(texts))]
        return ids, texts, begins


def _cut(text: str) -> tuple[list[int], list[str]]:
    """The ids of a text, and the characters that end in each, as vLLM tells them."""
    (encoding,) = _tiny().tokenizer.encode([text], specials=False)
    whole = [len(text.encode()[:end].decode(errors="ignore")) for end in encoding.byte_ends.tolist()]
    return encoding.ids.tolist(), [text[begin:end] for begin, end in zip([0, *whole], whole, strict=False)]


_KNOWN: dict[tuple[int, ...], list[float]] = {}
_OPEN: list[Any] = []
_TURN = threading.Lock()


def _tiny() -> Any:
    if not _OPEN:
        _OPEN.append(open_model("bundled:tiny"))
    return _OPEN[0]


def _logprobs(ids: tuple[int, ...]) -> list[float]:
    with _TURN:
        if ids not in _KNOWN:
            import numpy as np

            one = len(ids) > 1
            _KNOWN[ids] = _tiny().logprobs(batch([[Row.of(np.array(ids))]])).tolist() if one else []
        return _KNOWN[ids]


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    server: "_Server"

    def do_GET(self) -> None:
        loopback = self.server.loopback
        if self.path != "/v1/models":
            self.send(404, {"detail": "Not Found"})
        elif self._let_in():
            self.send(200, loopback.models)

    def do_POST(self) -> None:
        loopback = self.server.loopback
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.turn:
            asked = Asked(len(loopback.asked) + 1, body, dict(self.headers))
            loopback.asked.append(asked)
            fault = loopback.faults.popleft() if loopback.faults else None
        if fault is not None:
            fault(self)
        elif self._let_in():
            if loopback.gate is not None and asked.number > loopback.free:
                loopback.at_gate.set()
                loopback.gate.wait()
            if loopback.limit and len(loopback.tokens(asked.prompt)[0]) >= loopback.limit:
                self.send(400, {"error": {"message": f"maximum context length is {loopback.limit} tokens"}})
                return
            self.send(200, loopback.twist(loopback.completion(asked), asked))
            loopback.answered.append(asked)

    def _let_in(self) -> bool:
        loopback = self.server.loopback
        if not loopback.key or self.headers.get("Authorization") == f"Bearer {loopback.key}":
            return True
        given = self.headers.get("Authorization", "none")
        self.send(401, {"error": {"message": f"Incorrect API key provided: {given}"}})
        return False

    def send(self, status: int, answer: Any, headers: Mapping[str, str] = {}) -> None:
        self.raw(status, json.dumps(answer).encode(), headers)

    def raw(self, status: int, content: bytes, headers: Mapping[str, str] = {}, *, length: int | None = None) -> None:
        with suppress(OSError):  # whoever asked is gone
            self.send_response(status)
            self.send_header("Content-Length", str(len(content) if length is None else length))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Tests read what the server was asked, not its log."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, loopback: Loopback) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.loopback = loopback
        self.turn = threading.Lock()


@contextmanager
def serving(**does: Any) -> Iterator[Loopback]:
    """A server that is there inside the block."""
    loopback = Loopback(**does)
    server = _Server(loopback)
    loopback.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield loopback
    finally:
        if loopback.gate is not None:
            loopback.gate.set()
        server.shutdown()
        server.server_close()
        thread.join()


def columns(answer: dict[str, Any]) -> dict[str, Any]:
    """The columns of an answer to echo."""
    found: dict[str, Any] = answer["choices"][0]["logprobs"]
    return found


def with_values(answer: dict[str, Any], change: Callable[[Sequence[float]], Sequence[float]]) -> dict[str, Any]:
    """The answer with other log-probabilities after the first."""
    own = columns(answer)
    own["token_logprobs"] = [None, *change(own["token_logprobs"][1:])]
    return answer

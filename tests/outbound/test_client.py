"""What a server does wrong on the way: asked again where that helps, refused where not,
and never waited for without end. Keys go to the server that the user named, and nowhere
else.
"""

import json
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import quote

import pytest

pytest.importorskip("urllib3", reason="servers are asked by it")

from completions_server import Handler, Loopback, serving

from nonplus.errors import BadModel
from nonplus.models import open_model
from nonplus.outbound.client import Client, Patience
from nonplus.outbound.concurrency import at_once
from nonplus.outbound.endpoint import Endpoint, shown

QUICK = Patience(connect=5, answer=5, total=5, first=0.01)
KEY = "sk-not-to-be-seen"


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


@pytest.fixture
def server() -> Iterator[Loopback]:
    with serving() as loopback:
        yield loopback


def posted(server: Loopback, *, patience: Patience = QUICK, key_name: str = "") -> Any:
    client = Client(Endpoint(server.url, key_name), patience=patience)
    body = {"model": "tiny", "prompt": [1, 2, 3], "temperature": 1}
    return client.post("/completions", body, unwanted=threading.Event(), advice="send less")


def answering(status: int, said: Any, headers: dict[str, str] | None = None) -> Callable[[Handler], None]:
    return lambda handler: handler.send(status, said, headers or {})


def closing(handler: Handler) -> None:
    """No answer at all."""
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


def cut_off(handler: Handler) -> None:
    """Half an answer."""
    handler.close_connection = True
    handler.raw(200, b'{"choices": [', length=1000)


def cut_off_in_chunks(handler: Handler) -> None:
    """Half an answer whose length was not told."""
    handler.close_connection = True
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    handler.wfile.write(b'c\r\n{"choices": [\r\n')


TEMPORARY = {
    "too many requests": answering(429, {"error": {"message": "Rate limit reached"}}),
    "too many requests, and when": answering(429, {}, {"Retry-After": "0"}),
    "a date that is over": answering(429, {}, {"Retry-After": "Thu, 26 Nov 2020 10:00:00 GMT"}),
    "a date that is none": answering(429, {}, {"Retry-After": "soon"}),
    "a date beyond all calendars": answering(429, {}, {"Retry-After": "1 Jan 99999999999999 00:00:00 GMT"}),
    "a fault": answering(500, "Internal Server Error"),
    "a gateway": answering(502, {}),
    "overloaded": answering(503, {"detail": "Model is overloaded"}),
    "a timeout of its own": answering(504, {}),
    "no answer": closing,
    "an answer that is cut off": cut_off,
    "an answer in chunks that is cut off": cut_off_in_chunks,
}


@pytest.mark.parametrize("fault", TEMPORARY.values(), ids=TEMPORARY)
def test_a_fault_that_passes_costs_a_repetition_and_nothing_else(server, fault):
    server.faults.extend([fault, fault])
    assert len(posted(server)["choices"]) == 1
    assert len(server.asked) == 3


@pytest.mark.parametrize("fault", TEMPORARY.values(), ids=TEMPORARY)
def test_a_fault_that_stays_ends_with_the_reason_and_the_number_of_tries(server, fault):
    server.faults.extend([fault] * 1000)
    with pytest.raises(
        BadModel, match=r"also at try \d+ after \d+ s; run again later: with resume=FOLDER, what is fin"
    ):
        posted(server, patience=Patience(connect=5, answer=5, total=0.2, first=0.01))


@pytest.mark.parametrize("as_date", [False, True])
def test_a_server_that_asks_for_more_time_than_there_is_is_not_asked_again(server, as_date):
    after = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True) if as_date else "3600"
    server.faults.append(answering(429, {"error": {"message": "Rate limit reached"}}, {"Retry-After": after}))
    with pytest.raises(
        BadModel, match=r"answers 429: Rate limit reached, also at try 1 .*, and asks for 3\d\d\d s more"
    ):
        posted(server)
    assert len(server.asked) == 1


FINAL = {
    "a prompt that is too long": (answering(400, {"error": {"message": "maximum context length is 512"}}),
                                  r"refuses what it is asked \(400: maximum context length is 512\); send less"),
    "an invalid field": (answering(422, {"detail": "no echo"}), r"\(422: no echo\); send less"),
    "a large prompt": (answering(413, {"title": "Payload Too Large"}), r"\(413: Payload Too Large\); send less"),
    "what it has not": (answering(501, {}), r"\(501: {}\); send less"),
    "no such path": (answering(404, {"detail": "Not Found"}), r"has nothing there .*usually ends in /v1, before the #"),
    "no entry": (answering(403, {"error": "forbidden"}), r"without its key \(403: forbidden\); set the environment"),
    "no JSON": (lambda handler: handler.raw(200, b"<html>Hello"), "no JSON, which begins '<html>Hello'; check that it"),
    "half of a JSON": (lambda handler: handler.raw(200, b'{"choices"'), "answers what is no JSON"),
    "JSON too deep": (lambda handler: handler.raw(200, b"[" * 100_000), "answers what is no JSON"),
    "a redirect": (answering(307, {}, {"Location": "http://example.com/v1?sig=1"}),
                   "sends on to 'http://example.com/v1', and redirects are not followed"),
}  # fmt: skip


@pytest.mark.parametrize(("fault", "says"), FINAL.values(), ids=FINAL)
def test_a_fault_that_cannot_pass_is_said_at_once(server, fault, says):
    server.faults.append(fault)
    with pytest.raises(BadModel, match=says):
        posted(server)
    assert len(server.asked) == 1


def test_an_answer_of_any_size_is_not_read_to_its_end(server):
    def endless(handler: Handler) -> None:
        handler.close_connection = True
        handler.send_response(200)
        handler.end_headers()
        with suppress(OSError):  # whoever asked has gone
            while True:
                handler.wfile.write(b" " * (1 << 20))

    server.faults.append(endless)
    with pytest.raises(BadModel, match="answers with more than 64 MiB, more than any prompt takes"):
        posted(server)


def dripping(handler: Handler) -> None:
    """A byte now and then, for ever."""
    handler.close_connection = True
    handler.send_response(200)
    handler.end_headers()
    try:
        while True:
            handler.wfile.write(b" ")
            time.sleep(0.02)
    except OSError:
        return


def silent(handler: Handler) -> None:
    """Nothing, until whoever asked has gone."""
    handler.close_connection = True
    handler.connection.recv(1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "says"), [(silent, "does not answer in time"), (dripping, "was still answering after 2 s")]
)
def test_a_server_that_never_ends_is_given_up(server, fault, says):
    server.faults.append(fault)
    with pytest.raises(BadModel, match=says):
        posted(server, patience=Patience(connect=1, answer=2, total=0.1))


def test_even_headers_that_never_end_are_given_up():
    waits = threading.Event()
    with pytest.raises(BadModel, match="has not answered to the end after 0 s"):
        at_once(lambda unwanted, part: waits.wait(), [1], most=1, within=0.1)
    waits.set()


def test_answers_come_in_the_order_of_the_questions_and_as_many_at_a_time_as_are_allowed():
    together, turn, now, most = threading.Barrier(4), threading.Lock(), [0], [0]

    def ask(unwanted: threading.Event, part: int) -> int:
        with turn:
            now[0] += 1
            most[0] = max(most[0], now[0])
        together.wait(60)  # for three others
        with turn:
            now[0] -= 1
        return part

    assert at_once(ask, range(40), most=4, within=60) == list(range(40))
    assert most[0] == 4


def test_after_an_error_nobody_is_asked_again():
    seen: list[threading.Event] = []

    def ask(unwanted: threading.Event, part: int) -> None:
        seen.append(unwanted)
        raise BadModel("no")

    with pytest.raises(BadModel, match="no"):
        at_once(ask, [1, 2], most=1, within=60)
    assert seen[0].is_set()


def test_ctrl_c_does_not_wait_for_a_server():
    waits = threading.Event()

    def ask(unwanted: threading.Event, part: int) -> None:
        if part:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        waits.wait()

    with pytest.raises(KeyboardInterrupt):
        at_once(ask, [0, 1], most=2, within=60)
    waits.set()


def test_a_host_that_there_is_not_is_said_at_once(server):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
        with pytest.raises(
            BadModel, match=r"/v1 does not answer \(Connection refused\); check the URL, and that the s"
        ):
            open_model(f"openai:{url}#tiny")
    with pytest.raises(BadModel, match="is a host that no name server knows; check the URL"):
        open_model("openai:http://nowhere.invalid/v1#tiny")


def test_a_server_without_tls_is_told_from_one_that_does_not_answer(server):
    with pytest.raises(
        BadModel, match=r"takes no encrypted connection: [\w ]+; check its certificate, and whether its URL"
    ):
        open_model(f"openai:{server.url.replace('http', 'https')}#tiny")


@contextmanager
def elsewhere() -> Iterator[Loopback]:
    """Another host, as far as a key is concerned."""
    with serving() as other:
        yield other


def test_a_key_goes_to_the_server_and_to_no_other(server, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    server.key = KEY
    with elsewhere() as other:
        assert len(posted(server)["choices"]) == 1
        server.faults.append(answering(302, {}, {"Location": f"{other.url}/completions"}))
        with pytest.raises(BadModel, match="redirects are not followed"):
            posted(server)
        assert not other.asked


def test_no_proxy_of_the_environment_gets_to_see_a_prompt(server, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")
    monkeypatch.delenv("no_proxy", raising=False)
    assert len(posted(server)["choices"]) == 1


def test_a_key_that_a_server_repeats_is_not_in_the_message(server, monkeypatch):
    monkeypatch.setenv("OTHER_KEY", KEY)
    server.key = "another"
    with pytest.raises(BadModel) as refused:
        posted(server, key_name="OTHER_KEY")
    assert "Incorrect API key provided: Bearer …" in str(refused.value)
    assert "check the key in the environment variable OTHER_KEY" in str(refused.value)
    assert KEY not in str(refused.value) + repr(refused.value) + repr(refused.value.__cause__)


ODD_KEY = 'sk-a+b/"not\\to-be seen='.replace(" ", "_")


@pytest.mark.parametrize(
    "content",
    [
        json.dumps({"error": {"message": f"no entry with {ODD_KEY}"}}),
        json.dumps({"error": {"message": f"no entry with {ODD_KEY}"}}).replace("/", r"\/"),
        json.dumps({"other": [{"got": ODD_KEY}]}).replace("/", r"\u002F"),
        json.dumps({"other": f"no entry with key={quote(ODD_KEY)}"}),
        f"no entry with key={quote(ODD_KEY, safe='')}",
        f"<p>no entry with {ODD_KEY}",
        json.dumps({"detail": f"no entry with {ODD_KEY[:8]}…"}),
        json.dumps({"detail": f"no entry with ****{ODD_KEY[-8:]}"}),
        json.dumps({"detail": "no entry with " + " " * 4700 + ODD_KEY * 20}),
    ],
)
def test_a_key_is_in_no_message_however_the_server_spells_it(server, monkeypatch, content):
    monkeypatch.setenv("LAB_KEY", ODD_KEY)
    server.faults.append(lambda handler: handler.raw(403, content.encode()))
    with pytest.raises(BadModel) as refused:
        posted(server, key_name="LAB_KEY")
    said = str(refused.value)
    assert "no entry with" in said or "got" in said
    assert "…" in said
    spelled = [ODD_KEY, quote(ODD_KEY), quote(ODD_KEY, safe=""), json.dumps(ODD_KEY)[1:-1]]
    assert not [part for each in spelled for n in range(len(each) - 7) if (part := each[n : n + 8]) in said]


def test_a_key_of_a_few_characters_is_not_shown_either(server, monkeypatch):
    monkeypatch.setenv("LAB_KEY", "q7x")
    server.faults.append(answering(403, {"detail": "no entry with q7x"}))
    with pytest.raises(BadModel, match="no entry with …"):
        posted(server, key_name="LAB_KEY")


def test_without_a_key_the_message_names_the_variable(server):
    server.key = KEY
    with pytest.raises(
        BadModel, match=r"\(401: Incorrect API key provided: none\); set the environment variable OPENAI_A"
    ):
        open_model(server.name)


def test_the_usual_key_is_sent_over_https_and_to_this_machine_only(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    private = ["https://api.example.com/v1", "http://localhost:8000/v1", "http://127.0.0.1:8000", "http://[::1]:8000"]
    assert [Endpoint(url).key for url in private] == [KEY] * 4
    assert Endpoint("http://10.0.0.7:8000/v1").key == ""
    assert "is not sent over http to another machine" in Endpoint("http://10.0.0.7:8000/v1").about_the_key
    monkeypatch.setenv("LAB_KEY", "lab")
    assert Endpoint("http://10.0.0.7:8000/v1", "LAB_KEY").key == "lab"
    assert KEY not in repr(Endpoint("https://api.example.com/v1"))


@pytest.mark.parametrize(
    ("url", "key_name", "says"),
    [
        ("127.0.0.1:8000/v1", "", "begins with http:// or https:// and a host"),
        ("ftp://127.0.0.1/v1", "", "begins with http:// or https:// and a host"),
        ("http://", "", "begins with http:// or https:// and a host"),
        ("http://a:b/v1", "", "begins with http:// or https:// and a host"),
        ("http://a\n/v1", "", "begins with http:// or https:// and a host"),
        (f"http://me:{KEY}@127.0.0.1/v1", "", "the URL of 127.0.0.1 has a password or a query"),
        (f"http://127.0.0.1/v1?key={KEY}", "", "the URL of 127.0.0.1 has a password or a query"),
        ("http://127.0.0.1/v1", KEY, "no such name .it is not shown, because it may be the key"),
    ],
)
def test_what_is_no_server_is_refused_and_what_may_be_a_key_is_not_shown(url, key_name, says):
    with pytest.raises(BadModel, match=says) as refused:
        Endpoint(url, key_name)
    assert KEY not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (f"openai:https://me:{KEY}@h/v1#tiny", "openai:https://…h/v1#tiny"),
        (f"openai:https://h/v1?key={KEY}#tiny", "openai:https://h/v1?…#tiny"),
        (f"openai:https://h/v1#tiny,tokenizer=a,key={KEY}", "openai:https://h/v1#tiny,…"),
        (f"openai:https://h/v1#tiny,{KEY}\n{KEY}", "openai:https://h/v1#tiny,…"),
        ("openai:https://h/v1#a/b@c", "openai:https://h/v1#a/b@c"),
        ("hf:a,b?c", "hf:a,b?c"),
    ],
)
def test_the_doctor_shows_the_name_of_a_model_without_what_may_be_a_key(name, expected):
    assert shown(name) == expected


@pytest.mark.parametrize("value", ["", " ", "a b", "a\nHost: other", "schlüssel"])
def test_what_is_no_key_is_refused_before_it_is_sent(server, monkeypatch, value):
    monkeypatch.setenv("LAB_KEY", value)
    with pytest.raises(BadModel, match=r"that key= names is not set|LAB_KEY holds is no key"):
        posted(server, key_name="LAB_KEY")
    assert not server.asked


def test_what_is_sent_is_what_the_server_is_asked_for_and_no_more(server):
    posted(server)
    assert json.loads(json.dumps(server.asked[0].body)) == {"model": "tiny", "prompt": [1, 2, 3], "temperature": 1}
    assert {"Authorization", "Cookie"}.isdisjoint(server.asked[0].headers)

"""A warning names the line of whoever called, by whatever way it came."""

import linecache
import warnings
from collections.abc import Callable

import pytest

import nonplus
from nonplus.errors import ProtocolWarning, SuspectInput
from nonplus.measure import scoring, session
from nonplus.measure.protocol.choices import Protocol
from nonplus.measure.records import Document
from nonplus.models import open_model

MISLEADING = Protocol.named("hf-doc:32")
TEXT = Document(text="a text\r\nof two lines")
CALLS: dict[str, tuple[type[Warning], Callable[[], object]]] = {
    "evaluate": (ProtocolWarning, lambda: nonplus.evaluate("a text", model="tiny", protocol="hf-doc:32")),
    "score": (ProtocolWarning, lambda: nonplus.score("a text", model="tiny", protocol="hf-doc:32")),
    "session": (ProtocolWarning, lambda: session.evaluate(["a text"], model=open_model("tiny"), protocol=MISLEADING)),
    "scoring": (ProtocolWarning, lambda: scoring.score(["a"], model=open_model("tiny"), protocol=MISLEADING)),
    "Measurement": (ProtocolWarning, lambda: session.Measurement(open_model("tiny"), MISLEADING)),
    "newlines": (SuspectInput, lambda: nonplus.evaluate([TEXT], model="tiny")),
}


@pytest.mark.parametrize("way", CALLS)
def test_a_warning_names_the_line_of_the_caller(way: str) -> None:
    kind, call = CALLS[way]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    places = [
        (each.filename, linecache.getline(each.filename, each.lineno)) for each in caught if each.category is kind
    ]
    assert places
    for file, line in places:
        assert file == __file__
        assert line.lstrip().startswith(f'"{way}"')

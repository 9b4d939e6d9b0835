"""A name is looked for in folders, then in what was downloaded, then on the hub.

What is nowhere is said at once, in one line.
"""

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from nonplus.errors import BadModel
from nonplus.models.hf.location import is_here

CLOSED = "http://127.0.0.1:9"  # the port "discard", which nothing listens to


class _Hub(BaseHTTPRequestHandler):
    asked: list[str] = []  # noqa: RUF012

    def do_HEAD(self) -> None:
        self.asked.append(self.path)
        self.send_response(404 if "nothing" in self.path else 200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hub(monkeypatch) -> Iterator[list[str]]:
    """Where the paths that were asked for appear."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}/")
    _Hub.asked.clear()
    yield _Hub.asked
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "kept"))
    monkeypatch.setenv("HF_ENDPOINT", CLOSED)
    for switch in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(switch, raising=False)


def folder(tmp_path, name, holds="config.json"):
    (tmp_path / name).mkdir(parents=True)
    (tmp_path / name / holds).write_text("{}")


def test_a_folder_needs_no_network(tmp_path):
    folder(tmp_path, "mine")
    assert is_here("mine")
    folder(tmp_path, "adapter", holds="adapter_config.json")
    assert is_here("adapter", holds="adapter_config.json")


@pytest.mark.parametrize(
    ("config", "base"),
    [('{"base_model_name_or_path": "gpt2"}', r" \(gpt2\)"), ("{}", ""), ("[]", ""), ("cut o", "")],
)
def test_a_folder_of_an_adapter_is_refused_with_the_model_that_it_is_for(tmp_path, config, base):
    folder(tmp_path, "adapter", holds="adapter_config.json")
    (tmp_path / "adapter/adapter_config.json").write_text(config)
    needed = rf"holds an adapter .*; open the model that it was trained for{base}, with adapter='adapter'$"
    with pytest.raises(BadModel, match=needed):
        is_here("adapter")


def test_a_name_is_asked_of_the_hub_once_if_there_is_no_such_folder(hub):
    assert not is_here("someone/model")
    assert not is_here("someone/nothing"), "transformers says why, and has the user's token"
    assert hub == ["/api/models/someone/model", "/api/models/someone/nothing"]


def test_without_network_a_name_that_is_nowhere_is_refused_in_one_line():
    with pytest.raises(BadModel) as refusal:
        is_here("gpt22")
    reason = (
        r"there is no folder 'gpt22', and names on the hub need the network: http://127.0.0.1:9 does not answer \(.*\)"
    )
    assert re.fullmatch(f"{reason}; give a folder, or a bundled model such as tiny", str(refusal.value))


@pytest.mark.parametrize("switch", ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"])
def test_a_hub_that_is_switched_off_is_not_asked(hub, monkeypatch, switch):
    monkeypatch.setenv(switch, "1")
    with pytest.raises(BadModel, match=f"need the network: {switch} switches it off"):
        is_here("someone/model")
    assert not hub


def test_what_was_downloaded_before_needs_no_network(tmp_path):
    (tmp_path / "kept" / "models--someone--model" / "snapshots").mkdir(parents=True)
    assert is_here("someone/model")


@pytest.mark.parametrize(("name", "meant"), [("tinny", "tiny"), ("my-modle", "my-model"), ("runs/lats", "runs/last")])
def test_a_mistyped_name_is_met_with_the_model_that_was_meant(tmp_path, name, meant):
    folder(tmp_path, "my-model")
    folder(tmp_path, "runs/last")
    with pytest.raises(BadModel, match=re.escape(f"; did you mean {meant}?")):
        is_here(name)


@pytest.mark.parametrize("name", ["/nowhere/at all", "./nothing", "a b", "too/many/parts", "-x"])
def test_what_cannot_be_a_name_on_the_hub_is_not_asked_for(hub, name):
    with pytest.raises(BadModel, match="and no name on the hub is written so"):
        is_here(name)
    assert not hub


def test_a_folder_without_a_model_is_refused_with_what_it_holds(tmp_path):
    folder(tmp_path, "runs/last")
    with pytest.raises(BadModel, match=r"the folder 'runs' holds no config\.json, but last in it do"):
        is_here("runs")
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(BadModel, match=r"'notes\.txt' is a file"):
        is_here("notes.txt")


@pytest.mark.parametrize(
    ("locked", "named"), [("config.json", r"config\.json"), ("model.safetensors", "safetensors"), (".", "")]
)
def test_a_folder_or_file_that_may_not_be_read_is_named(open_folder, as_ordinary_user, locked, named):
    folder = open_folder / "model"
    folder.mkdir()
    for name in ("config.json", "model.safetensors"):
        (folder / name).write_text("{}")
    (folder / locked).chmod(0)
    with as_ordinary_user(), pytest.raises(BadModel, match=rf"this user may not read '.*{named}'; ask for permission"):
        is_here(str(folder))

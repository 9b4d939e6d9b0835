"""Wrong inputs in their kinds, the kinds of the system: full disks, closed pipes,
folders that are not what they were, signals. Each ends in a sentence, or in silence
where nobody reads, with the right exit code.
"""

import ctypes
import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="limits, pipes and signals of Unix"),
]

UNIFORM = ("--model", "uniform:256")
PRINTING = {
    "help": ("--help",),
    "version": ("-V",),
    "protocols": ("protocols",),
    "models as JSON": ("models", "--json"),
    "doctor": ("doctor", *UNIFORM),
    "a report": ("score", "text:abc", *UNIFORM),
    "a report as JSON": ("score", "text:abc", *UNIFORM, "--json"),
    "a text": ("score", "text:abc", *UNIFORM, "--show"),
}
commands = pytest.mark.parametrize("arguments", PRINTING.values(), ids=PRINTING)
_TOO_LARGE = " cannot be written: File too large; make room for larger files (ulimit -f), or give another place"


def room_for(size: int) -> Callable[[], None]:
    """What makes a process find every file full at ``size`` bytes."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=60)
    assert "Traceback" not in (err or "")
    assert "Exception ignored" not in (err or "")
    return process.returncode, out, err


def sentence(err: str) -> str:
    """The one sentence on stderr."""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    return err.removeprefix("error: ").rstrip("\n")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="/dev/full is of Linux")
@commands
def test_a_full_disk_under_stdout_is_one_sentence(start, arguments):
    with open("/dev/full", "w") as full:
        code, _, err = ended(start(*arguments, stdout=full))
    assert code == 2
    assert sentence(err) == "stdout cannot be written: No space left on device; make room, or give another place"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="/dev/full is of Linux")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_so_it_is_whether_python_buffers_or_not(start, unbuffered):
    with open("/dev/full", "w") as full:
        process = start("-V", stdout=full, env=os.environ | {"PYTHONUNBUFFERED": unbuffered})
        assert ended(process)[0] == 2


@commands
def test_nothing_is_said_when_nobody_reads(start, arguments):
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w") as pipe:
        assert ended(start(*arguments, stdout=pipe)) == (141, None, "")


def test_a_reader_that_stops_early_ends_a_run_quietly_and_files_stay_as_they_were(start, tmp_path):
    text, rows = tmp_path / "text.txt", tmp_path / "rows.jsonl"
    text.write_text("abc\n" * 10_000)
    rows.write_text("old")
    process = start("score", f"lines:{text}", *UNIFORM, "--show", "--per-token", rows)
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(60) == 141
    assert process.stderr.read() == ""
    assert rows.read_text() == "old"
    assert sorted(tmp_path.iterdir()) == [rows, text]


def test_a_closed_stdout_is_explained_before_anything_is_measured(start):
    code, _, err = ended(start("score", "text:abc", *UNIFORM, preexec_fn=lambda: os.close(1)))
    assert code == 2
    assert sentence(err) == "stdout is closed, and figures are printed there; send it to a file, or to /dev/null"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="/dev/full is of Linux")
def test_messages_that_nobody_can_be_told_do_not_hide_the_figure_or_the_exit_code(start):
    with open("/dev/full", "w") as full:
        code, out, _ = ended(start("score", "text:abc", *UNIFORM, "-p", "evaluate", stderr=full))
        assert code == 0
        assert "\nperplexity  " in out
        assert ended(start("score", "text:abc", "--model", "nope:x", stderr=full))[0] == 2
    assert ended(start("score", "text:abc", "--model", "nope:x", preexec_fn=lambda: os.close(2)))[0] == 2


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet", ".html"])
def test_a_full_disk_under_an_output_is_blamed_on_that_output(start, tmp_path, suffix):
    if suffix == ".parquet":
        pytest.importorskip("pyarrow")
    text, path, other = tmp_path / "text.txt", tmp_path / f"out{suffix}", tmp_path / "healthy.jsonl"
    text.write_text("".join(chr(97 + n * n % 26) for n in range(60_000)))
    path.write_text("old")
    flag = "--html" if suffix == ".html" else "--per-token"
    process = start("score", text, *UNIFORM, flag, path, "--per-document", other, preexec_fn=room_for(8_000))
    code, out, err = ended(process)
    assert code == 2
    assert "\nperplexity  " in out
    assert sentence(err) == f"{path}{_TOO_LARGE}"
    assert path.read_text() == "old"
    assert sorted(tmp_path.iterdir()) == sorted([path, text])


def numbered(folder: Path, count: int) -> Path:
    path = folder / "lines.txt"
    path.write_text("".join(f"{f'On day {day} the river rose by {day % 7} feet. ' * 8}\n" for day in range(count)))
    return path


def test_a_full_disk_under_resume_keeps_what_is_finished_and_the_cache_is_blamed(start, tmp_path):
    lines, kept, rows = numbered(tmp_path, 400), tmp_path / "kept", tmp_path / "rows.jsonl"
    options = ("--model", "tiny", "--budget", 128, "--resume", kept, "--per-document", rows, "--json")
    # The cache takes about a kilobyte for a document, and the table a quarter of that.
    code, out, err = ended(start("score", f"lines:{lines}", *options, preexec_fn=room_for(200_000)))
    assert code == 2
    last = sentence(err.splitlines(keepends=True)[-1])  # after what was written
    assert last.startswith(str(kept))
    assert last.endswith(f".answers{_TOO_LARGE}")
    printed = json.loads(out)
    assert printed["interrupted"] is True
    written = [json.loads(line) for line in rows.read_text().splitlines()]
    assert len(written) == printed["documents"] > 0
    assert sum(row["tokens"] for row in written) == printed["tokens"]
    assert not list(tmp_path.glob(".*.part"))
    code, out, _ = ended(start("score", f"lines:{lines}", *options))
    assert (code, json.loads(out)["documents"]) == (0, 400)


def without_privileges() -> None:
    """Make a process of root subject to the modes of files, as others are."""
    if os.getuid() == 0:
        for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
            ctypes.CDLL(None).prctl(24, capability)  # PR_CAPBSET_DROP


@pytest.mark.skipif(sys.platform != "linux", reason="capabilities of Linux")
@pytest.mark.parametrize(
    ("mode", "shard", "said"),
    [
        (0o555, 0o644, r"/\d+-\w+\.answers cannot be written: Permission denied; give another place"),
        (0o777, 0o000, r"/old\.answers cannot be read: Permission denied; permit it, or give another place"),
        (0o333, 0o644, " cannot be read: Permission denied; permit it, or give another place"),
        (0o000, 0o644, " cannot be read: Permission denied; permit it, or give another place"),
    ],
)
def test_a_cache_that_is_not_permitted_is_one_sentence(start, tmp_path, mode, shard, said):
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "old.answers").write_bytes(b"")
    (kept / "old.answers").chmod(shard)
    kept.chmod(mode)
    process = start("score", "text:ab", *UNIFORM, "--resume", kept, preexec_fn=without_privileges)
    code, out, err = ended(process)
    kept.chmod(0o755)
    assert (code, out) == (2, "")
    assert re.fullmatch(f"{kept}{said}", sentence(err))


@pytest.mark.skipif(sys.platform != "linux", reason="capabilities of Linux")
def test_an_output_in_a_folder_that_is_closed_is_one_sentence(start, tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o555)
    process = start("score", "text:ab", *UNIFORM, "--html", closed / "p.html", preexec_fn=without_privileges)
    code, out, err = ended(process)
    assert (code, out) == (2, "")
    assert sentence(err) == f"{closed}/p.html cannot be written: Permission denied; give another place"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--html", "p.html"), "p.html cannot be written: No such file or directory; give another place"),
        (("--per-token", "r.jsonl"), "r.jsonl cannot be written: No such file or directory; give another place"),
        (("--resume", "kept"), "kept cannot be written: No such file or directory; give another place"),
    ],
)
def test_a_current_folder_that_is_gone_is_one_sentence(start, tmp_path, arguments, said):
    gone = tmp_path / "gone"
    gone.mkdir()

    def leave() -> None:
        os.chdir(gone)
        gone.rmdir()

    paths = [str(Path(path).absolute()) for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "PYTHONSAFEPATH": "1"}
    code, out, err = ended(start("score", "text:ab", *UNIFORM, *arguments, preexec_fn=leave, env=environment))
    assert (code, out, sentence(err)) == (2, "", said)


@pytest.mark.parametrize("flag", ["--resume", "--html", "--per-token"])
def test_a_path_that_is_empty_is_one_sentence(start, flag):
    code, out, err = ended(start("score", "text:ab", *UNIFORM, flag, ""))
    assert (code, out) == (2, "")
    assert f"'{flag}': it is empty; give a path, or . for the current folder" in sentence(err)


@pytest.mark.parametrize("closed", [True, False])
def test_a_stdin_that_cannot_be_read_is_one_sentence(start, tmp_path, closed):
    place = "closed, so there is no text to read; pipe one into it, or name a file" if closed else "cannot be read"
    with (tmp_path / "write-only").open("w") as file:
        preparing = {"preexec_fn": lambda: os.close(0)} if closed else {"stdin": file}
        code, out, err = ended(start("score", "-", *UNIFORM, **preparing))
    assert (code, out) == (2, "")
    assert place in sentence(err)


def test_a_cache_whose_folder_is_removed_while_it_runs_keeps_what_is_finished(start, tmp_path):
    lines, kept = numbered(tmp_path, 2_000), tmp_path / "kept"
    process = start("score", f"lines:{lines}", "--model", "tiny", "--budget", 128, "--resume", kept, "--json")
    deadline = time.monotonic() + 60
    while sum(path.stat().st_size for path in kept.glob("*.answers")) < 100_000 and time.monotonic() < deadline:
        time.sleep(0.01)
    kept.rename(tmp_path / "moved")
    code, out, err = ended(process)
    assert code == 2
    assert json.loads(out)["interrupted"] is True
    assert ".answers cannot be written: No such file or directory; give another place" in err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_a_model_opens_leaves_no_file(start, tmp_path, number):
    package = tmp_path / "slow_model.py"
    package.write_text("import time\ntime.sleep(60)\n")
    code = "from nonplus.optional import SCHEMES, MODELS; SCHEMES[MODELS]['slow'] = 'slow_model:nothing'; "
    code += "import sys; from nonplus.cli import main; main(sys.argv[1:])"
    arguments = ["score", "text:abc", "--model", "slow:x", "--html", str(tmp_path / "page.html")]
    path = {"PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])}
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | path,
    )  # fmt: skip
    try:
        while not list(tmp_path.glob(".*.part")) and process.poll() is None:
            pass
        process.send_signal(number)
        exit_code, out, err = ended(process)
    finally:
        process.kill()
    assert (exit_code, out) == (128 + number, "")
    assert "before there was a report" in sentence(err.lstrip())
    assert not list(tmp_path.glob(".*.part"))
    assert not (tmp_path / "page.html").exists()


@pytest.mark.parametrize("room", [15_000, 60_000, 200_000, 600_000], ids=["text", "counts", "table", "ARPA"])
def test_a_training_on_a_full_disk_is_one_sentence_and_goes_on_when_there_is_room(start, tmp_path, room):
    book = Path(__file__).parents[2] / "examples" / "lost_world.txt"
    arguments = ("ngram", "train", book, "-o", tmp_path / "model", "--arpa", tmp_path / "model.arpa", "--json")
    code, out, err = ended(start(*arguments, preexec_fn=room_for(room)))
    assert (code, out) == (2, "")
    last = sentence(err.splitlines(keepends=True)[-1])  # after a note on the text
    assert last.endswith(_TOO_LARGE)
    assert not list(tmp_path.glob("**/.*.part"))
    assert ended(start(*arguments))[0] == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "model.arpa"]


def test_what_a_training_finished_is_kept_when_the_disk_is_full(start, tmp_path):
    book = Path(__file__).parents[2] / "examples" / "lost_world.txt"
    arguments = ("ngram", "train", book, "-o", tmp_path / "model")
    assert ended(start(*arguments, preexec_fn=room_for(60_000)))[0] == 2
    work = tmp_path / "model.training"
    assert {"text", "words"} <= {path.name for path in work.iterdir()}


def test_each_kind_of_end_has_an_exit_code_of_its_own_and_the_help_tells_them(run):
    from nonplus.cli.terminal.help_texts import EXIT_CODES

    assert set(EXIT_CODES) == {0, 1, 2, *(128 + number for number in (1, 2, 13, 15))}
    told = " ".join(run("--help").out.split())
    for code, meaning in EXIT_CODES.items():
        assert f"{code} {meaning}" in told


def test_a_check_that_fails_has_the_exit_code_1(run, monkeypatch):
    from nonplus.measure.checks import Check

    failing = Check(name="order", claim="c", measured=1.0, bound=0.0)
    monkeypatch.setattr("nonplus.cli.doctor.examine", lambda model: iter([failing]))
    ran = run("doctor", *UNIFORM, "--json")
    assert (ran.code, json.loads(ran.out)["passed"]) == (1, False)

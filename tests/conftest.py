"""Settings of every test: one thread, the same examples each time, no hub, the shared
texts, and on request no torch.
"""

import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers

# Before NumPy and torch are loaded. On a busy machine, threads that wait for each other
# cost ten times what they bring.
for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(threads, "1")
# JAX would take three quarters of a GPU for each process of tests.
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
# Torch's float32 sums are the same on every processor with AVX2, also on one with more;
# else golden numbers to six digits hold on some machines only.
os.environ.setdefault("MKL_CBWR", "AVX2")

ROOT = Path(__file__).resolve().parent.parent
TORCH_AND_ITS_USERS = (
    *("torch", "transformers", "accelerate", "peft", "lm_eval", "minicons", "torchmetrics", "lightning", "ignite"),
    *("keras", "evaluate"),  # these bring scipy, which takes the missing torch for a broken one
)

# The same examples on every run and every machine; `--hypothesis-profile=explore`
# searches for new ones.
settings.register_profile("repeat", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("explore", max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("repeat")
# Hypothesis also draws constants from the source of the modules loaded so far, unless a
# folder above them is named "test" or "tests". So examples would depend on which tests
# ran before in the same process, and on the path of the checkout.
providers._get_local_constants = lambda: providers._local_constants


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--reference", action="store_true", help="also run what fetches models from a hub")
    parser.addoption("--without-torch", action="store_true", help="pretend that torch is not installed")


def pytest_configure(config: pytest.Config) -> None:
    if not config.getoption("--reference"):
        os.environ["HF_HUB_OFFLINE"] = "1"
    if config.getoption("--without-torch"):
        # None in sys.modules is Python's own way to say "not importable"; importorskip
        # then skips.
        sys.modules.update(dict.fromkeys(TORCH_AND_ITS_USERS))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--reference"):
        return
    for item in items:
        if item.get_closest_marker("reference"):
            item.add_marker(pytest.mark.skip(reason="fetches a model from a hub: pytest --reference"))


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of shared texts, models and tokenizers."""
    folder = Path(os.environ.get("NONPLUS_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no folder {folder}: set NONPLUS_DATA to the shared texts, models and tokenizers")
    return folder


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter, unlike tmp_path."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


@pytest.fixture
def as_ordinary_user() -> Callable[[], AbstractContextManager[None]]:
    """Makes a block act as an ordinary user: root may read every file."""

    @contextmanager
    def ordinary() -> Iterator[None]:
        user = os.geteuid()
        os.seteuid(user or 65534)
        try:
            yield
        finally:
            os.seteuid(user)

    return ordinary


@pytest.fixture(autouse=True, scope="session")
def signals_are_heard() -> Iterator[None]:
    """Under nohup or in the background the tests themselves ignore them, and what they
    start would inherit that.
    """
    heard = {signal.SIGINT: signal.default_int_handler}
    heard |= {} if sys.platform == "win32" else {signal.SIGHUP: signal.SIG_DFL}
    ignored = [number for number in heard if signal.getsignal(number) is signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, heard[number])
    yield
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)

"""``nonplus doctor``: what is installed, where models can run, checks of a model."""

import os
import platform
import warnings
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version

import click

from nonplus import __version__
from nonplus.cli.terminal.help_texts import LOADING
from nonplus.cli.terminal.notices import fail
from nonplus.cli.terminal.options import Option, Verb, fields_set, flags
from nonplus.cli.terminal.printing import Styled, say, say_json, styled
from nonplus.errors import FallbackNotice
from nonplus.kernels import native
from nonplus.measure.conformance import Check, examine
from nonplus.measure.formatting import jsonable
from nonplus.measure.interfaces import AnyModel, TextScorer, WindowModel
from nonplus.models import DEFAULT, open_model
from nonplus.models.devices import Device, devices
from nonplus.models.loading import Loading
from nonplus.optional import BASE, EXTRAS

_HEAD = "ok    head          the fast paths to its logits agree with the whole model"


@click.command("doctor", cls=Verb)
@click.option("-m", "--model", cls=Option, heading="Model", metavar="NAME", default=DEFAULT,
              help=f"the model to check  [{DEFAULT}]")  # fmt: skip
@flags(Loading, "Model", LOADING)
@click.option("--json", "as_json", cls=Option, heading="Output", is_flag=True,
              help="print one JSON object and nothing else")  # fmt: skip
def command(model: str, as_json: bool, **options: object) -> int:
    """Check the installation, the devices and a model. Exit code 1: a check failed."""
    found = devices()
    if not as_json:  # before the model, because opening it may fail
        for line in [*_versions(), "", *_extras(), "", *map(_device, found), ""]:
            say(line)
    opened, slow = _opened(model, Loading(**fields_set(Loading, options)))
    checks = list(examine(opened))
    if as_json:
        say_json(_as_dict(opened, found, checks) | {"head_path": slow or "fast"})
    else:
        say(f"checks of {opened.name} ({opened.dtype})")
        say(f"slow  head          {slow}" if slow else _HEAD)
        for check in checks:
            say(*_checked(check))
    failed = [check.name for check in checks if not check.passed]
    return fail(f"{opened.name} fails {', '.join(failed)}: its figures cannot be relied on", code=1) if failed else 0


def _opened(name: str, loading: Loading) -> tuple[WindowModel | TextScorer, str]:
    """The model, and why a fast path failed the check at load; empty if none failed."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", FallbackNotice)
        model = open_model(name, loading=loading)
    for other in caught:
        if not issubclass(other.category, FallbackNotice):
            warnings.showwarning(other.message, other.category, other.filename, other.lineno)
    return model, "; ".join(str(each.message) for each in caught if issubclass(each.category, FallbackNotice))


def _installed(package: str) -> str:
    """The version; empty if the package is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _versions() -> list[str]:
    found = {"nonplus": __version__, "python": platform.python_version(), **{name: _installed(name) for name in BASE}}
    return [f"{name:12}  {number}" for name, number in found.items()] + [f"{'C kernel':12}  {_kernel()}"]


def _kernel() -> str:
    if native.library() is not None:
        return "in use"
    if os.environ.get("NONPLUS_NATIVE") == "0":
        return "switched off by NONPLUS_NATIVE=0"
    fault = "built for another machine" if native.built() else "not built"
    return f"{fault}: reinstall nonplus where there is a C compiler"


def _extras() -> list[str]:
    return [f"{f'[{extra}]':12}  {_extra(extra, packages)}" for extra, packages in EXTRAS.items()]


def _extra(extra: str, packages: tuple[str, ...]) -> str:
    have = [f"{name} {_installed(name)}" for name in packages if _installed(name)]
    absent = [name for name in packages if not _installed(name)]
    return ", ".join(have) if not absent else f"missing {', '.join(absent)}; pip install 'nonplus[{extra}]'"


def _device(device: Device) -> str:
    memory = f", {device.memory / 1e9:.0f} GB" if device.memory else ""
    return f"{device.name:12}  {device.is_a}{memory}"


def _checked(check: Check) -> tuple[Styled, str]:
    verdict = styled("ok  ", fg="green") if check.passed else styled("FAIL", fg="red", bold=True)
    measured = f"{check.measured:.1g} {check.unit}".strip()
    return verdict, f"  {check.name:12}  {check.claim}  ({measured}; at most {check.bound:g})"


def _as_dict(model: AnyModel, found: list[Device], checks: list[Check]) -> dict[str, object]:
    packages = [*BASE, *(name for names in EXTRAS.values() for name in names)]
    return {
        "nonplus": __version__,
        "python": platform.python_version(),
        "packages": {name: _installed(name) for name in packages if _installed(name)},
        "c_kernel": native.library() is not None,
        "extras": {extra: all(map(_installed, names)) for extra, names in EXTRAS.items()},
        "devices": [asdict(device) for device in found],
        "model": model.name,
        "dtype": model.dtype,
        "checks": [{**asdict(c), "measured": jsonable(c.measured), "passed": c.passed} for c in checks],
        "passed": all(check.passed for check in checks),
    }

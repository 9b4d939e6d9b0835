"""``nonplus doctor``: what is installed, where models can run, checks of a model."""

import os
import platform
import shutil
import textwrap
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from typing import final

import click

from nonplus import __version__, native
from nonplus.cli.terminal.help_texts import LOADING
from nonplus.cli.terminal.options import Option, Verb, fields_set, flags, json_flag
from nonplus.cli.terminal.printing import say, say_json, styled
from nonplus.cli.terminal.spelling import with_flags
from nonplus.errors import FallbackNotice
from nonplus.measure.checks import Check, attempt
from nonplus.measure.conformance import examine, inapplicable
from nonplus.measure.formatting import jsonable
from nonplus.measure.interfaces import NO_LIMIT, HasLogprobs, ScoresTexts, TextScorer, WindowModel
from nonplus.models import DEFAULT, open_model
from nonplus.models.devices import Device, devices
from nonplus.models.loading import Loading
from nonplus.optional import BASE, EXTRAS
from nonplus.outbound.endpoint import shown

_RESULT, _NAMES = 6, 16  # columns
_WIDEST = 100


@click.command("doctor", cls=Verb)
@click.option("-m", "--model", cls=Option, heading="Model", metavar="NAME", default=DEFAULT,
              help=f"the model to check  [{DEFAULT}]")  # fmt: skip
@flags(Loading, "Model", LOADING)
@json_flag
def command(model: str, as_json: bool, **options: object) -> int:
    """Check the installation, the devices and a model. Exit code 1: a check failed."""
    found = devices()
    if not as_json:  # before the model, because opening it may fail
        for line in [*_versions(), "", *_extras(), "", *_devices(found), "", f"checks of {shown(model)}"]:
            say(line)
    opened = _Opened(model, Loading(**fields_set(Loading, options)))
    checks: list[Check] = []
    for check in opened.checks():
        checks.append(check)
        if not as_json:
            _print_check(check)
        if check.name == "opens" and opened.has_head and not as_json:
            _print_head(opened.slow)
    if not as_json:
        for reason in dict.fromkeys(opened.inapplicable.values()):
            names = [name for name, why in opened.inapplicable.items() if why == reason]
            _print_result("-", "not made", f"{', '.join(names)}: {reason}")
    if as_json:
        say_json(_as_dict(opened, found, checks))
    else:
        say("")
        say(_verdict(shown(model), checks))
    return 0 if all(check.passed for check in checks) else 1


@final
class _Opened:
    """A model to check, and what became of opening it."""

    def __init__(self, name: str, loading: Loading) -> None:
        """Nothing is opened yet."""
        self.name = name
        self.loading = loading
        self.dtype = ""
        self.inapplicable: Mapping[str, str] = {}  # checks of other models, and why not of this one
        self.has_head = False
        self.slow = ""  # why fast paths failed the check at load

    def checks(self) -> Iterator[Check]:
        """That it opens, then those of what it computes."""
        models: list[WindowModel | TextScorer] = []
        yield attempt("opens", lambda: self._opens(models))
        for model in models:
            yield from examine(model)
            self.inapplicable = inapplicable(model)

    def _opens(self, models: list[WindowModel | TextScorer]) -> Check:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", FallbackNotice)
            model = open_model(self.name, loading=self.loading)
        for other in caught:
            if not issubclass(other.category, FallbackNotice):
                warnings.showwarning(other.message, other.category, other.filename, other.lineno)
        self.slow = "; ".join(str(each.message) for each in caught if issubclass(each.category, FallbackNotice))
        self.dtype = model.dtype
        self.has_head = isinstance(model, HasLogprobs)
        models.append(model)
        runs = f"it opens, and runs in {model.dtype}{_reach(model)}"
        claim = runs if model.dtype else "it opens; in which dtype it ran is unknown"
        return Check(name="opens", claim=claim, measured=0.0)


def _reach(model: WindowModel | TextScorer) -> str:
    if isinstance(model, ScoresTexts):
        return ""
    tokens = "any number of" if model.max_context == NO_LIMIT else f"up to {model.max_context:,}"
    return f", on {tokens} tokens at once"


def _installed(package: str) -> str:
    """The version; empty if the package is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _versions() -> Iterator[str]:
    found = {"nonplus": __version__, "python": platform.python_version(), **{name: _installed(name) for name in BASE}}
    for name, text in {**found, "C kernel": _kernel()}.items():
        yield from _lines(name, text)


def _kernel() -> str:
    if native.library() is not None:
        return "in use"
    if os.environ.get("NONPLUS_NATIVE") == "0":
        return "switched off by NONPLUS_NATIVE=0"
    fault = "built for another machine" if native.built() else "not built"
    return f"{fault}: reinstall nonplus where there is a C compiler"


def _extras() -> Iterator[str]:
    for extra, packages in EXTRAS.items():
        yield from _lines(f"[{extra}]", _extra(extra, packages))


def _extra(extra: str, packages: tuple[str, ...]) -> str:
    have = [f"{name} {_installed(name)}" for name in packages if _installed(name)]
    absent = [name for name in packages if not _installed(name)]
    return ", ".join(have) if not absent else f"missing {', '.join(absent)}; pip install 'nonplus[{extra}]'"


def _devices(found: list[Device]) -> Iterator[str]:
    for device in found:
        memory = f", {device.memory / 1e9:.0f} GB" if device.memory else ""
        yield from _lines(device.name, f"{device.is_a}{memory}")


def _print_check(check: Check) -> None:
    if check.passed:
        _print_result("ok", check.name, check.claim)
        return
    measured = "" if check.measured is None else f"{check.measured:.1g} {check.unit}".strip()
    _print_result("FAIL", check.name, with_flags(check.fault) or f"{check.claim} ({measured}; at most {check.bound:g})")


def _print_head(slow: str) -> None:
    fast = "the fast paths to its logits agree with the whole model"
    _print_result("slow" if slow else "fast", "head", slow or fast)


def _print_result(result: str, name: str, sentence: str) -> None:
    colour = {"ok": "green", "FAIL": "red"}.get(result)
    first, *rest = _lines(name, sentence, before=_RESULT)
    say(styled(f"{result:{_RESULT}}", fg=colour, bold=result == "FAIL"), first)
    for line in rest:
        say(" " * _RESULT + line)


def _lines(name: str, text: str, *, before: int = 0) -> list[str]:
    """A column of names, and one of texts that keeps its edge where it is wrapped."""
    width = max(min(shutil.get_terminal_size().columns, _WIDEST) - before, 2 * _NAMES)
    return textwrap.wrap(
        text, width, initial_indent=f"{name:{_NAMES}}", subsequent_indent=" " * _NAMES, break_on_hyphens=False,
        break_long_words=False,
    )  # fmt: skip


def _verdict(model: str, checks: list[Check]) -> str:
    failed = [check.name for check in checks if not check.passed]
    if failed == ["opens"]:
        return f"{model} does not open, so nothing else was checked"
    if failed:
        return f"{model} fails {len(failed)} of {len(checks)} checks ({', '.join(failed)}): do not rely on its figures"
    return f"{model} passes all {len(checks)} checks"


def _as_dict(opened: _Opened, found: list[Device], checks: list[Check]) -> dict[str, object]:
    packages = [*BASE, *(name for names in EXTRAS.values() for name in names)]
    return {
        "nonplus": __version__,
        "python": platform.python_version(),
        "packages": {name: _installed(name) for name in packages if _installed(name)},
        "c_kernel": native.library() is not None,
        "extras": {extra: all(map(_installed, names)) for extra, names in EXTRAS.items()},
        "devices": [asdict(device) for device in found],
        "model": shown(opened.name),
        "dtype": opened.dtype,
        "head_path": (opened.slow or "fast") if opened.has_head else None,
        "checks": [{**asdict(c), "measured": jsonable(c.measured), "passed": c.passed} for c in checks],
        "inapplicable": opened.inapplicable,
        "passed": all(check.passed for check in checks),
        "verdict": _verdict(shown(opened.name), checks),
    }

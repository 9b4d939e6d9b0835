"""The options of ``nonplus score`` as one value, checked for contradictions."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from nonplus.corpora import CorpusOptions
from nonplus.corpora.addresses import addresses
from nonplus.corpora.chat import check_special_text
from nonplus.errors import BadProtocol
from nonplus.files import writing
from nonplus.jobs.options import WorkOptions
from nonplus.measure.forward import RunOptions
from nonplus.measure.protocol.choices import Protocol
from nonplus.measure.session import check_until
from nonplus.models.loading import Loading
from nonplus.views.tables import SUFFIXES

_FEWEST_SAMPLES = 100  # below that the ends of a percentile interval are noise


@dataclass(frozen=True, slots=True, kw_only=True)
class Precision:
    """How precise the figure must be, and how that is measured; 0 means off."""

    level: float = 0.95
    until: float = 0.0
    bootstrap: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """What is printed, and which files are written."""

    json: bool = False
    explain: bool = False
    show: bool = False
    by_position: bool = False
    per_document: Path | None = None
    per_token: Path | None = None
    html: Path | None = None
    rejects: Path | None = None

    @property
    def tables(self) -> dict[str, Path]:
        """The tables to write, by flag."""
        named = {"--per-document": self.per_document, "--per-token": self.per_token, "--rejects": self.rejects}
        return {flag: path for flag, path in named.items() if path is not None}

    @property
    def files(self) -> dict[str, Path]:
        """All files to write, by flag."""
        return self.tables | ({} if self.html is None else {"--html": self.html})


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to score, with which model and protocol, and what to do with the result."""

    sources: tuple[str, ...]
    model: str
    asked: Protocol | None  # the protocol, unless it is left to the model
    loading: Loading
    corpus: CorpusOptions
    run: RunOptions
    precision: Precision
    output: Output
    work: WorkOptions = field(default_factory=WorkOptions)

    @property
    def protocol(self) -> Protocol:
        """That of a model with windows."""
        return self.asked or Protocol()

    def __post_init__(self) -> None:
        if self.output.json and self.output.show:
            raise BadProtocol("--json prints one object and nothing else, so it excludes --show; omit one of them")
        if self.run.alternatives and not (self.output.html or self.output.per_token):
            raise BadProtocol(
                f"--alternatives {self.run.alternatives} has no effect without an output that shows them; "
                "add --html or --per-token, or omit --alternatives"
            )
        check_special_text(self.corpus.messages, self.protocol)
        if self.output.rejects and self.corpus.on_bad_row == "stop":
            raise BadProtocol(
                "--rejects takes the rows that are skipped, and no row is skipped; add --on-bad-row skip, or omit "
                "--rejects"
            )
        if self.precision.bootstrap and self.protocol.average == "texts":
            raise BadProtocol(
                f"--bootstrap computes the interval of a mean over tokens, but the protocol {self.protocol.name} "
                "averages over texts; omit --bootstrap"
            )
        check_until(self.precision.until, self.protocol)
        if self.precision.bootstrap != 0 and self.precision.bootstrap < _FEWEST_SAMPLES:
            raise BadProtocol(
                f"--bootstrap needs at least {_FEWEST_SAMPLES} samples, got {self.precision.bootstrap}; try 1000"
            )
        _check_files(self.output, self.sources, self.corpus)
        if self.work.workers:
            _check_shared(self)


def _check_files(output: Output, sources: tuple[str, ...], corpus: CorpusOptions) -> None:
    found = [place for source in sources for place in addresses(source, follow_links=corpus.follow_links)]
    places = [place for place in found if place.scheme != "text"]
    taken = {os.path.realpath(place.location): f"the source {place.location}" for place in places}
    for flag, path in output.tables.items():
        if path.suffix not in SUFFIXES:
            raise BadProtocol(
                f"{flag} writes a table as {' or '.join(SUFFIXES)}, got {path}; use one of these suffixes"
            )
    for flag, path in output.files.items():
        if any(_is(path, number) for number in (1, 2)):
            raise BadProtocol(f"{flag} would overwrite what is printed; give it the name of another file")
        with writing(path):  # the current folder may be gone
            real = os.path.realpath(path)
        if real in taken:
            raise BadProtocol(f"{flag} would overwrite {taken[real]}; give it another name")
        taken[real] = f"what {flag} writes"


def _is(path: Path, number: int) -> bool:
    """Whether ``path`` is the file that is open under this number, as in ``> path``."""
    try:
        return os.path.samestat(path.stat(), os.fstat(number))
    except OSError:  # one of them does not exist
        return False


def _check_shared(plan: Plan) -> None:
    """Refuse what workers cannot do, each of whom sees some of the documents.

    Raises:
        BadProtocol: something asks for all documents in order, or for their scores.
    """
    workers = f"workers={plan.work.workers}"
    if not plan.sources:
        raise BadProtocol(f"{workers} share the texts that are named, and none is; name files, or omit {workers}")
    if plan.run.resume is None:
        raise BadProtocol(f"{workers} keep their sums in a folder; add resume=FOLDER, which all of them can see")
    if plan.protocol.unit == "stream":
        raise BadProtocol(
            f"{plan.protocol.name} joins all documents into one, which workers cannot share; omit {workers}, or use a "
            "protocol over documents, as in protocol=full"
        )
    asked = {
        "limit": plan.corpus.limit,
        "until": plan.precision.until,
        "bootstrap": plan.precision.bootstrap,
        "show": plan.output.show,
        **{flag.removeprefix("--").replace("-", "_"): path for flag, path in plan.output.files.items()},
        "alternatives": plan.run.alternatives,  # which --html asks for, too
    }
    for name, value in asked.items():
        if value:
            raise BadProtocol(
                f"{name}={value} is of documents in order or of their tokens, and {workers} give sums only; omit one "
                "of them"
            )
    for source in plan.sources:
        if any(place.scheme == "stdin" for place in addresses(source)):
            raise BadProtocol(f"{workers} cannot share standard input; give a file that all of them can see")

"""Files in, a calibration and its advice out."""

import time
from collections.abc import Sequence

from nonplus.corpora.records import RecordFile, record_files
from nonplus.errors import BadInput
from nonplus.filtering.calibration.advice import advice
from nonplus.filtering.calibration.calibrating import calibrate
from nonplus.filtering.calibration.drawing import Drawn, drawn
from nonplus.filtering.calibration.expected import Expected
from nonplus.filtering.calibration.languages import known
from nonplus.filtering.calibration.meter import CalibrationMeter
from nonplus.filtering.calibration.options import CalibrationOptions
from nonplus.filtering.calibration.outcome import Outcome
from nonplus.filtering.calibration.timing import timed
from nonplus.filtering.fields.options import ReadOptions, WriteOptions
from nonplus.filtering.scoring.scorer import Scorer
from nonplus.measure.formatting import counted
from nonplus.measure.interfaces import HasQuantiles
from nonplus.measure.records import Floats
from nonplus.measure.scoring import stated_protocol
from nonplus.models import open_model
from nonplus.threads import processors

_PLAIN, _READING = CalibrationOptions(), ReadOptions()


def calibrated(
    sources: Sequence[str],
    options: CalibrationOptions = _PLAIN,
    *,
    reading: ReadOptions = _READING,
    meter: CalibrationMeter | None = None,
) -> Outcome:
    """What a sample of the documents of ``sources``, files, folders or patterns, tells
    about cuts. Their records are read as ``reading`` says.

    Raises:
        NonplusError: see :mod:`nonplus.errors`.
    """
    meter = meter or CalibrationMeter()
    files, trusted_files = _opened(sources, reading), _opened([options.trusted] if options.trusted else [], reading)
    model = open_model(options.model)
    scorer = Scorer(model)
    begun = time.process_time()
    found = drawn(files, most=options.sample, part=options.part, read=meter.reading)
    reading_took = time.process_time() - begun
    _check_found(found, options.part)
    scored = timed(scorer, found.texts, done=meter.scoring)
    begun = time.process_time()
    sample = found.scored(scored.columns, identify=options.identify_languages)
    reading_words_took = time.process_time() - begun
    quantiles = model.quantiles if isinstance(model, HasQuantiles) else {}
    languages = options.languages.replace(",", " ").split() or list(quantiles)
    calibration = calibrate(
        sample,
        quantiles=quantiles,
        languages=languages,
        trusted=_trusted(trusted_files, scorer, languages, options, meter) if trusted_files else None,
    )
    return Outcome(
        calibration=calibration,
        advice=advice(calibration),
        expected=Expected.of(
            sample,
            calibration.shares[2],
            reading=reading_took,
            scoring=scored.seconds + reading_words_took,
            workers=options.workers or processors(),
        ),
        model=model,
        model_name=options.model,
        model_identity=scorer.identity,
        signature=stated_protocol(None, model).signature,
        source=_named(files),
    )


def _opened(sources: Sequence[str], reading: ReadOptions) -> list[RecordFile]:
    # a run rejects records that have its columns already; to look at them does no harm
    fields = WriteOptions(columns="none").fields(reading)
    return [file for source in sources for file in record_files(source, fields, sizes=reading.sizes)]


def _check_found(found: Drawn, part: float = 1.0) -> None:
    """Refuse to go on without documents, or with ids that are none."""
    if found.rejection and not found.documents:
        raise BadInput(f"none of {counted(found.whole.rejected, 'record')} can be read: {found.rejection}")
    if not found.documents:
        remedy = f"part={part:g} chose none of the units; leave it out" if part < 1 else "give files with records"
        raise BadInput(f"there is no document to look at; {remedy}")
    ids = len({*found.keys})
    if ids <= len(found.keys) // 2:
        raise BadInput(
            f"{counted(len(found.keys), 'document')} of the sample have {counted(ids, 'id')}, where an id names one "
            "record; give another field, id_field=…, or none"
        )


def _trusted(
    files: Sequence[RecordFile],
    scorer: Scorer,
    languages: Sequence[str],
    options: CalibrationOptions,
    meter: CalibrationMeter,
) -> Floats:
    """Bits per byte of documents drawn from the trusted files, without those in other
    languages than the model's.
    """
    found = drawn(files, most=options.sample, read=meter.reading)
    _check_found(found)
    sample = found.scored(timed(scorer, found.texts, done=meter.scoring).columns, identify=options.identify_languages)
    judged_D = known(sample.columns, sample.languages, {}, languages).documents & sample.with_figures
    return sample.bits[judged_D]


def _named(files: Sequence[RecordFile]) -> str:
    """The files, for people."""
    others = f" and {counted(len(files) - 1, 'other file')}" if len(files) > 1 else ""
    return f"{files[0].name}{others}"

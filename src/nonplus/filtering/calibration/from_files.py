"""Files in, a calibration and its advice out."""

import time
from collections.abc import Sequence

from nonplus.corpora.records import RecordFile
from nonplus.filtering.calibration.advice import advice
from nonplus.filtering.calibration.calibrating import calibrate
from nonplus.filtering.calibration.expected import Expected
from nonplus.filtering.calibration.languages import known
from nonplus.filtering.calibration.meter import CalibrationMeter
from nonplus.filtering.calibration.options import CalibrationOptions
from nonplus.filtering.calibration.outcome import Outcome
from nonplus.filtering.calibration.writing import Writing
from nonplus.filtering.fields.asked import check_asked, check_said
from nonplus.filtering.fields.options import ReadOptions
from nonplus.filtering.languages.choice import check_one
from nonplus.filtering.samples.drawing import drawn
from nonplus.filtering.samples.timing import timed
from nonplus.filtering.scoring.scorer import Scorer
from nonplus.measure.brought import HasQuantiles
from nonplus.measure.formatting import first_and_others
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
    check_asked(set(), reading, options.identify_languages)
    check_one(options.model, "model", ", languages={language}")
    files, trusted_files = reading.files(sources), reading.files([options.trusted] if options.trusted else [])
    model = open_model(options.model)
    scorer = Scorer(model)
    begun = time.process_time()
    found = drawn(files, most=options.sample, part=options.part, read=meter.reading)
    check_said(found.said, reading, asked={"id", "language", "source"})
    reading_took = time.process_time() - begun
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
            Writing.of(found.units, sample, rule=calibration.rule, model=options.model),
            reading=reading_took,
            scoring=scored.seconds + reading_words_took,
            workers=options.workers or processors(),
        ),
        model=model,
        model_name=options.model,
        model_identity=scorer.identity,
        signature=stated_protocol(None, model).signature,
        source=first_and_others([file.name for file in files]),
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
    sample = found.scored(timed(scorer, found.texts, done=meter.scoring).columns, identify=options.identify_languages)
    judged_D = known(sample.columns, sample.languages, {}, languages).documents & sample.with_figures
    return sample.bits[judged_D]

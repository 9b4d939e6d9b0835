"""Whether all that a rule asks for is known of the records."""

from collections.abc import Mapping, Sequence
from typing import Any

from nonplus.corpora.records import RecordFile
from nonplus.errors import BadInput
from nonplus.filtering.fields.asked import check_said, known
from nonplus.filtering.fields.options import ReadOptions, WriteOptions
from nonplus.filtering.languages.unjudged import NO_MODEL
from nonplus.filtering.rules.rule import Rule
from nonplus.filtering.runs.plan import Planned
from nonplus.filtering.scoring.trimming import EXTENT
from nonplus.filtering.units.accounts import Accounts


def check_scored(rule: Rule, planned: Planned, scored: str) -> None:
    """Check that the run whose output is ``scored`` has measured what a rule asks for.

    Raises:
        BadInput: it has not.
    """
    scoring = planned.scoring["scoring"]
    wanting = [
        *(
            (f"the {attribute} of each record", f"{attribute}_field=…")
            for attribute in sorted(rule.attributes - known(planned.reading, scoring["languages"] is not None))
        ),
        *((f"a model that it calls {name}", f"models={name}=…") for name in sorted(rule.models - planned.models)),
        *([("repetition", "this rule")] if "repetition" in rule.figures and not scoring["repetition"] else []),
    ]
    if rule.trusted:
        raise BadInput(
            f"the rule compares with {', '.join(min(rule.trusted))}, which has to be scored, and a split scores "
            "nothing; give the same rule to nonplus filter run, or a threshold as a number"
        )
    for what, option in wanting:
        raise BadInput(
            f"the rule asks for {what}, and {scored} was scored without it; a split scores nothing, so use nonplus "
            f"filter run with {option}, into another folder"
        )


def check_written(
    writing: WriteOptions, rule: Rule, files: Sequence[RecordFile], *, repeats: bool, trims: bool
) -> None:
    """Check that the columns that are asked for one by one will be there.

    Raises:
        BadInput: one is not measured, or no record has room for any.
    """
    there = {
        "repetition": (repeats, "it is measured where the rule names it"),
        "bucket": (bool(rule.cuts), "it is that of a rule with buckets"),
        **dict.fromkeys(EXTENT, (trims, "it is about text that trim=… cuts off")),
    }
    for name in writing.named:
        measured, how = there.get(name, (True, ""))
        if not measured:
            raise BadInput(f"columns={writing.columns} names {name}, which this cut does not have: {how}; leave it out")
    if writing.chosen and writing != WriteOptions() and not any(file.format.has_columns for file in files):
        raise BadInput(
            f"{files[0].name} has lines of text, in which there is no room for columns; they are in the folders of "
            "scores and decisions in any case, so omit columns=… and prefix=…"
        )


def check_told(accounts: Accounts, scoring: Mapping[str, Any], rule: Rule) -> None:
    """Check that the records of a run, whose plan has ``scoring``, tell what decides
    about them; warn of any other field that none of them has.

    Raises:
        BadInput: none of them tells it.
    """
    asked = rule.attributes | ({"id"} if rule.keyed else set())
    if NO_MODEL in accounts.reasons:
        asked |= {"language"}
    check_said(accounts.said, ReadOptions(**scoring["reading"]), asked=asked)

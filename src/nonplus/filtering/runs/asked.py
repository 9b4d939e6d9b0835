"""Whether all that a rule asks for is known of each record, before any work."""

from collections.abc import Set

from nonplus.errors import BadInput
from nonplus.filtering.fields.options import ReadOptions
from nonplus.filtering.rules.rule import Rule
from nonplus.filtering.runs.plan import Planned


def check_read(asked: Set[str], reading: ReadOptions, identified: bool) -> None:
    """Check that a run reads what is asked of a record.

    Raises:
        BadInput: it does not.
    """
    if identified and reading.language_field:
        raise BadInput(
            f"language_field={reading.language_field} and identify_languages both say what the language of a document "
            "is; omit one of them"
        )
    for attribute in sorted(asked - _known(reading, identified)):
        asking, or_else = (
            ("the rule or a model", ", or use identify_languages=True") if attribute == "language" else ("the rule", "")
        )
        raise BadInput(
            f"{asking} asks for the {attribute} of each record, and no field has it; name it with "
            f"{attribute}_field=…{or_else}"
        )


def check_scored(rule: Rule, planned: Planned, scored: str) -> None:
    """Check that the run whose output is ``scored`` has measured what a rule asks for.

    Raises:
        BadInput: it has not.
    """
    scoring = planned.scoring["scoring"]
    wanting = [
        *(
            (f"the {attribute} of each record", f"{attribute}_field=…")
            for attribute in sorted(rule.attributes - _known(planned.reading, scoring["languages"] is not None))
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


def _known(reading: ReadOptions, identified: bool) -> set[str]:
    fields = {"id": reading.id_field, "language": reading.language_field, "source": reading.source_field}
    return {name for name, field in fields.items() if field} | ({"language"} if identified else set())

"""The thresholds of a rule that needs all scores: found once, and kept in the plan."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from nonplus.filtering.rules.rule import Rule
from nonplus.filtering.rules.scored import Scored
from nonplus.filtering.runs.plan import rule_of
from nonplus.jobs.plan import begun, kept
from nonplus.jobs.stores import open_store

_NONE: Mapping[tuple[str, ...], Iterable[Scored]] = MappingProxyType({})


def resolved(
    rule: Rule, folder: str, scores: Iterable[Scored], trusted: Mapping[tuple[str, ...], Iterable[Scored]] = _NONE
) -> Rule:
    """``rule`` with its thresholds among ``scores`` and those of ``trusted`` files.

    If the job in ``folder`` cuts by the same rule, they are those in its plan: nobody
    reads all scores again to go on, nor to do another shard. Whether the rest of the
    plan is the same is seen when the job is begun.

    Raises:
        BadInput: the plan is damaged.
        BadProtocol: a figure or attribute that the rule reads is missing.
    """
    store = open_store(folder)
    if begun(store):
        stated = kept(store)
        if stated.get("rule") == str(rule):
            return rule_of(stated, folder)
    return rule.resolved(scores, trusted)

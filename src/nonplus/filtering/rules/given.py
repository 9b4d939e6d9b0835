"""A rule as it was given: in words, or as the name of a file that holds one."""

from collections.abc import Mapping

from nonplus.filtering.rules.parsing import parsed
from nonplus.filtering.rules.rule_file import Model, RuleFile, read_rule

_SUFFIX = ".toml"


def given_rule(keep: str) -> RuleFile:
    """The rule that ``keep`` states, or that is in the file of this name, which ends
    with ``.toml``.

    Raises:
        BadInput: it is no rule, or the file cannot be read.
    """
    return read_rule(keep) if keep.lower().endswith(_SUFFIX) else RuleFile(keep=parsed(keep))


def check_models(rule: RuleFile, models: Mapping[str, Mapping[str, str]]) -> None:
    """Check that the rule is about figures of these models, as a plan has them.

    Raises:
        BadProtocol: it is about another model.
    """
    rule.check({name or "model": Model(each["name"], each["identity"]) for name, each in models.items()})

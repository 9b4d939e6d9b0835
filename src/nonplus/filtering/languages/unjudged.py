"""The decision about documents, some of which may have no model for their language."""

# D documents

import numpy as np

from nonplus.filtering.languages.choice import UNSCORED
from nonplus.filtering.rules.decision import KEPT, Decision
from nonplus.filtering.rules.rule import Rule
from nonplus.filtering.rules.scored import Scored

NO_MODEL = "no model for the language"


def decided(rule: Rule, scored: Scored) -> Decision:
    """Which of the documents are kept: what the rule says of those that were scored.

    All others are kept, or dropped, as was chosen when they were not scored.

    Raises:
        BadProtocol: a figure or attribute that the rule reads is missing.
    """
    decision = rule.decide(scored)
    unscored = scored.attributes.get(UNSCORED, [])
    if not any(unscored):
        return decision
    languages = scored.attributes["language"]
    no_model_D = np.array([each is not None for each in unscored], np.bool_)
    keep_D = np.array([each == "kept" for each in unscored], np.bool_)
    cause = np.where(no_model_D, np.where(keep_D, 0, len(decision.causes)), decision.cause)

    def reasons() -> list[str]:
        said = decision.reasons()
        for place in np.flatnonzero(no_model_D).tolist():
            said[place] = KEPT if keep_D[place] else _reason(languages[place])
        return said

    return Decision(
        keep=np.where(no_model_D, keep_D, decision.keep),
        cause=cause,
        causes=(*decision.causes, NO_MODEL),
        reasons=reasons,
        bucket=decision.bucket,
    )


def _reason(language: str | None) -> str:
    return "the language is not known" if language is None else f"no model for the language {language}"

"""What becomes of documents in a language that no model is for."""

# D documents

from collections.abc import Sequence

import numpy as np

from nonplus.filtering.rules.decision import KEPT, Decision
from nonplus.filtering.rules.scored import Bools

NO_MODEL = "no model for the language"


def unjudged(decision: Decision, no_model_D: Bools, languages: Sequence[str | None], *, keep: bool) -> Decision:
    """The decision where no model has scored some documents: these are kept all, or
    dropped, whatever the rule.
    """
    if not no_model_D.any():
        return decision
    kept, dropped = 0, len(decision.causes)
    cause = np.where(no_model_D, kept if keep else dropped, decision.cause)

    def reasons() -> list[str]:
        said = decision.reasons()
        for place in np.flatnonzero(no_model_D).tolist():
            said[place] = KEPT if keep else _reason(languages[place])
        return said

    return Decision(
        keep=np.where(no_model_D, keep, decision.keep),
        cause=cause,
        causes=(*decision.causes, NO_MODEL),
        reasons=reasons,
        bucket=decision.bucket,
    )


def _reason(language: str | None) -> str:
    return "the language is not known" if language is None else f"no model for the language {language}"

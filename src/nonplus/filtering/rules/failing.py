"""Why a clause does not hold: it is false, or the document lacks what it asks for."""

# D documents

import numpy as np

from nonplus.filtering.rules.clauses import Clause
from nonplus.filtering.rules.needs import Known
from nonplus.filtering.rules.scored import Ints, Scored


def faults(clause: Clause) -> tuple[str, ...]:
    """Each cause in words: first that the opposite is true, then the figures and the
    attributes that a document may lack, last that there is no threshold for it.
    """
    lacking = (*sorted(clause.reads.figures), *sorted(clause.reads.attributes))
    return str(clause.opposite()), *(f"no {each}" for each in lacking), f"nothing to judge by: {clause}"


def faults_of(clause: Clause, scored: Scored, known: Known) -> Ints:
    """The cause for each document for which the clause does not hold, as a place among
    :func:`faults` (D,).
    """
    false_D = clause.opposite().holds(scored, known)
    figures = [np.isnan(scored.figure(name)) for name in sorted(clause.reads.figures)]
    said = [[each is None for each in scored.attribute(name)] for name in sorted(clause.reads.attributes)]
    found_D: Ints = np.array([false_D, *figures, *said, np.ones(len(scored), np.bool_)], np.bool_).argmax(axis=0)
    return found_D

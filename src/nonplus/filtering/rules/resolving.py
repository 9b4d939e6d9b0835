"""What a rule asks of all scores, found out in a few looks at them."""

from collections.abc import Callable, Collection, Iterable
from typing import TypeAlias

from nonplus.filtering.rules.narrowing import Search
from nonplus.filtering.rules.needs import Known, Need
from nonplus.filtering.rules.scored import Scored

Scores: TypeAlias = Callable[[tuple[str, ...]], Iterable[Scored]]


def found_out(needs: Collection[Need], known: Known, scores: Scores) -> Known:
    """``known``, and the marks of all needs.

    ``scores`` gives the scored documents of files, or of the corpus for no file, anew
    each time. Marks do not depend on the order of documents, nor on how they are
    divided.
    """
    while missing := [each for each in needs if each.name not in known]:
        ready = [each for each in missing if all(before.name in known for before in each.before)]
        known = {**known, **_marks(ready, known, scores)}
    return dict(sorted(known.items()))


def _marks(needs: Iterable[Need], known: Known, scores: Scores) -> Known:
    searches = [Search(each, known) for each in needs]
    while busy := [each for each in searches if not each.done]:
        for files in dict.fromkeys(each.need.files for each in busy):
            among = [each for each in busy if each.need.files == files]
            for scored in scores(files):
                for each in among:
                    each.see(scored)
        for each in busy:
            each.narrow()
    return {each.need.name: each.marks for each in searches}

"""What a rule asks of all scores, found out in a few looks at them."""

# D documents

from collections.abc import Callable, Collection, Iterable

import numpy as np

from nonplus.filtering.rules.narrowing import Narrowing
from nonplus.filtering.rules.needs import Group, Known, Marks, Need
from nonplus.filtering.rules.scored import Scored


def found_out(needs: Collection[Need], known: Known, scores: Callable[[tuple[str, ...]], Iterable[Scored]]) -> Known:
    """``known``, and the marks of all needs.

    ``scores`` gives the scored documents of files, or of the corpus for no file, anew
    each time. Marks do not depend on the order of documents, nor on how they are
    divided.
    """
    while missing := [each for each in needs if each.name not in known]:
        ready = [each for each in missing if all(before.name in known for before in each.before)]
        known = {**known, **_marks(ready, known, scores)}
    return known


def _marks(needs: Iterable[Need], known: Known, scores: Callable[[tuple[str, ...]], Iterable[Scored]]) -> Known:
    searches = [_Search(each, known) for each in needs]
    while busy := [each for each in searches if not each.done]:
        for files in dict.fromkeys(each.need.files for each in busy):
            among = [each for each in busy if each.need.files == files]
            for scored in scores(files):
                for each in among:
                    each.see(scored)
        for each in busy:
            each.narrow()
    return {each.need.name: each.marks for each in searches}


class _Search:
    """For one need, a search in each group."""

    def __init__(self, need: Need, known: Known) -> None:
        self.need, self._known = need, known
        self._groups: dict[Group, Narrowing] = {}
        self._targets: dict[Group, int] = {}
        self.done = False

    def see(self, scored: Scored) -> None:
        """Some of the documents."""
        counted = self.need.counted(scored, self._known)
        for code, name in enumerate(counted.names):
            at = np.flatnonzero(counted.groups == code)
            if len(at):
                self._groups.setdefault(name, Narrowing(by_value=self.need.by_value)).see(counted.only(at))

    def narrow(self) -> None:
        """All documents were seen."""
        if not self._targets:
            self._targets = dict(self.need.targets({name: each.total for name, each in self._groups.items()}))
        for name, each in self._groups.items():
            if not each.done:
                each.narrow(self._targets[name])
        self.done = all(each.done for each in self._groups.values())

    @property
    def marks(self) -> Marks:
        """That of each group."""
        return {name: each.mark for name, each in sorted(self._groups.items())}

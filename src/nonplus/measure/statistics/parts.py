"""A document that comes in parts adds up to one."""

from nonplus.measure.scores import ScoredTexts
from nonplus.measure.statistics.document_sums import SummedTexts, document_sums
from nonplus.measure.statistics.stretches import Blocks
from nonplus.measure.statistics.sums import SumsOfTexts, first_places

_NOTHING = Blocks(1, ())


def continued(earlier: SummedTexts, texts: ScoredTexts) -> SummedTexts:
    """The sums of a document from its first part to this one; of places, the first
    few.
    """
    before = earlier.sums[0]
    later = document_sums(texts, before=before.scored)
    sums = before.joined(later.sums[0])
    blocks = earlier.blocks or _NOTHING
    if later.blocks:
        blocks = blocks.then(later.blocks, scored=before.scored)
    return SummedTexts(
        documents=later.documents,
        sums=SumsOfTexts.of([sums]),
        partial=later.partial,
        zero_places=first_places((*earlier.zero_places, *later.zero_places)),
        unknown_places=first_places((*earlier.unknown_places, *later.unknown_places)),
        spelled_places=first_places((*earlier.spelled_places, *later.spelled_places)),
        stretches=((0, blocks.quarters(sums.scored)),),
        blocks=blocks,
    )

"""All cases, in the order of the page."""

from docs.comparison.arithmetic import ARITHMETIC
from docs.comparison.counting import COUNTING
from docs.comparison.loops import LOOPS
from docs.comparison.ordinary import AGREEMENT, ANSWERS
from docs.comparison.record import Case

CHAPTERS = {
    "Arithmetic of a token": ARITHMETIC.all,
    "What is kept between batches": COUNTING.all,
    "Whole loops": LOOPS.all,
}
AGREE, ANSWER = AGREEMENT.all["agreement"], ANSWERS.all["answers"]
CASES: dict[str, Case] = {"agreement": AGREE, **ARITHMETIC.all, **COUNTING.all, **LOOPS.all, "answers": ANSWER}

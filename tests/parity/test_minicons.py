"""minicons 0.3.39 with a beginning token says what ``full`` says of texts that fit into
a window.
"""

from pathlib import Path
from typing import Any

import pytest
from goldens.texts import MIDDLE, SHORT
from tiny import gpt2, letters, tokenizer, transformers

from nonplus import open_model, score

pytest.importorskip("minicons")

pytestmark = [pytest.mark.peers, pytest.mark.slow]


def surprisals(model: Any, its_tokenizer: Any, texts: list[str], **arguments: bool) -> list[float]:
    from minicons.scorer import IncrementalLMScorer

    scorer = IncrementalLMScorer(model, "cpu", tokenizer=its_tokenizer)
    return scorer.sequence_score(texts, reduction=lambda each: -each.sum(0).item(), **arguments)


@pytest.mark.filterwarnings("ignore:tokenizer is changed by adding pad_token_id:UserWarning")  # it says so on purpose
def test_a_model_like_gpt2() -> None:
    texts, model = [letters(n, seed=n) for n in (1, 9, 40, 63)], gpt2(length=64)
    theirs = surprisals(model, tokenizer(adds_bos=False, length=64), texts, bos_token=True)
    ours = [float(each.nats.sum()) for each in score(texts, model=(model, tokenizer(adds_bos=False, length=64)))]
    assert ours == pytest.approx(theirs, rel=1e-6)


def test_a_real_model_whose_tokenizer_adds_the_token_itself(data: Path) -> None:
    stories = data / "models" / "stories260K"
    texts = [*SHORT, MIDDLE]
    model = transformers.AutoModelForCausalLM.from_pretrained(stories)
    theirs = surprisals(model, transformers.AutoTokenizer.from_pretrained(stories), texts)
    for scheme in ("hf", "llama"):
        ours = [float(each.nats.sum()) for each in score(texts, model=open_model(f"{scheme}:{stories}"))]
        assert ours == pytest.approx(theirs, rel=1e-6)

"""Cases about whole loops: padding, the Trainer's loss, a metric that runs a model."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import redirect_stderr
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
from docs.comparison import oracle
from docs.comparison.record import Cases, Line

LOOPS = Cases()
_VOCABULARY = 260


@LOOPS.add(
    "padding",
    "Padding, and an id that is both padding and text",
    packages=("torchmetrics", "keras-hub", "google-metrax"),
    threads=(
        "[mlx-lm #1855](https://github.com/ml-explore/mlx-lm/pull/1855)",
        "[axolotl #3988](https://github.com/axolotl-ai-cloud/axolotl/pull/3988)",
        "[deepsparse #1141](https://github.com/neuralmagic/deepsparse/pull/1141)",
    ),
)
def padding() -> Iterator[Line]:
    """The most frequent mistake around a metric: padding is scored as text.

    It is no fault of the metric. Ignoring an id is right if padding has an id of its
    own. If EOS is also the padding, as is usual with GPT-2, this ignores the real EOS
    tokens too; then only a mask tells which are real. keras_hub and metrax take a mask
    as weights. Here a document of three tokens and EOS is padded to eight with EOS.
    """
    rng = np.random.default_rng(1)
    logits = rng.standard_normal((1, 8, 12), np.float32) * 2
    targets = np.array([[5, 9, 3, 0, 0, 0, 0, 0]])
    mask = np.array([[1, 1, 1, 1, 0, 0, 0, 0]])
    yield Line(
        "4 tokens of 8",
        oracle.perplexity(logits, targets, keep=mask),
        {
            "torchmetrics, default": partial(_torchmetrics, logits, targets, None),
            "torchmetrics, ignore_index=0": partial(_torchmetrics, logits, targets, 0),
            "keras_hub, mask_token_id=0": partial(_keras_hub, logits, targets, None),
            "keras_hub, sample_weight=mask": partial(_keras_hub, logits, targets, mask),
            "metrax, sample_weights=mask": partial(_metrax, logits, targets, mask),
            "nonplus, mask=mask": partial(_nonplus, logits, targets, mask),
        },
    )


def _torchmetrics(logits: Any, targets: Any, ignore_index: int | None) -> float:
    import torch
    from torchmetrics.text import Perplexity

    return float(Perplexity(ignore_index=ignore_index)(torch.as_tensor(logits), torch.as_tensor(targets)))


def _keras_hub(logits: Any, targets: Any, mask: Any) -> float:
    from keras_hub.metrics import Perplexity

    metric = Perplexity(from_logits=True, mask_token_id=0 if mask is None else None)
    metric.update_state(targets, logits, sample_weight=mask)
    return float(metric.result())


def _metrax(logits: Any, targets: Any, mask: Any) -> float:
    import jax.numpy as jnp
    from metrax import Perplexity

    seen = Perplexity.from_model_output(jnp.asarray(logits), jnp.asarray(targets), jnp.asarray(mask), from_logits=True)
    return float(seen.compute())


def _nonplus(logits: Any, targets: Any, mask: Any) -> float:
    from nonplus.metrics import Perplexity

    metric = Perplexity()
    metric.update(logits, targets, mask=mask)
    return float(metric.compute())


@LOOPS.add(
    "trainer",
    "`exp(eval_loss)` of the Hugging Face Trainer",
    packages=("transformers", "accelerate", "torch"),
    threads=(
        "[transformers #39241](https://github.com/huggingface/transformers/issues/39241)",
        "[transformers #24839](https://github.com/huggingface/transformers/issues/24839)",
        "[transformers #41898](https://github.com/huggingface/transformers/issues/41898)",
    ),
    fixed="The count of labels, for models whose `loss_type` is that of causal language models, since "
    "[#46204](https://github.com/huggingface/transformers/pull/46204) (the Llama of this table).",
)
def trainer() -> Iterator[Line]:
    """`eval_loss` averages the mean losses of batches, weighted by their documents.

    It was made for watching training. A short document weighs as much as a long one in
    another batch, so the exponential depends on the batch size. For models such as
    GPT-2, whose class name does not end in ForCausalLM, 5.23.0 also divides by the
    number of labels before the shift, which is one too many for each document. So even
    a single batch of all documents gives another figure.
    """
    for kind in ("llama", "gpt2"):
        with tempfile.TemporaryDirectory() as folder:
            model = _random_model(kind)
            truth = _truth(model)
            for size in (1, 8, 40):
                asked = {
                    "transformers, exp(eval_loss)": partial(_eval_loss, model, size, folder),
                    "nonplus.metrics.trainer": partial(_ours_in_trainer, model, size, folder),
                }
                yield Line(f"{kind}, batches of {size}", truth, asked)


def _documents() -> list[list[int]]:
    """40 documents of 4 to 60 tokens; short ones use other tokens than long ones."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(4, 61, 40)
    return [rng.integers(1, 40 if length < 20 else _VOCABULARY, length).tolist() for length in lengths]


def _random_model(kind: str) -> Any:
    """A small model whose weights are drawn by NumPy."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    size: dict[str, Any] = {
        "llama": {
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "num_key_value_heads": 2,
        },
        "gpt2": {"n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 64, "bos_token_id": 0, "eos_token_id": 0},
    }[kind]
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, vocab_size=_VOCABULARY, **size)).eval()
    rng = np.random.default_rng(0)
    with torch.no_grad():
        for weights in model.parameters():
            weights.copy_(torch.as_tensor(rng.normal(0, 0.4, tuple(weights.shape)), dtype=torch.float32))
        model.get_output_embeddings().weight[:40] *= 2.5  # some tokens get higher probabilities, so documents differ
    return model


def _truth(model: Any) -> float:
    """Every token but the first of each document, each document separately."""
    import torch

    each = []
    for ids in _documents():
        with torch.no_grad():
            logits = model(torch.tensor([ids])).logits.numpy()
        each.append((logits[:, :-1], np.array([ids[1:]])))
    return oracle.of_batches(each)


def _collated(documents: list[dict[str, list[int]]]) -> dict[str, Any]:
    import torch

    longest = max(len(each["ids"]) for each in documents)
    ids, labels, mask = (torch.full((len(documents), longest), filler) for filler in (0, -100, 0))
    for row, each in enumerate(documents):
        length = len(each["ids"])
        ids[row, :length] = labels[row, :length] = torch.tensor(each["ids"])
        mask[row, :length] = 1
    return {"input_ids": ids, "labels": labels, "attention_mask": mask}


def _evaluated(model: Any, size: int, folder: str, **hooks: Any) -> dict[str, float]:
    from transformers import Trainer, TrainingArguments

    arguments = TrainingArguments(
        output_dir=folder,
        per_device_eval_batch_size=size,
        use_cpu=True,
        report_to=[],
        disable_tqdm=True,
        remove_unused_columns=False,
        label_names=["labels"],
    )
    documents: Any = [{"ids": ids} for ids in _documents()]
    return Trainer(model, arguments, data_collator=_collated, eval_dataset=documents, **hooks).evaluate()


def _eval_loss(model: Any, size: int, folder: str) -> float:
    return float(np.exp(_evaluated(model, size, folder)["eval_loss"]))


def _ours_in_trainer(model: Any, size: int, folder: str) -> float:
    from nonplus.metrics.trainer import TrainerPerplexity

    perplexity = TrainerPerplexity()
    found = _evaluated(
        model,
        size,
        folder,
        preprocess_logits_for_metrics=perplexity.preprocess_logits_for_metrics,
        compute_metrics=perplexity.compute_metrics,
    )
    return float(found["eval_perplexity"])


@LOOPS.add(
    "evaluate",
    "The perplexity of Hugging Face evaluate",
    packages=("evaluate", "transformers", "torch"),
    threads=(
        "[evaluate #636](https://github.com/huggingface/evaluate/issues/636), on padding",
        "[evaluate #688](https://github.com/huggingface/evaluate/issues/688), on the mean",
        "[evaluate #402](https://github.com/huggingface/evaluate/issues/402) and "
        "[#491](https://github.com/huggingface/evaluate/issues/491), on loading the model",
    ),
    elsewhere="transformers 4.57.3, because the metric reads a tokenizer attribute that 5 does not have",
)
def evaluate() -> Iterator[Line]:
    """This metric loads a model by its id and scores each text after BOS.

    It returns a list of perplexities and their mean. `mean_perplexity` is not the
    perplexity of the corpus, in which each text counts by its tokens. If the tokenizer
    pads on the left, BOS is put before the padding, so a text's first token is
    predicted from padding. Texts of equal length have no padding, and are right. The
    model is loaded again for each call. Texts longer than its context are cut only with
    `max_length`.
    """
    with tempfile.TemporaryDirectory() as folder:
        texts = ["a cat", "the cat sat on the mat and looked at the rain for a while"]
        model = _saved(Path(folder))
        each = [_of_text(model, text) for text in texts]
        corpus = oracle.of_batches(each)
        mean = float(np.mean([oracle.of_batches([one]) for one in each]))
        for side in ("right", "left"):
            asked = {
                "evaluate": partial(_by_evaluate, folder, side, texts),
                "nonplus": partial(_ours_by_text, model, texts, side),
            }
            yield Line(f"mean of two texts, the tokenizer pads on the {side}", mean, asked)
        pooled = {
            "evaluate": partial(_by_evaluate, folder, "right", texts),
            "nonplus": partial(_ours_of_texts, model, texts),
        }
        yield Line("both texts as one corpus", corpus, pooled)


def _saved(folder: Path) -> Any:
    """The small Llama with a byte tokenizer, in a folder for each padding side."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {"<s>": 0, **{letter: i + 1 for i, letter in enumerate(alphabet)}}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    model = _random_model("llama")
    for side in ("right", "left"):
        wrapped = PreTrainedTokenizerFast(
            tokenizer_object=tokenizer, bos_token="<s>", eos_token="<s>", pad_token="<s>", padding_side=side
        )
        wrapped.save_pretrained(folder / side)
        model.save_pretrained(folder / side)
    return model


def _ids(text: str) -> list[int]:
    """The ids of the byte tokenizer, for the plain letters used here."""
    from tokenizers import pre_tokenizers

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    return [alphabet.index("Ġ" if letter == " " else letter) + 1 for letter in text]


def _of_text(model: Any, text: str) -> tuple[Any, Any]:
    """Logits and targets of a text after BOS."""
    import torch

    ids = [0, *_ids(text)]
    with torch.no_grad():
        return model(torch.tensor([ids])).logits.numpy()[:, :-1], np.array([ids[1:]])


def _by_evaluate(folder: str, side: str, texts: list[str]) -> float:
    import evaluate

    where = os.environ.get("EVALUATE_PERPLEXITY", "perplexity")  # the metric's folder, if no hub can be reached
    with redirect_stderr(StringIO()):
        metric = evaluate.load(where, module_type="metric")
        found = metric.compute(predictions=texts, model_id=f"{folder}/{side}", batch_size=2, device="cpu")
    return float(found["mean_perplexity"])


def _padded(model: Any, texts: list[str], side: str) -> tuple[Any, Any, Any]:
    """Logits, ids and mask of the texts in one batch, each right after its BOS."""
    import torch

    rows = [[0, *_ids(text)] for text in texts]
    longest = max(map(len, rows))
    fill = {"right": lambda row: row + [0] * (longest - len(row)), "left": lambda row: [0] * (longest - len(row)) + row}
    ids = torch.tensor([fill[side](row) for row in rows])
    mask = torch.tensor([fill[side]([1] * len(row)) for row in rows])
    places = (mask.cumsum(-1) - 1).clamp(min=0)
    with torch.no_grad():
        return model(ids, attention_mask=mask, position_ids=places).logits, ids, mask


def _ours_by_text(model: Any, texts: list[str], side: str) -> float:
    from nonplus.metrics import Perplexity

    logits, ids, mask = _padded(model, texts, side)
    found = []
    for row in range(len(texts)):
        metric = Perplexity(shift=True)
        metric.update(logits[row : row + 1], ids[row : row + 1], mask=mask[row : row + 1])
        found.append(float(metric.compute()))
    return float(np.mean(found))


def _ours_of_texts(model: Any, texts: list[str]) -> float:
    from nonplus.metrics import Perplexity

    metric = Perplexity(shift=True)
    logits, ids, mask = _padded(model, texts, "left")
    metric.update(logits, ids, mask=mask)
    return float(metric.compute())

"""Perplexity in a real Trainer: the same for any batch size, padding and loop."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("accelerate")

import torch
import transformers
from short_documents import VOCABULARY, documents, gpt2, llama, log_perplexity, nats_of, padded
from transformers import Trainer, TrainingArguments

from nonplus.errors import BadInput, BadProbability, SuspectInput
from nonplus.metrics.trainer import TrainerPerplexity

TEXTS = documents()


def evaluated(model, folder, *, metric=None, texts=TEXTS, side="right", collator=None, **arguments):
    """What ``Trainer.evaluate`` logs, and the metric."""
    metric = metric or TrainerPerplexity()
    trainer = Trainer(
        model=model,
        args=TrainingArguments(
            output_dir=str(folder), use_cpu=True, report_to="none", disable_tqdm=True,
            dataloader_pin_memory=False, remove_unused_columns=False, **arguments,
        ),
        eval_dataset=[{"ids": ids} for ids in texts],
        data_collator=collator or (lambda rows: padded([row["ids"] for row in rows], side=side)),
        preprocess_logits_for_metrics=metric.preprocess_logits_for_metrics,
        compute_metrics=metric.compute_metrics,
    )  # fmt: skip
    return trainer.evaluate(), metric


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("make", [llama, gpt2])
def test_any_batch_size_gives_the_perplexity_of_the_documents_one_by_one(make, side, tmp_path):
    model = make()
    truth = log_perplexity(model, TEXTS)
    losses = set()
    for size in (1, 4, 8, 40):
        labels = ["labels", "attention_mask"] if side == "left" else None
        logged, metric = evaluated(model, tmp_path, side=side, per_device_eval_batch_size=size, label_names=labels)
        assert logged["eval_log_perplexity"] == pytest.approx(truth, rel=1e-6)
        assert logged["eval_perplexity"] == pytest.approx(math.exp(truth), rel=1e-5)
        assert logged["eval_tokens"] == sum(len(ids) - 1 for ids in TEXTS)
        assert metric.report.protocol.signature == "logits, shifted, ignoring -100" + ", masked" * (side == "left")
        losses.add(round(logged["eval_loss"], 4))
    assert len(losses) == 4, "the reason why this class is there: a mean of batch means moves"


def test_the_loss_of_a_gpt2_is_off_even_when_a_single_batch_holds_everything(tmp_path):
    """Golden: transformers 5.23 divides by unshifted labels, which are 40 too many."""
    model = gpt2()
    logged, metric = evaluated(model, tmp_path, per_device_eval_batch_size=40)
    if abs(logged["eval_loss"] - logged["eval_log_perplexity"]) < 1e-4:
        pytest.skip(f"transformers {transformers.__version__} divides by the right number")
    tokens = sum(map(len, TEXTS))
    assert logged["eval_loss"] * tokens == pytest.approx(metric.report.log_perplexity * (tokens - 40), rel=1e-4)


def test_batches_summed_one_by_one_give_the_same_bits_as_all_at_once(tmp_path):
    model = llama()
    for size in (7, 40):
        whole, at_once = evaluated(model, tmp_path, per_device_eval_batch_size=size)
        parts, one_by_one = evaluated(model, tmp_path, per_device_eval_batch_size=size, batch_eval_metrics=True)
        lists, _ = evaluated(model, tmp_path, per_device_eval_batch_size=size, eval_do_concat_batches=False)
        assert parts["eval_perplexity"] == whole["eval_perplexity"] == lists["eval_perplexity"]
        assert one_by_one.report.tally.nats == at_once.report.tally.nats


def test_a_second_evaluation_starts_from_zero(tmp_path):
    model, metric = llama(), TrainerPerplexity()
    for loop in ({}, {"batch_eval_metrics": True}):
        first, _ = evaluated(model, tmp_path, metric=metric, **loop)
        second, _ = evaluated(model, tmp_path, metric=metric, **loop)
        assert first["eval_perplexity"] == second["eval_perplexity"]
        assert first["eval_tokens"] == second["eval_tokens"]


def test_an_interrupted_evaluation_can_be_removed():
    metric, batch = TrainerPerplexity(), padded(TEXTS[:4])
    hooked = metric.preprocess_logits_for_metrics(llama()(batch["input_ids"]).logits, batch["labels"])
    step = SimpleNamespace(predictions=hooked, label_ids=batch["labels"])
    assert metric.compute_metrics(step, compute_result=False) == {}
    metric.reset()
    assert metric.compute_metrics(step)["tokens"] == sum(len(ids) - 1 for ids in TEXTS[:4])


def test_arrays_can_leave_the_device_every_few_steps(tmp_path):
    model = llama()
    logged, _ = evaluated(model, tmp_path, per_device_eval_batch_size=4, eval_accumulation_steps=2)
    assert logged["eval_log_perplexity"] == pytest.approx(log_perplexity(model, TEXTS), rel=1e-6)


def test_the_interval_is_clustered_by_row(tmp_path):
    logged, metric = evaluated(llama(), tmp_path)
    assert (metric.report.interval.method, metric.report.interval.clusters) == ("documents", 40)
    assert logged["eval_perplexity_low"] < logged["eval_perplexity"] < logged["eval_perplexity_high"]


def test_what_is_kept_of_a_step_has_no_vocabulary_axis():
    batch = padded(TEXTS[:4])
    logits = llama()(batch["input_ids"]).logits
    nats, kept = TrainerPerplexity().preprocess_logits_for_metrics(logits, batch["labels"])
    assert nats.shape == kept.shape == batch["labels"].shape
    assert nats[0, kept[0] == 1].tolist() == pytest.approx(nats_of(llama(), TEXTS[0]), rel=1e-5)


def test_without_logits_there_is_a_loss_and_no_perplexity(tmp_path):
    logged, metric = evaluated(llama(), tmp_path, prediction_loss_only=True)
    assert "eval_loss" in logged
    assert "eval_perplexity" not in logged
    with pytest.raises(BadInput, match="no evaluation has finished"):
        _ = metric.report


def test_logits_are_found_among_other_outputs(tmp_path):
    model = gpt2()
    model.config.update({"output_hidden_states": True, "keys_to_ignore_at_inference": []})  # caches come along too
    logged, _ = evaluated(model, tmp_path, per_device_eval_batch_size=8)
    assert logged["eval_log_perplexity"] == pytest.approx(log_perplexity(gpt2(), TEXTS), rel=1e-6)


def test_padding_on_the_left_without_a_mask_is_refused(tmp_path):
    with pytest.raises(BadInput, match=r'label_names=\["labels", "attention_mask"\]'):
        evaluated(llama(), tmp_path, side="left", per_device_eval_batch_size=8)


@pytest.mark.parametrize("side", ["left", "right"])
def test_answers_after_questions_need_no_mask(side):
    """The end of a question predicts the first token of its answer."""
    batch = padded(TEXTS[:6], side=side)
    lengths = [len(ids) for ids in TEXTS[:6]]
    for row, length in enumerate(lengths):
        first = 0 if side == "right" else batch["labels"].shape[1] - length
        batch["labels"][row, first : first + 2] = -100
    _, kept = TrainerPerplexity().preprocess_logits_for_metrics(llama()(batch["input_ids"]).logits, batch["labels"])
    assert kept.sum(1).tolist() == [length - 2 for length in lengths]


def test_the_mask_tells_prompts_from_padding():
    labels = torch.tensor([[-100, -100, 1, 2, 3], [0, 1, 1, 2, 3]])
    logits = torch.zeros(2, 5, VOCABULARY)
    with pytest.raises(BadInput, match="or some begin with a prompt labelled -100"):
        TrainerPerplexity().preprocess_logits_for_metrics(logits, labels)
    _, kept = TrainerPerplexity().preprocess_logits_for_metrics(logits, (labels, torch.ones_like(labels)))
    assert kept.sum(1).tolist() == [3, 4]


def test_nan_in_a_prediction_that_does_not_count_does_not_stop_the_check():
    logits = torch.randn(1, 40, 5, generator=torch.Generator().manual_seed(0))
    logits[0, -1] = math.nan
    nats, _ = TrainerPerplexity().preprocess_logits_for_metrics(logits, torch.arange(40)[None] % 5)
    assert torch.isfinite(nats).all()


def test_padding_of_other_ranks_does_not_hide_padding_on_the_left():
    batch = padded(TEXTS[:6], side="left")
    labels = torch.nn.functional.pad(batch["labels"], (0, 3), value=-100)
    with pytest.raises(BadInput, match="padded on the left"):
        TrainerPerplexity().preprocess_logits_for_metrics(torch.zeros(*labels.shape, VOCABULARY), labels)


def test_a_loss_before_the_logits_is_skipped():
    batch = padded(TEXTS[:3])
    logits = llama()(batch["input_ids"]).logits
    nats, _ = TrainerPerplexity().preprocess_logits_for_metrics((torch.tensor(0.1), logits), batch["labels"])
    assert torch.equal(nats, TrainerPerplexity().preprocess_logits_for_metrics(logits, batch["labels"])[0])


def test_labels_that_a_collator_shifted_are_not_shifted_again():
    batch = padded(TEXTS[:4])
    logits = llama()(batch["input_ids"]).logits
    shifted = torch.nn.functional.pad(batch["labels"][:, 1:], (0, 1), value=-100)
    logged = []
    for shift, labels in ((True, batch["labels"]), (False, shifted)):
        metric = TrainerPerplexity(shift=shift)
        predictions = metric.preprocess_logits_for_metrics(logits, labels)
        logged.append(metric.compute_metrics(SimpleNamespace(predictions=predictions, label_ids=labels)))
    assert logged[0] == logged[1]


def test_a_masked_model_is_measured_where_it_was_masked(tmp_path):
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=VOCABULARY, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=64, initializer_range=0.5,
    )  # fmt: skip
    model = transformers.BertForMaskedLM(config).eval()

    def masked(rows):
        batch = padded([row["ids"] for row in rows])
        hidden = (batch["input_ids"] % 7 == 0) & (batch["labels"] != -100)
        batch["labels"] = torch.where(hidden, batch["labels"], -100)
        batch["input_ids"] = torch.where(hidden, 1, batch["input_ids"])
        return batch

    nats = []
    for ids in TEXTS:
        batch = masked([{"ids": ids}])
        with torch.no_grad():
            logprobs_TV = model(input_ids=batch["input_ids"]).logits[0].double().log_softmax(1)
        hidden = batch["labels"][0] != -100
        nats += (-logprobs_TV[hidden, batch["labels"][0, hidden]]).tolist()
    logged, _ = evaluated(
        model, tmp_path, metric=TrainerPerplexity(shift=False), collator=masked, per_device_eval_batch_size=8
    )
    assert logged["eval_tokens"] == len(nats)
    assert logged["eval_log_perplexity"] == pytest.approx(math.fsum(nats) / len(nats), rel=1e-6)


def test_an_encoder_decoder_is_measured_on_its_answers(tmp_path):
    torch.manual_seed(0)
    config = transformers.T5Config(
        vocab_size=VOCABULARY, d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2, decoder_start_token_id=0
    )
    model = transformers.T5ForConditionalGeneration(config).eval()

    def asked(rows):
        batch = padded([row["ids"] for row in rows])
        questions = padded([row["ids"].flip(0)[:5] for row in rows])  # of another length than the answers
        return {**{name: questions[name] for name in ("input_ids", "attention_mask")}, "labels": batch["labels"]}

    nats = []
    for ids in TEXTS:
        one = asked([{"ids": ids}])
        with torch.no_grad():
            logprobs_TV = model(**one).logits[0].double().log_softmax(1)
        nats += (-logprobs_TV[range(len(ids)), ids]).tolist()
    # Untrained and with tied embeddings it repeats what it was fed, the token before,
    # which is rightly suspected.
    metric = TrainerPerplexity(shift=False, check="never")
    logged, _ = evaluated(model, tmp_path, metric=metric, collator=asked, per_device_eval_batch_size=8)
    assert logged["eval_tokens"] == sum(map(len, TEXTS))
    assert logged["eval_log_perplexity"] == pytest.approx(math.fsum(nats) / len(nats), rel=1e-6)


def test_bytes_of_each_id_give_bits_per_byte_of_what_was_scored(tmp_path):
    sizes = np.arange(VOCABULARY) % 5
    logged, metric = evaluated(llama(), tmp_path, metric=TrainerPerplexity(byte_counts=sizes))
    covered = sum(int(sizes[ids[1:].numpy()].sum()) for ids in TEXTS)
    bits = logged["eval_log_perplexity"] * logged["eval_tokens"] / math.log(2)
    assert metric.report.tally.bytes == covered
    assert logged["eval_bits_per_byte"] == pytest.approx(bits / covered, rel=1e-9)


def test_bytes_of_too_few_ids_are_refused(tmp_path):
    with pytest.raises(BadInput, match="byte_counts has 5 entries, and a label is 95"):
        evaluated(llama(), tmp_path, metric=TrainerPerplexity(byte_counts=[1] * 5))


def test_further_ids_can_be_ignored():
    labels = torch.tensor([[1, 2, 3, 2]])
    _, kept = TrainerPerplexity(ignore_index=2).preprocess_logits_for_metrics(torch.zeros(1, 4, 5), labels)
    assert kept.tolist() == [[0, 0, 1, 0]]


def test_training_can_choose_the_best_checkpoint_by_it(tmp_path):
    metric = TrainerPerplexity()
    arguments = TrainingArguments(
        output_dir=str(tmp_path),
        use_cpu=True,
        report_to="none",
        disable_tqdm=True,
        dataloader_pin_memory=False,
        remove_unused_columns=False,
        num_train_epochs=2,
        learning_rate=0.01,
        eval_strategy="epoch",
        save_strategy="epoch",
        save_only_model=True,
        metric_for_best_model="log_perplexity",
        greater_is_better=False,
    )
    trainer = Trainer(
        model=llama(),
        args=arguments,
        train_dataset=[{"ids": ids} for ids in TEXTS],
        eval_dataset=[{"ids": ids} for ids in TEXTS],
        data_collator=lambda rows: padded([row["ids"] for row in rows]),
        preprocess_logits_for_metrics=metric.preprocess_logits_for_metrics,
        compute_metrics=metric.compute_metrics,
    )
    trainer.train()
    seen = [entry["eval_log_perplexity"] for entry in trainer.state.log_history if "eval_log_perplexity" in entry]
    assert len(seen) == 2
    assert trainer.state.best_metric == min(seen) < log_perplexity(llama(), TEXTS)


def test_one_hook_without_the_other_is_refused():
    batch = padded(TEXTS[:2])
    logits = np.zeros((*batch["labels"].shape, VOCABULARY))
    with pytest.raises(BadInput, match="pass both to the Trainer"):
        TrainerPerplexity().compute_metrics(SimpleNamespace(predictions=logits, label_ids=batch["labels"].numpy()))


def test_missing_labels_and_logits_that_do_not_fit_are_refused():
    labels = torch.zeros(2, 4, dtype=torch.long)
    with pytest.raises(BadInput, match="no labels"):
        TrainerPerplexity().preprocess_logits_for_metrics(torch.zeros(2, 4, 5), None)
    for shape in ((2, 3, 5), (3, 4, 5), (3, 9, 5), (2, 4), (2, 9, 4, 5)):
        with pytest.raises(BadInput, match=rf"labels of shape \(2, 4\) .* the model returned \({str(shape)[1:-1]}\)"):
            TrainerPerplexity().preprocess_logits_for_metrics(torch.zeros(*shape), labels)


@pytest.mark.parametrize("kind", ["PromptTuningConfig", "PromptEncoderConfig"])
@pytest.mark.parametrize("make", [llama, gpt2])
def test_rows_of_virtual_tokens_do_not_count(make, kind, tmp_path):
    """Prompt tuning and p-tuning: the truth is that of a text after virtual tokens."""
    peft = pytest.importorskip("peft")
    torch.manual_seed(1)
    extra = {"encoder_hidden_size": 16} if kind == "PromptEncoderConfig" else {}
    tuned = peft.get_peft_model(make(), getattr(peft, kind)(task_type="CAUSAL_LM", num_virtual_tokens=5, **extra))
    with torch.no_grad():
        tuned.prompt_encoder["default"].embedding.weight *= 9
        prompt_PH = tuned.get_prompt(1)[0]
    texts = documents(longest=50)
    nats = [each for ids in texts for each in _nats_after(tuned.base_model, prompt_PH, ids)]
    for size in (1, 8, 40):
        logged, _ = evaluated(
            tuned.eval(), tmp_path, texts=texts, collator=_placeless, per_device_eval_batch_size=size,
            label_names=["labels"],
        )  # fmt: skip
        assert logged["eval_log_perplexity"] == pytest.approx(math.fsum(nats) / len(nats), rel=1e-6)
        assert logged["eval_tokens"] == len(nats) == sum(len(ids) - 1 for ids in texts)


def _placeless(rows):
    """A batch without positions, which peft computes."""
    return {name: each for name, each in padded([row["ids"] for row in rows]).items() if name != "position_ids"}


@torch.no_grad()
def _nats_after(model, prompt_PH, ids):
    """Surprisal of each token but the first after the prompt, in float64."""
    fed = torch.cat([prompt_PH, model.get_input_embeddings()(ids)])
    logprobs_TV = model(inputs_embeds=fed[None]).logits[0, len(prompt_PH) : -1].double().log_softmax(1)
    return (-logprobs_TV.gather(1, ids[1:, None])[:, 0]).tolist()


def test_a_number_of_virtual_tokens_that_changes_is_refused():
    metric, labels = TrainerPerplexity(), torch.zeros(1, 4, dtype=torch.long)
    metric.preprocess_logits_for_metrics(torch.randn(1, 9, 5), labels)
    with pytest.raises(BadInput, match="same number of virtual tokens before each text, got 5 and then 4 rows"):
        metric.preprocess_logits_for_metrics(torch.randn(1, 8, 5), labels)
    metric.reset()
    metric.preprocess_logits_for_metrics(torch.randn(1, 8, 5), labels)


def test_an_output_with_a_row_for_each_label_is_taken_before_one_with_more():
    labels = torch.zeros(1, 4, dtype=torch.long)
    longer, logits = torch.full((1, 9, 3), math.nan), torch.zeros(1, 4, 5)
    nats, kept = TrainerPerplexity(check="never").preprocess_logits_for_metrics((longer, logits), labels)
    assert nats[kept == 1].tolist() == pytest.approx([math.log(5)] * 3)


def test_labels_that_a_collator_shifted_under_a_metric_that_shifts_again_are_suspected():
    batch = padded(TEXTS[:4])
    shifted = torch.nn.functional.pad(batch["labels"][:, 1:], (0, 1), value=-100)
    sure = 9 * torch.nn.functional.one_hot(shifted.clamp(min=0), VOCABULARY).float()
    with pytest.warns(SuspectInput, match="shifted already"):
        TrainerPerplexity().preprocess_logits_for_metrics(sure, shifted)
    TrainerPerplexity(shift=False, check="never").preprocess_logits_for_metrics(sure, shifted)


def test_logits_of_nan_stop_the_evaluation():
    logits = torch.zeros(1, 4, 5)
    logits[0, 1] = math.nan
    with pytest.raises(BadProbability):
        TrainerPerplexity().preprocess_logits_for_metrics(logits, torch.zeros(1, 4, dtype=torch.long))


def test_an_evaluation_without_counted_labels_is_refused():
    metric, labels = TrainerPerplexity(), torch.full((1, 4), -100)
    with pytest.warns(SuspectInput, match="none of the 4 tokens in this batch counts"):
        predictions = metric.preprocess_logits_for_metrics(torch.zeros(1, 4, 5), labels)
    with pytest.raises(BadInput, match="tokens that count"):
        metric.compute_metrics(SimpleNamespace(predictions=predictions, label_ids=labels))


def test_a_mask_that_numbers_packed_documents_is_refused_instead_of_used_as_padding():
    logits, labels = torch.randn(2, 6, VOCABULARY), torch.randint(0, VOCABULARY, (2, 6))
    packed = torch.tensor([[1, 1, 2, 2, 2, 2], [1, 1, 1, 1, 1, -100]])
    with pytest.raises(BadInput, match=r"a mask is 1 where .* got 2 at \[0, 2\]"):
        TrainerPerplexity().preprocess_logits_for_metrics(logits, (labels, packed))

"""Documents are scored by the model of their language, and by no other."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nonplus
from nonplus.errors import BadInput, BadModel, SuspectInput
from nonplus.filtering.languages.by_language import ByLanguage
from nonplus.filtering.languages.choice import ModelsByLanguage
from nonplus.filtering.languages.unjudged import decided
from nonplus.filtering.rules.parsing import parsed
from nonplus.filtering.rules.scored import Scored
from nonplus.filtering.scoring.columns import ScoreColumns
from nonplus.filtering.scoring.figures import OneModel, figures
from nonplus.filtering.scoring.scorer import Scorer

TEXTS = ["the cat sat on the mat", "le chat est sur la table", "der Hund schläft", "a mat for the cat", "", "la table"]
LANGUAGES = ["en", "fr_FR", "de", "EN-gb", "en", None]


@pytest.fixture(scope="module")
def bundles(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundles")
    for language, text in (("en", "the cat sat on the mat\n"), ("fr", "le chat est sur la table\n")):
        with pytest.warns(SuspectInput):
            nonplus.train_ngrams([text * 3, text[:12]], folder / language)
    return {language: f"ngram:{folder / language}" for language in ("en", "fr")}


def equal(one: ScoreColumns, other: ScoreColumns) -> bool:
    ours, theirs = one.as_dict(), other.as_dict()
    return all(np.array_equal(ours[name], theirs[name], equal_nan=True) for name in ours)


def test_each_document_has_the_figures_of_the_model_of_its_language(bundles):
    found = figures(ByLanguage(ModelsByLanguage(models=bundles)), TEXTS, LANGUAGES)
    assert found.models == [bundles["en"], bundles["fr"], None, bundles["en"], bundles["en"], None]
    for place, name in enumerate(found.models):
        alone = Scorer(name).columns([TEXTS[place]]) if name else ScoreColumns.of_nothing(1)
        assert equal(found.columns.at(np.array([place])), alone)


@pytest.mark.parametrize("size", [1, 2, 4])
def test_a_document_has_the_same_bits_in_any_batch(bundles, size):
    judge = ByLanguage(ModelsByLanguage(models=bundles, other=bundles["en"]))
    whole = figures(judge, TEXTS, LANGUAGES)
    batches = [slice(start, start + size) for start in range(0, len(TEXTS), size)]
    parts = [figures(judge, TEXTS[own], LANGUAGES[own]) for own in batches]
    assert equal(ScoreColumns.joined([part.columns for part in parts]), whole.columns)
    assert [name for part in parts for name in part.models] == whole.models


def test_another_language_may_have_a_model_of_its_own_choice(bundles):
    models = ModelsByLanguage(models={"fr": bundles["fr"]}, other=bundles["en"])
    assert models.names == (bundles["fr"], bundles["en"])
    assert [models.of_language(each) for each in ("fr", "de", None)] == [bundles["fr"], bundles["en"], bundles["en"]]


@pytest.mark.parametrize(
    ("language", "model"),
    [("en", "1"), ("EN", "1"), ("en-US", "1"), ("en_Latn_US", "1"), ("zh-Hans-CN", "3"), ("zh", None), ("eng", None),
     ("", None), (None, None)],
)  # fmt: skip
def test_a_region_or_script_falls_back_to_its_language(language, model):
    assert ModelsByLanguage(models={"EN": "1", "zh_Hans": "3"}).of_language(language) == model


@given(st.lists(st.sampled_from(["en", "fr", "de", None, "en-GB"])))
def test_every_document_is_in_the_group_of_its_model_and_in_no_other(languages):
    models = ModelsByLanguage(models={"en": "one", "fr": "two"})
    expected = {
        name: [at for at, each in enumerate(languages) if models.of_language(each) == name] for name in ("one", "two")
    }
    assert {name: places.tolist() for name, places in models.groups(languages)} == {
        name: places for name, places in expected.items() if places
    }


@pytest.mark.parametrize(
    ("model", "other", "message"),
    [
        (
            "en=a,b",
            "",
            r"^model=en=a,b is a list of languages and models, .* got 'b'; a model for all other languages is",
        ),
        ("en=", "", r"^model=en= is a list of languages and models, .* got 'en'"),
        ("bundled:ngram", "drop", r"^other=drop is about .*; name its language, as in model=en=bundled:ngram$"),
        ("en=a,EN=b", "", r"^two models are for 'en': a and b; name one of them$"),
    ],
)
def test_names_that_leave_the_language_open_are_refused(model, other, message):
    with pytest.raises(BadInput, match=message):
        ModelsByLanguage.of(model, other)


def test_a_single_name_is_for_all_languages_and_may_have_commas_and_equals_signs():
    assert ModelsByLanguage.of("bundled:ngram") is None
    assert ModelsByLanguage.of("ngram:runs/lr=3,wd=1/model") is None
    assert ModelsByLanguage.of("pt_BR=ngram:a=b, fr=c") == ModelsByLanguage(models={"pt-br": "ngram:a=b", "fr": "c"})
    assert ModelsByLanguage.of({"fr": "c"}, "keep") == ModelsByLanguage(models={"fr": "c"}, other="keep")


def test_the_identity_tells_models_languages_and_the_rest_apart(bundles):
    said = [
        ByLanguage(ModelsByLanguage(models=models, other=other)).identity
        for models, other in (
            (bundles, "drop"),
            (bundles, "keep"),
            (bundles, bundles["en"]),
            ({"en": bundles["en"]}, "drop"),
            ({"en": bundles["fr"], "fr": bundles["en"]}, "drop"),
        )
    ]
    assert len(set(said)) == len(said)
    assert ByLanguage(ModelsByLanguage(models=dict(reversed(bundles.items())))).identity == said[0]


def test_a_pickle_opens_the_same_models_and_refuses_others(bundles, tmp_path):
    judge = ByLanguage(ModelsByLanguage(models=bundles))
    assert equal(
        figures(pickle.loads(pickle.dumps(judge)), TEXTS, LANGUAGES).columns, figures(judge, TEXTS, LANGUAGES).columns
    )
    judge._identities = {**judge._identities, bundles["fr"]: "another"}
    with pytest.raises(BadModel, match="fr is another model now than when the run began"):
        figures(pickle.loads(pickle.dumps(judge)), TEXTS, LANGUAGES)


def test_one_model_scores_all_languages(bundles):
    scorer = Scorer(bundles["fr"])
    found = figures(OneModel(scorer), TEXTS, LANGUAGES)
    assert found.models == [scorer.name] * len(TEXTS)
    assert equal(found.columns, scorer.columns(TEXTS))


@pytest.mark.parametrize("keep", [True, False])
def test_a_document_without_a_model_is_not_decided_by_the_rule(keep):
    columns = {"tokens": np.array([5, 0, 0, 9]), "bits_per_byte": np.array([1, np.nan, np.nan, 3])}
    attributes = {"language": ["en", "de", None, "en"], "unscored": [None, *["kept" if keep else "dropped"] * 2, None]}
    done = decided(parsed("bits_per_byte <= 2"), Scored(columns=columns, attributes=attributes))
    assert done.keep.tolist() == [True, keep, keep, False]
    told = ["", ""] if keep else ["no model for the language de", "the language is not known"]
    assert done.reasons() == ["", *told, "bits_per_byte 3 > 2"]
    causes = [done.causes[cause] for cause in done.cause.tolist()]
    assert causes == ["", *(["" if keep else "no model for the language"] * 2), "bits_per_byte > 2"]

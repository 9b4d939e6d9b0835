"""The sample does not depend on the order in which documents come."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nonplus.filtering.samples.sampling import Smallest, keys_of_ids, keys_of_places, takes

PLACES = st.lists(st.integers(1, 500), unique=True, max_size=60)


def smallest(batches, most):
    """Those that are kept of places that come in these batches."""
    kept = Smallest(most)
    for batch in batches:
        keys = keys_of_places("a.jsonl", np.array(batch, np.int64))
        for at in kept.wanted(keys).tolist():
            kept.add(int(keys[at]), ("a.jsonl", batch[at]), batch[at])
    return kept.all()


@given(PLACES, st.integers(1, 20), st.randoms(use_true_random=False))
def test_those_with_the_smallest_keys_are_kept_in_whatever_order_and_batches_they_come(places, most, random):
    keys = dict(zip(places, keys_of_places("a.jsonl", np.array(places, np.int64)).tolist(), strict=True))
    expected = sorted((key, place) for place, key in keys.items())[:most]
    shuffled = random.sample(places, len(places))
    cut = random.randint(0, len(places))
    assert smallest([places], most) == smallest([shuffled[:cut], shuffled[cut:]], most) == expected


@given(st.lists(st.sampled_from("abc"), max_size=40), st.integers(1, 9), st.randoms(use_true_random=False))
def test_documents_with_one_key_are_told_apart_by_their_names(ids, most, random):
    keys = keys_of_ids(ids, np.zeros(len(ids), np.uint64)).tolist()
    offers = [(key, ("f", place), place) for place, key in enumerate(keys)]
    kept = []
    for order in (offers, random.sample(offers, len(offers))):
        some = Smallest(most)
        for offer in order:
            some.add(*offer)
        kept.append(some.all())
    assert kept[0] == kept[1]


def test_keys_are_spread_as_random_numbers_are():
    keys = keys_of_places("a.jsonl", np.arange(1, 100_001)).astype(float) / 2**64
    counts, _ = np.histogram(keys, bins=100, range=(0, 1))
    statistic = ((counts - 1000) ** 2 / 1000).sum()
    assert 60 < statistic < 150  # chi-square with 99 degrees of freedom: 0.9995 of it
    assert abs(np.corrcoef(keys[:-1], keys[1:])[0, 1]) < 0.02


def test_files_of_other_names_and_ids_have_other_keys():
    places = np.arange(1, 1001)
    one, other = keys_of_places("a.jsonl", places), keys_of_places("b.jsonl", places)
    ids = keys_of_ids([str(place) for place in places], one)
    assert len({*one.tolist(), *other.tolist(), *ids.tolist()}) == 3000


def test_a_document_without_an_id_has_the_key_of_its_place():
    places = keys_of_places("a.jsonl", np.array([1, 2]))
    keys = keys_of_ids(["x", None], places)
    assert keys[1] == places[1]
    assert keys[0] != places[0]


def test_about_the_wanted_part_of_the_units_is_taken():
    taken = sum(takes("a.jsonl", unit, part=0.2) for unit in range(5000))
    assert 900 < taken < 1100  # five standard deviations are 141
    assert all(takes("a.jsonl", unit, part=1.0) for unit in range(100))

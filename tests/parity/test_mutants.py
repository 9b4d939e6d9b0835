"""The tests against the oracle notice every fault of tests/mutants.py."""

import pytest
from mutants import MUTANTS, Mutant, caught, unharmed

pytestmark = pytest.mark.slow


def test_without_a_fault_the_tests_pass() -> None:
    assert unharmed()


@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant.fault for mutant in MUTANTS])
def test_a_fault_is_noticed(mutant: Mutant) -> None:
    assert caught(mutant)

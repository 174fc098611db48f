"""Every bundled scenario gives the run that it gave when ``make golden`` was last asked."""

import pytest

import eda_sim as es
from tests.golden import digest, expected


def test_every_bundled_scenario_has_a_digest():
    assert sorted(expected()) == list(es.scenarios())


@pytest.mark.parametrize("name", es.scenarios())
def test_the_run_is_the_same_to_the_last_bit(name):
    assert digest(name) == expected()[name]

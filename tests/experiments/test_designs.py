"""Designs fill their ranges, in the units that they were given."""

import numpy as np
import pytest

import eda_sim as es
from eda_sim.experiments.designs import METHODS
from eda_sim.experiments.points import points_of
from eda_sim.spec.quantities import parse_quantity

RANGES = {
    "consumers.worker.instances": (1, 10),
    "producers.clients.rate": ("1/s", "100/s", "log"),
    "duration": ("10s", "60s"),
}


def test_a_latin_hypercube_has_one_value_in_each_part_of_every_range():
    points = es.design(RANGES, 10)
    assert sorted(point["consumers.worker.instances"] for point in points) == list(range(1, 11))
    rates = [parse_quantity(point["producers.clients.rate"]).value for point in points]
    assert sorted(int(np.log10(rate) * 5) for rate in rates) == list(range(10))
    seconds = [parse_quantity(point["duration"]).value for point in points]
    assert sorted(int((value - 10) / 5) for value in seconds) == list(range(10))


@pytest.mark.parametrize("method", METHODS)
def test_every_design_makes_scenarios_and_comes_again_with_its_seed(method):
    points = es.design(RANGES, 6, method=method, seed=2)
    assert len(points) == 6
    assert points == es.design(RANGES, 6, method=method, seed=2)
    assert points != es.design(RANGES, 6, method=method, seed=3)
    scenario = es.load("mm1").replace({"warmup": "0s"})
    assert all(point.error == "" for point in points_of(scenario, points))


@pytest.mark.parametrize(
    ("ranges", "points", "options", "line"),
    [
        ({"a": (1, 2)}, 0, {}, "points: 0 is not valid: must be an integer of at least 1"),
        ({}, 3, {}, "ranges: there is none"),
        ({"a": 5}, 3, {}, r"a: 5 is not valid: must be a range \(low, high\)"),
        ({"a": (2, 1)}, 3, {}, "low must not be above high"),
        ({"a": ("1ms", "2/s")}, 3, {}, "must have the same kind of unit"),
        ({"a": ("1ms", "two")}, 3, {}, "a: 'two' is not valid: must be a number or a quantity"),
        ({"a": (0, 1, "log")}, 3, {}, "must be above 0 with 'log'"),
        ({"a": (0, 1, "lgo")}, 3, {}, "'lgo' is not valid: must be 'log' or 'linear'"),
        ({"a": (0, 1)}, 3, {"method": "sobel"}, "did you mean 'sobol'"),
    ],
)
def test_wrong_design_is_one_line(ranges, points, options, line):
    with pytest.raises(ValueError, match=line):
        es.design(ranges, points, **options)

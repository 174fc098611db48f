"""Compiled scalar mathematics must be CPython's to the last bit: both engines stand on it."""

import math

import numpy as np
import pytest

COUNT = 200_000


@pytest.fixture(scope="module")
def fill_with():
    numba = pytest.importorskip("numba")

    def make(function):
        @numba.njit
        def fill(values, out):
            for i in range(values.shape[0]):
                out[i] = function(values[i])

        return fill

    return make


def uniforms() -> np.ndarray:
    random = np.random.default_rng(20240229)
    return (2.0 * random.integers(0, 2**52, COUNT) + 1.0) * 2.0**-53


@pytest.mark.parametrize(
    ("function", "values"),
    [
        (math.log, uniforms()),
        (math.log, np.exp(np.linspace(-700.0, 700.0, COUNT))),
        (math.exp, np.linspace(-745.0, 709.0, COUNT)),
        (math.exp, uniforms() * 10.0 - 5.0),
        (math.sqrt, uniforms() * 40.0),
        (math.floor, uniforms() * 1e9),
    ],
    ids=["log uniform", "log wide", "exp wide", "exp narrow", "sqrt", "floor"],
)
def test_compiled_functions_are_cpythons(fill_with, function, values):
    out = np.empty(values.size)
    fill_with(function)(values, out)
    expected = np.array([function(value) for value in values.tolist()], dtype=np.float64)
    assert int((out.view(np.int64) != expected.view(np.int64)).sum()) == 0


def test_powers_by_exp_and_log_are_cpythons(fill_with):
    """As the samplers write them; ``**`` itself is used nowhere in compiled code."""

    def power(x):
        return math.exp(math.log(x) * 0.37)

    numba = pytest.importorskip("numba")
    values, out = uniforms(), np.empty(COUNT)
    fill_with(numba.njit(power))(values, out)
    expected = np.array([power(value) for value in values.tolist()])
    assert np.array_equal(out, expected)

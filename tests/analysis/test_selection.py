"""Ranking and selection: constants of published tables, and the promise itself."""

import math

import numpy as np
import pytest
from scipy import stats

from eda_sim.analysis.selection import rinott_constant, rinott_plan, select_best

# A. M. Law, "Simulation Modeling and Analysis", table of h1 for two systems, in which the constants
# of Dudewicz and Dalal and of Rinott are the same: (first stage, confidence): constant.
PUBLISHED = {(20, 0.90): 1.896, (40, 0.90): 1.852, (20, 0.95): 2.453, (40, 0.95): 2.386}


@pytest.mark.parametrize(("first_stage", "confidence"), PUBLISHED)
def test_constants_are_the_published_ones(first_stage, confidence):
    found = rinott_constant(scenarios=2, first_stage=first_stage, confidence=confidence)
    assert found == pytest.approx(PUBLISHED[first_stage, confidence], abs=1e-3)


@pytest.mark.parametrize("scenarios", [2, 3, 5, 10])
def test_with_a_long_first_stage_it_is_the_constant_of_known_variances(scenarios):
    known = math.sqrt(2) * stats.norm.ppf(0.95 ** (1 / (scenarios - 1)))
    found = rinott_constant(scenarios=scenarios, first_stage=100_000)
    assert found == pytest.approx(known, rel=1e-4)


@pytest.mark.parametrize("scenarios", [3, 10])
def test_the_constant_solves_its_equation(scenarios):
    constant = rinott_constant(scenarios=scenarios, first_stage=10)
    random = np.random.default_rng(1)
    best = 1 / random.chisquare(9, (200_000, 1))
    others = 1 / random.chisquare(9, (200_000, scenarios - 1))
    noise = random.normal(size=others.shape) * np.sqrt(9 * (best + others))
    assert np.mean((noise <= constant).all(axis=1)) == pytest.approx(0.95, abs=0.0025)


def test_two_stages_select_the_best():
    random = np.random.default_rng(2)
    means, spreads = np.array([1.0, 1.5, 1.5, 1.5]), np.array([1.0, 0.5, 1.0, 2.0])
    right = 0
    for _ in range(300):
        first = {str(i): random.normal(means[i], spreads[i], 10) for i in range(4)}
        plan = rinott_plan(first, indifference=0.5)
        totals = [
            np.concatenate([first[row.name], random.normal(means[i], spreads[i], row.needed - 10)])
            for i, row in enumerate(plan.set_index("name", drop=False).itertuples(index=False))
        ]
        right += int(np.argmin([total.mean() for total in totals])) == 0
    assert right >= 270  # at least 95 % of 300 less four standard errors


@pytest.mark.parametrize("common", [0.0, 3.0])
def test_elimination_selects_the_best_with_and_without_common_random_numbers(common):
    random = np.random.default_rng(3)
    means = {"a": 1.5, "b": 1.0, "c": 1.5, "d": 1.8}
    right, runs = 0, 0
    for _ in range(200):
        shared = common * random.normal(size=20_000)
        table = select_best(
            lambda name, number, shared=shared: means[name] + shared[number] + random.normal(),
            list(means),
            indifference=0.5,
        )
        assert table["is_left"].sum() == 1
        right += table["name"].iloc[0] == "b"
        runs += int(table["n"].sum())
    assert right >= 178  # at least 95 % of 200 less four standard errors
    assert runs / 200 < 4 * 250


def test_the_largest_can_be_the_best_and_the_cap_is_kept():
    noise = np.random.default_rng(4).normal(size=(2, 100))
    table = select_best(
        lambda name, number: noise[int(name), number],
        ["0", "1"],
        indifference=1e-3,
        largest=True,
        at_most=50,
    )
    assert table["is_left"].all()
    assert table["n"].tolist() == [50, 50]
    means = sorted(noise[:, :50].mean(axis=1), reverse=True)
    assert table["mean"].tolist() == pytest.approx(means)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: rinott_constant(scenarios=1, first_stage=10), "scenarios is 1"),
        (lambda: rinott_constant(scenarios=4, first_stage=10, confidence=0.2), "confidence is 0.2"),
        (lambda: rinott_plan({"a": [1.0, 2.0]}, indifference=0), "indifference is 0"),
        (lambda: rinott_plan({"a": [1.0, 2.0], "b": [1.0]}, indifference=1), "equally many"),
        (lambda: select_best(lambda *_: 1.0, ["a"], indifference=1), "1 names"),
        (lambda: select_best(lambda *_: 1.0, ["a", "a"], indifference=1), "different names"),
        (
            lambda: select_best(lambda *_: 1.0, ["a", "b"], indifference=1, confidence=0.5),
            "between 1 / 2 and 1",
        ),
    ],
)
def test_what_cannot_be_asked(ask, message):
    with pytest.raises(ValueError, match=message):
        ask()

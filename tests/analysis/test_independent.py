"""Order statistics, shares, quantiles over runs, sequential stopping and many comparisons."""

import math

import numpy as np
import pytest
from scipy import stats

from eda_sim.analysis.multiple import compare_many
from eda_sim.analysis.order_statistics import quantile_of_independent, quantile_over_replications
from eda_sim.analysis.proportions import wilson
from eda_sim.analysis.sequential import until_known


@pytest.mark.parametrize(("n", "q"), [(10, 0.5), (50, 0.1), (100, 0.9), (500, 0.99), (37, 0.3)])
def test_order_statistics_cover_exactly_as_much_as_the_binomial_says(n, q):
    estimate = quantile_of_independent(np.arange(1, n + 1), q)
    r = 0 if estimate.low == -math.inf else int(estimate.low)
    s = n + 1 if estimate.high == math.inf else int(estimate.high)
    below = stats.binom(n, q)
    # The quantile is between the r-th and the s-th if r to s - 1 observations are below it.
    assert below.cdf(s - 1) - below.cdf(r - 1) >= 0.95
    assert below.cdf(r - 1) <= 0.025 < below.cdf(r)  # the largest r
    assert below.sf(s - 1) <= 0.025 < below.sf(s - 2)  # the smallest s


def test_too_few_observations_leave_an_end_open():
    assert quantile_of_independent(range(367), 0.99).high == math.inf
    assert quantile_of_independent(range(368), 0.99).high == 367
    assert quantile_of_independent([1.0], 0.5)[1:] == (-math.inf, math.inf)
    assert all(map(math.isnan, quantile_of_independent([], 0.5)))
    with pytest.raises(ValueError, match="probability is 1"):
        quantile_of_independent([1.0], 1)


def test_quantiles_over_runs_allow_for_what_runs_have_in_common():
    random = np.random.default_rng(1)
    alike = random.normal(size=(10, 1)) + 0.1 * random.normal(size=(10, 1000))
    apart = np.sqrt(1.01) * random.normal(size=(10, 1000))
    together, separate = (quantile_over_replications(list(runs), 0.5) for runs in (alike, apart))
    assert together.half_width > 8 * separate.half_width


def test_quantiles_over_runs_of_different_length():
    random = np.random.default_rng(2)
    covered = 0
    for _ in range(500):
        runs = [random.exponential(size=size) for size in (100, 3000, 500, 2000, 900, 1500)]
        estimate = quantile_over_replications(runs, 0.95)
        assert estimate.value == np.sort(np.concatenate(runs))[math.ceil(0.95 * 8000) - 1]
        covered += estimate.holds(-math.log(0.05))
    assert covered >= 447  # 94 % in the long run, less four standard errors
    assert math.isnan(quantile_over_replications(runs[:1], 0.5).low)
    assert all(map(math.isnan, quantile_over_replications([[]], 0.5)))
    assert quantile_over_replications([[1.0, 2.0], [1.5, 9.0]], 0.99).high == math.inf


@pytest.mark.parametrize(("k", "n"), [(0, 10), (1, 10), (5, 10), (10, 10), (81, 263), (15, 148)])
def test_wilson_is_scipys(k, n):
    theirs = stats.binomtest(k, n).proportion_ci(method="wilson")
    estimate = wilson(k, n)
    assert estimate == pytest.approx((k / n, theirs.low, theirs.high), abs=1e-12)


def test_wilson_refuses_what_cannot_be():
    assert all(map(math.isnan, wilson(0, 0)))
    with pytest.raises(ValueError, match="successes is 3"):
        wilson(3, 2)


def test_sequential_stopping_knows_the_mean_as_well_as_it_says():
    random = np.random.default_rng(3)
    within = 0
    for _ in range(300):
        found = until_known(lambda _: random.normal(10, 1), relative=0.03)
        assert found.is_reached
        assert found.replications == len(found.table) >= 10
        within += abs(found.estimate.value - 10) <= 0.03 * 10
    assert within >= 270  # 95 % less four standard errors of 1.3 %


def test_sequential_stopping_stops_at_the_cap_and_asks_for_each_run_once():
    asked = []

    def replicate(number: int) -> float:
        asked.append(number)
        return float(number % 2)

    found = until_known(replicate, relative=0.001, at_most=25)
    assert not found.is_reached
    assert asked == list(range(25))
    last = found.table.iloc[-1]
    assert (last["mean"], last["low"], last["high"]) == found.estimate


def test_sequential_stopping_refuses_what_it_cannot_do():
    with pytest.raises(ValueError, match="relative is 0"):
        until_known(lambda _: 1.0, relative=0)
    with pytest.raises(ValueError, match="at_least is 1"):
        until_known(lambda _: 1.0, at_least=1)
    with pytest.raises(ValueError, match="replication 0 gave nan"):
        until_known(lambda _: math.nan)


def test_all_intervals_of_many_comparisons_hold_at_once():
    random = np.random.default_rng(4)
    names = "abcde"
    every = some = 0
    for _ in range(500):
        common = random.normal(size=12)
        values = {name: common + random.normal(size=12) for name in names}
        table = compare_many(values)
        every += bool(((table["low"] <= 0) & (table["high"] >= 0)).all())
        some += not table["is_different"].any()
    assert len(table) == 10
    assert every == some >= 455  # at least 95 % of 500 less four standard errors


def test_comparison_with_a_control_is_narrower_than_all_pairs():
    random = np.random.default_rng(5)
    values = {name: random.normal(size=20) + 3 * (name == "c") for name in "abcd"}
    control = compare_many(values, control="a")
    pairs = compare_many(values).set_index(["first", "second"])
    assert control["second"].tolist() == ["b", "c", "d"]
    assert control["is_different"].tolist() == [False, True, False]
    for row in control.itertuples():
        other = pairs.loc[("a", row.second)]
        assert row.difference == other["difference"]
        assert row.high - row.low < other["high"] - other["low"]


@pytest.mark.parametrize(
    ("values", "control", "message"),
    [
        ({"a": [1.0, 2.0]}, None, "1 scenarios"),
        ({"a": [1.0, 2.0], "b": [1.0]}, None, r"of \[1, 2\] replications"),
        ({"a": [1.0, 2.0], "b": [1.0, 3.0]}, "c", "must be one of a, b"),
    ],
)
def test_comparisons_that_cannot_be_made(values, control, message):
    with pytest.raises(ValueError, match=message):
        compare_many(values, control=control)

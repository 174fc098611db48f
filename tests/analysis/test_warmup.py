"""Warm-up: known truncations, and what a run without one looks like."""

import numpy as np
import pytest

from eda_sim import theory
from eda_sim.analysis.warmup import mser5, welch


def direct(values: np.ndarray) -> tuple[int, float]:
    """MSER-5 as it is written down, without sums from the end."""
    count = values.size // 5
    means = [values[5 * i : 5 * i + 5].mean() for i in range(count)]
    best, cut = np.inf, 0
    for d in range(count // 2 + 1):
        rest = np.array(means[d:])
        statistic = np.square(rest - rest.mean()).sum() / rest.size**2
        if statistic < best - 1e-12 * abs(best if np.isfinite(best) else 0):
            best, cut = statistic, d
    return 5 * cut, float(np.mean(means[cut:]))


@pytest.mark.parametrize("seed", range(20))
def test_mser5_is_its_definition(seed):
    random = np.random.default_rng(seed)
    size = int(random.integers(10, 700))
    values = 1e6 * (seed % 2) + random.normal(size=size) + 4 * 0.95 ** np.arange(size)
    found = mser5(values)
    assert (found.observations, found.mean) == pytest.approx(direct(values), rel=1e-9)


def test_the_start_of_a_queue_from_empty_is_cut_off():
    random = np.random.default_rng(2)
    shape = (200, 4000)
    waits = theory.lindley_waits(
        intervals=random.exponential(1 / 0.8, shape), services=random.exponential(1, shape)
    )
    whole, cut = waits.mean(), np.mean([mser5(row).mean for row in waits])
    truth = theory.mm1(arrival_rate=0.8, service_rate=1).mean_wait
    cuts = [mser5(row).observations for row in waits]
    assert np.median(cuts) < 2000
    assert abs(cut - truth) < 0.5
    assert whole < truth


def test_a_run_that_never_settles_is_said_not_to():
    assert not mser5(np.arange(1000.0)).is_settled
    assert mser5(np.random.default_rng(3).normal(size=1000)).is_settled


def test_short_and_wrong_runs():
    assert mser5([1.0, 2.0]).observations == 0
    assert np.isnan(mser5([1.0, 2.0]).mean)
    with pytest.raises(ValueError, match="batch is 0"):
        mser5([1.0], batch=0)
    with pytest.raises(ValueError, match="not a finite number"):
        mser5([1.0, float("nan")])


def test_welch_averages_runs_and_neighbours():
    random = np.random.default_rng(4)
    runs = random.normal(size=(5, 40))
    table = welch(list(runs), window=4)
    mean = runs.mean(axis=0)
    assert np.allclose(table["mean"], mean)
    assert table["smoothed"].iloc[0] == pytest.approx(mean[0])
    assert table["smoothed"].iloc[2] == pytest.approx(mean[:5].mean())
    assert table["smoothed"].iloc[20] == pytest.approx(mean[16:25].mean())
    assert table["smoothed"].iloc[35] == pytest.approx(mean[31:40].mean())
    assert table["smoothed"].iloc[36:].isna().all()


def test_welch_cuts_to_the_shortest_run_and_refuses_a_wide_window():
    assert len(welch([[1.0] * 8, [3.0] * 12], window=2)) == 8
    with pytest.raises(ValueError, match="a quarter of the observations, 8"):
        welch([[1.0] * 8], window=3)
    with pytest.raises(ValueError, match="at least one run"):
        welch([], window=0)

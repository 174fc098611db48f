"""What variants say in words: an interval only where there is one."""

from types import SimpleNamespace

import numpy as np
import pytest

from eda_sim.analysis.intervals import quantile_intervals
from eda_sim.widgets.wording import SHORT, UNSTEADY, told


def variant(name, seconds):
    """Return what the words are made from, of latencies that are given."""
    counts = {"messages": len(seconds), "pending": 0, "lost": 0, "duplicated": 0}
    return SimpleNamespace(
        name=name,
        consumer="billing",
        seconds=seconds,
        counts=counts,
        percentile=lambda share: quantile_intervals(seconds, [share])[0],
    )


@pytest.fixture
def steady():
    return np.random.default_rng(1).exponential(0.1, 50_000)


def test_a_steady_run_has_an_interval(steady):
    (said,) = told([variant("A", steady)])
    assert "p50 69 ms (" in said
    assert said.count(" to ") == 2


def test_a_short_run_has_none(steady):
    (said,) = told([variant("A", steady[:50])])
    assert SHORT in said


def test_a_run_with_an_outage_is_no_steady_state(steady):
    crashed = steady.copy()
    crashed[10_000:14_000] += np.linspace(100, 0, 4000) * (crashed[10_000:14_000] > 0.05)
    before, after, between = told([variant("A", steady), variant("B", crashed)])
    assert UNSTEADY not in before
    assert f"s ({UNSTEADY})" in after
    assert f"times ({UNSTEADY})" in between

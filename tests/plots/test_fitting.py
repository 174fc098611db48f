"""Plots of fits draw what their tables say."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

import eda_sim as es
from eda_sim.plots import fitting, style

RNG = np.random.default_rng(5)
SAMPLE = RNG.lognormal(-4, 1, size=2_000)
TWO_KINDS = np.concatenate([RNG.lognormal(-4, 0.2, 900), RNG.lognormal(-2, 0.2, 100)])


def points(ax, color):
    chosen = [line for line in ax.lines if to_hex(line.get_color()) == color.lower()]
    return [] if not chosen else list(zip(*chosen[0].get_data(), strict=True))


def test_qq_draws_the_quantiles_within_the_band_and_those_outside():
    fit = es.fit(SAMPLE, resamples=0)
    table = fit.quantiles()
    ax = fit.plot.qq()
    inside = table["sample_s"].between(table["low_s"], table["high_s"])
    expected = list(zip(table["model_s"][inside], table["sample_s"][inside], strict=True))
    assert points(ax, style.BLUE) == expected
    assert len(points(ax, style.VERMILION)) == (~inside).sum()
    assert ax.get_title(loc="left") == "The sample is as lognormal as one can see"
    for label in (ax.get_xlabel(), ax.get_ylabel()):
        assert label.startswith("duration")
        assert label.endswith("[log scale]")
    assert {text.get_text() for text in ax.texts} == {"p50", "p90", "p99", "p99.9"}


def test_qq_says_when_the_family_is_not_the_one():
    ax = es.fit(TWO_KINDS, resamples=0).plot.qq("exponential")
    title = ax.get_title(loc="left")
    assert title.startswith("Not an exponential: ")
    assert "leave the band" in title
    assert len(points(ax, style.VERMILION)) > 100


def test_rate_draws_counts_and_the_plan():
    pieces = [RNG.uniform(0, 50, 500), RNG.uniform(50, 100, 5_000)]
    fit = es.fit(np.concatenate(pieces), "arrivals", resamples=0)
    table = fit.over_time()
    ax = fit.plot.rate()
    measured, fitted = ax.patches
    assert np.array_equal(measured.get_data().values, table["rate"])
    assert np.array_equal(fitted.get_data().values, table["expected"])
    assert ax.get_title(loc="left") == "The rate follows a plan"
    assert (ax.get_xlabel(), ax.get_ylabel()) == (
        "time since the first arrival [s]",
        "arrivals [1/s]",
    )
    steady = es.fit(RNG.uniform(0, 50, 500), "arrivals", resamples=0).plot.rate()
    assert steady.get_title(loc="left") == "Arrivals around one rate in the long run"


@pytest.mark.parametrize("name", ["service", "gaps", "rate"])
def test_a_fitted_scenario_has_the_figures_of_its_parts(name):
    created = np.cumsum(RNG.exponential(1.0, size=300))
    service = RNG.exponential(0.3, size=300)
    log = pd.DataFrame({"created": created, "started": created, "finished": created + service})
    fit = es.fit(log, resamples=0)
    ax = style.axes_or_new(None)
    assert getattr(fit.plot, name)(ax=ax) is ax
    words = {"service": "service time", "gaps": "time between arrivals", "rate": "time since"}
    assert ax.get_xlabel().startswith(words[name])


def test_a_title_of_ones_own_is_taken():
    table = es.fit(SAMPLE, resamples=0).quantiles()
    assert fitting.qq(table, title="Mine").get_title(loc="left") == "Mine"

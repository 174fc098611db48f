"""A scenario that was fitted to the trace of a run behaves as that run, at a higher load too."""

import numpy as np
import pytest

import eda_sim as es
from tests.fitting.worlds import WORLDS, log_of, percentiles, run_of

EXPECTED = {
    "exponential": ("poisson", "exponential", 1),
    "lognormal": ("poisson", "lognormal", 1),
    "bursts": ("mmpp", "exponential", 2),
    "several instances": ("poisson", "lognormal", 8),
    "steady arrivals, mixed services": ("renewal", "hyperexponential", 3),
    "two kinds of messages": ("poisson", "as_is", 1),
}


IN_EVERY_RUN = {"bursts", "steady arrivals, mixed services"}
"""Worlds of different kinds; the soak takes all of them."""


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        name if name in IN_EVERY_RUN else pytest.param(name, marks=pytest.mark.soak)
        for name in WORLDS
    ],
)
def test_a_fitted_scenario_reproduces_the_run_and_foretells_a_higher_load(name):
    original = WORLDS[name]
    log = log_of(run_of(original, seed=5))
    fit = es.fit(log, resamples=99)
    assert (fit.arrivals.chosen, fit.service.chosen, fit.workers.number) == EXPECTED[name]

    fitted = es.load(fit.text)  # what is in the file is what counts
    assert fitted == fit.scenario
    long = {"duration": None, "messages": 300_000, "warmup": "0s", "drain": True}
    fitted = fitted.replace(long)
    observed = np.quantile(log["finished_at"] - log["created_at"], [0.5, 0.95, 0.99])
    same = percentiles(fitted, seeds=range(10, 13)) / observed - 1
    assert np.abs(same).max() < 0.05

    truth = percentiles(es.at_load(original, 1.3), seeds=range(10, 13))
    more = percentiles(es.at_load(fitted, 1.3), seeds=range(10, 13)) / truth - 1
    assert np.abs(more).max() < 0.10
    # Without the load nothing would be foretold: the truth is another one there.
    assert np.abs(truth / observed - 1).max() > 0.10


@pytest.mark.slow
def test_the_log_itself_can_be_repeated():
    log = log_of(run_of(WORLDS["bursts"].replace({"messages": 20_000}), seed=5))
    fit = es.fit(log, as_is=True, resamples=0)
    run = es.run(fit.scenario, engine="compiled")
    assert fit.scenario.producers["clients"].arrivals.type == "trace"
    assert len(run.messages) == 20_000
    moments = np.sort(log["created_at"].to_numpy())
    assert np.abs(run.messages["created_at"] - (moments - moments[0])).max() < 2e-9
    observed = np.quantile(log["finished_at"] - log["created_at"], [0.5, 0.95])
    again = log_of(run)
    simulated = np.quantile(again["finished_at"] - again["created_at"], [0.5, 0.95])
    assert simulated == pytest.approx(observed, rel=0.08)

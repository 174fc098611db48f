"""Arrival processes: each is recognised, its parameters are found, Poisson is tested rightly."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.linalg import expm

import eda_sim as es
from eda_sim.fitting import bursts, chance
from eda_sim.fitting.arrivals import fit_arrivals
from eda_sim.fitting.loads import at_load, faster, stretched
from eda_sim.fitting.plans import most_likely_plan
from eda_sim.spec import Mixture, PiecewiseArrivals, TraceArrivals


def switching(size, rates, durations, seed):
    """Arrivals whose rate jumps between two values."""
    rng, pieces, now, state, count = np.random.default_rng(seed), [], 0.0, 0, 0
    while count < size:
        length = rng.exponential(durations[state])
        number = rng.poisson(rates[state] * length)
        pieces.append(now + np.sort(rng.uniform(0, length, number)))
        now, state, count = now + length, 1 - state, count + number
    return np.concatenate(pieces)


def planned(rates, durations, seed):
    rng, pieces, now = np.random.default_rng(seed), [], 0.0
    for rate, length in zip(rates, durations, strict=True):
        pieces.append(now + np.sort(rng.uniform(0, length, rng.poisson(rate * length))))
        now += length
    return np.concatenate(pieces)


def gaps(size, seed, **law):
    rng = np.random.default_rng(seed)
    (name, parameters), *_ = law.items()
    return np.cumsum(getattr(rng, name)(*parameters, size=size))


STREAMS = {
    "poisson": lambda seed: gaps(20_000, seed, exponential=(0.01,)),
    "renewal": lambda seed: gaps(20_000, seed, gamma=(3, 0.01)),
    "mmpp": lambda seed: switching(40_000, (100.0, 20.0), (1.0, 2.0), seed),
    "piecewise": lambda seed: planned((100.0, 300.0, 80.0), (60.0, 30.0, 60.0), seed),
    "constant": lambda seed: 1000.0 * seed + np.arange(2_000) * 0.005,
}


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize("seed", [1, 2])
def test_the_process_that_it_was_is_the_one_that_is_chosen(name, seed):
    fit = es.fit(STREAMS[name](seed), "arrivals", resamples=0)
    assert fit.chosen == name
    assert fit.arrivals.type == name
    scenario = es.load("mm1").replace(
        {"producers.clients": {"to": "jobs", "arrivals": fit.arrivals}}
    )
    assert es.load(es.dump(scenario)) == scenario
    again = scenario.replace({"producers.clients.arrivals": fit.text})
    assert again == scenario


def test_bursts_have_their_true_parameters_in_99_percent_intervals():
    true = {"rate_1": 100.0, "rate_2": 20.0, "mean_duration_1": 1.0, "mean_duration_2": 2.0}
    fit = fit_arrivals(STREAMS["mmpp"](3), confidence=0.99, resamples=0)
    table = fit.parameters[fit.parameters["process"] == "mmpp"].set_index("parameter")
    for name, value in true.items():
        assert table.loc[name, "low"] <= value <= table.loc[name, "high"], name
        assert table.loc[name, "high"] - table.loc[name, "low"] < 0.4 * value
    assert "jumps between" in fit.explanation
    assert "the gaps are independent" in fit.explanation


def test_likelihood_of_bursts_is_that_of_matrix_exponentials():
    rates, durations = (50.0, 5.0), (0.3, 0.9)
    parameters = dict(zip(bursts.NAMES, (*rates, *durations), strict=True))
    sample = np.random.default_rng(3).exponential(0.05, size=13)
    generator = np.array([[-1, 1], [1, -1]]) / np.array(durations)[:, None]
    state = np.array([rates[0] * durations[0], rates[1] * durations[1]])
    state /= state.sum()
    for gap in sample:
        state = state @ expm((generator - np.diag(rates)) * gap) @ np.diag(rates)
    assert bursts.log_likelihood(parameters, sample) == pytest.approx(np.log(state.sum()))


def test_likelihood_of_bursts_survives_long_and_extreme_streams():
    parameters = dict(zip(bursts.NAMES, (1e4, 1e-3, 1e-2, 1e2), strict=True))
    sample = np.concatenate([np.full(50_000, 1e-4), [500.0], np.zeros(3)])
    assert np.isfinite(bursts.log_likelihood(parameters, sample))


def test_a_plan_has_its_rates_and_the_moments_of_change():
    times = STREAMS["piecewise"](5)
    fit = fit_arrivals(times, confidence=0.99, resamples=0)
    table = fit.parameters[fit.parameters["process"] == "piecewise"].set_index("parameter")
    for name, rate in (("rate_1", 100), ("rate_2", 300), ("rate_3", 80)):
        assert table.loc[name, "low"] <= rate <= table.loc[name, "high"]
    assert fit.arrivals.durations == pytest.approx((60, 30), abs=0.3)
    assert fit.over_time()["expected"].nunique() == 3
    assert fit.over_time()["count"].sum() == times.size


def test_the_plan_is_the_best_of_all_cuts():
    rng = np.random.default_rng(8)
    times = np.sort(np.concatenate([rng.uniform(0, 10, 60), rng.uniform(10, 14, 80)]))
    times -= times[0]
    plan = most_likely_plan(times)
    edges = times[np.linspace(0, times.size - 1, (times.size - 1) // 5 + 1).round().astype(int)]

    def likelihood(cut):
        n1 = np.sum((times > 0) & (times <= cut))
        n2, whole = times.size - 1 - n1, times[-1]
        return n1 * np.log(n1 / cut) + n2 * np.log(n2 / (whole - cut)) - n1 - n2

    best = max(likelihood(cut) for cut in edges[1:-1])
    assert len(plan.counts) == 2
    assert plan.log_likelihood == pytest.approx(best)


@pytest.mark.parametrize(
    ("test", "wrong"),
    [
        (lambda t: chance.ljung_box(np.diff(t))[1], "mmpp"),
        (lambda t: chance.conditional_uniformity(t)[1], "piecewise"),
        (lambda t: chance.dispersion(t)[1], "mmpp"),
        (lambda t: chance.dispersion(t)[1], "renewal"),
    ],
)
def test_tests_are_fair_to_poisson_and_hard_on_the_rest(test, wrong):
    p_values = [test(gaps(2_000, seed, exponential=(0.01,))) for seed in range(300)]
    assert stats.kstest(p_values, "uniform").pvalue > 0.001
    assert test(STREAMS[wrong](1)) < 1e-4


def test_poisson_is_rarely_taken_for_something_else():
    chosen = [
        fit_arrivals(gaps(400, seed, exponential=(1.0,)), resamples=0).chosen for seed in range(40)
    ]
    assert chosen.count("poisson") >= 38


@settings(max_examples=15)
@given(scale=st.floats(1e-5, 1e5), shift=st.floats(-1e3, 1e3), seed=st.integers(0, 999))
def test_another_unit_and_another_start_change_nothing_else(scale, shift, seed):
    times = gaps(150, seed, gamma=(2, 0.5))
    one, other = (fit_arrivals(t, resamples=0) for t in (times, (times + shift) * scale))
    assert one.chosen == other.chosen
    assert other.rate == pytest.approx(one.rate / scale, rel=1e-6)


def test_the_order_of_timestamps_does_not_matter_and_an_epoch_neither():
    times = gaps(500, 1, exponential=(1.0,))
    shuffled = np.random.default_rng(1).permutation(times) + 1.7e9
    assert fit_arrivals(shuffled, resamples=0).rate == pytest.approx(
        fit_arrivals(times, resamples=0).rate, rel=1e-6
    )


def test_as_is_repeats_the_times_and_says_when_there_are_too_many():
    fit = fit_arrivals([5.0, 1.0, 2.5], resamples=0)
    assert fit.as_is.times == (0.0, 1.5, 4.0)
    with pytest.raises(es.FitError, match=r"20,001 arrivals are more than the 20,000"):
        _ = fit_arrivals(np.arange(20_001.0), resamples=0).as_is


def test_few_gaps_show_no_bursts_and_the_fit_says_so():
    fit = fit_arrivals(gaps(50, 1, exponential=(1.0,)), resamples=0)
    assert fit.left_out["mmpp"] == "fewer than 100 gaps do not show bursts"
    assert fit.left_out["piecewise"] == "the rate does not change"


@pytest.mark.parametrize(
    ("times", "message"),
    [
        ([1.0, 2.0], "times: 2 values are too few; at least 3 are needed"),
        ([3.0] * 5, "times: all 5 are the same; arrivals need time between them"),
        ([1.0, 2.0, np.nan], "times: value 3 is nan; seconds must be finite"),
        (["x"], "times: must be numbers"),
    ],
)
def test_what_is_no_stream_is_one_clear_error(times, message):
    with pytest.raises(es.FitError) as caught:
        es.fit(times, "arrivals")
    assert str(caught.value).startswith(message)


def test_a_load_multiplies_rates_and_nothing_else():
    for name in ("poisson", "renewal", "mmpp", "constant"):
        arrivals = fit_arrivals(STREAMS[name](1), resamples=0).arrivals
        more = faster(arrivals, 1.3)
        assert more.rate == pytest.approx(1.3 * arrivals.rate)
        assert more.type == arrivals.type
    assert faster(TraceArrivals(times=(1.0, 2.0)), 2).times == (0.5, 1.0)
    plan = PiecewiseArrivals(rates=(1.0, 2.0), durations=(5.0, 6.0), repeat=True)
    assert faster(plan, 3) == PiecewiseArrivals(rates=(3.0, 6.0), durations=(5.0, 6.0), repeat=True)
    with pytest.raises(es.ScenarioError):
        at_load(es.load("mm1"), 0)


@pytest.mark.parametrize(
    "text",
    [
        "20ms",
        "uniform(low=1ms, high=3ms)",
        "exponential(rate=50/s)",
        "lognormal(mean=20ms, p99=90ms)",
        "lognormal(median=20ms, cv=2)",
        "erlang(mean=20ms, stages=3)",
        "hyperexponential(means=[1ms, 20ms], probabilities=[0.3, 0.7])",
        "weibull(scale=20ms, shape=0.7)",
        "pareto(minimum=20ms, shape=2.5)",
        "empirical(values=[1ms, 5ms])",
        "mixture(components=[5ms, exponential(rate=4/s)], weights=[3, 1])",
    ],
)
def test_a_stretched_distribution_has_its_mean_stretched_and_its_shape_kept(text):
    world = es.load("mm1").replace({"consumers.worker.service": text})
    service = world.consumers["worker"].service
    longer = stretched(service, 2.5)
    assert longer.mean == pytest.approx(2.5 * service.mean)
    assert longer.scv == pytest.approx(service.scv)
    assert isinstance(longer, Mixture) == text.startswith("mixture")

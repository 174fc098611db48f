"""Arrivals: rates that jump, rates that follow a plan, and messages in bulk, against theory."""

from __future__ import annotations

from itertools import islice, pairwise, takewhile

import numpy as np
import pytest
from scipy import stats

from eda_sim import theory
from eda_sim.engine.execute import execute
from eda_sim.engine.plan import make_plan
from eda_sim.engine.reference.arrivals import moments
from eda_sim.engine.reference.model import Model
from eda_sim.engine.reference.users import UserCode
from eda_sim.engine.streams.rates import USED_UP, use_up
from tests.engine.worlds import SECOND, at, deliveries, messages, world

pytestmark = pytest.mark.rule("P1", "P2", "P3")


def model_of(scenario) -> Model:
    plan = make_plan(scenario)
    return Model(plan, UserCode(plan.names, {}, {}))


def arrival_times(arrivals: str, *, seed: int = 1, most: int = 10**9, **producer) -> np.ndarray:
    """Return the first moments of a producer in seconds, without running a system behind it."""
    scenario = world(
        seed=seed,
        messages=most,
        producer={"arrivals": arrivals, **producer},
        consumer={"service": 0},
    )
    found = islice(moments(model_of(scenario), 0), most)
    return np.fromiter(found, dtype=np.int64) / SECOND


def until(arrivals: str, end_s: float, seed: int = 1) -> np.ndarray:
    scenario = world(
        seed=seed, messages=1, producer={"arrivals": arrivals}, consumer={"service": 0}
    )
    found = moments(model_of(scenario), 0)
    return np.fromiter(takewhile(lambda t: t < end_s * SECOND, found), dtype=np.int64) / SECOND


class Mmpp2:
    """Two states: moments of counts and intervals by Fischer and Meier-Hellstern (1993)."""

    def __init__(self, rates: tuple[float, float], durations: tuple[float, float]) -> None:
        self.rates, self.durations = rates, durations
        leave = 1 / np.array(durations)
        self.generator = np.array([[-leave[0], leave[0]], [leave[1], -leave[1]]])
        self.lambdas = np.diag(rates)
        share = np.array(durations) / sum(durations)
        self.rate = float(share @ np.array(rates))
        self.first = share @ self.lambdas / self.rate

    def interval_correlation(self) -> float:
        stay = np.linalg.inv(self.lambdas - self.generator)
        ones = np.ones(2)
        mean = self.first @ stay @ ones
        square = 2 * self.first @ stay @ stay @ ones
        product = self.first @ stay @ (stay @ self.lambdas) @ stay @ ones
        return float((product - mean**2) / (square - mean**2))

    def dispersion(self) -> float:
        """Variance over mean of the count in a long time (equation 15 of the cookbook)."""
        (a, b), (s, t) = self.rates, 1 / np.array(self.durations)
        return float(1 + 2 * (a - b) ** 2 * s * t / ((s + t) ** 2 * (a * t + b * s)))

    def spelt(self) -> str:
        return (
            f"mmpp(rates=[{self.rates[0]}, {self.rates[1]}], "
            f"mean_durations=[{self.durations[0]}, {self.durations[1]}])"
        )


BURSTS = Mmpp2((30.0, 2.0), (1.0, 3.0))
ON_OFF = Mmpp2((50.0, 0.0), (0.5, 1.5))


@pytest.mark.parametrize("law", [BURSTS, ON_OFF], ids=["bursts", "on-off"])
def test_mmpp_has_its_mean_rate_and_dispersion(law):
    horizon = 400.0
    counts = [until(law.spelt(), horizon, seed).size for seed in range(120)]
    error = (law.dispersion() * law.rate * horizon / len(counts)) ** 0.5
    assert np.mean(counts) == pytest.approx(law.rate * horizon, abs=3 * error)
    # The variance of that many counts is a chi-square over its degrees of freedom.
    ratio = np.var(counts, ddof=1) / np.mean(counts) / law.dispersion()
    low, high = stats.chi2.ppf([0.005, 0.995], len(counts) - 1) / (len(counts) - 1)
    assert low < ratio < high
    assert law.dispersion() > 5, "a Poisson stream would pass"


@pytest.mark.parametrize("law", [BURSTS, ON_OFF], ids=["bursts", "on-off"])
def test_mmpp_correlates_neighbouring_intervals(law):
    found = []
    for seed in range(20):
        gaps = np.diff(arrival_times(law.spelt(), seed=seed, most=8_000))
        found.append(np.corrcoef(gaps[:-1], gaps[1:])[0, 1])
    margin = stats.t.ppf(0.995, len(found) - 1) * stats.sem(found)
    assert np.mean(found) == pytest.approx(law.interval_correlation(), abs=margin)
    if law is BURSTS:
        assert law.interval_correlation() > 0.1 > margin


def test_mmpp_is_stationary_from_the_first_moment():
    rates = [(until(BURSTS.spelt(), 0.5, seed).size) / 0.5 for seed in range(600)]
    # In so short a time the state hardly changes: the count is Poisson of the first state's rate.
    margin = 3 * np.std(rates) / len(rates) ** 0.5
    assert np.mean(rates) == pytest.approx(BURSTS.rate, abs=margin)
    assert margin < 0.25 * BURSTS.rate


def test_mmpp_visits_its_states_in_turn():
    # Rates so far apart that each visit shows: silence, slow, fast, and round again.
    spelt = "mmpp(rates=[0/s, 100/s, 10000/s], mean_durations=[2s, 2s, 2s])"
    times = until(spelt, 80.0, seed=3)
    rate = np.histogram(times, bins=np.arange(0, 80.1, 0.1))[0] / 0.1
    state = np.where(rate == 0, 0, np.where(rate < 300, 1, 2))
    runs = state[np.flatnonzero(np.diff(state, prepend=-1))]
    changes = list(pairwise(runs))
    in_turn = sum((after - before) % 3 == 1 for before, after in changes)
    assert len(changes) > 20
    assert in_turn > 0.9 * len(changes)  # a bin that a change cuts may look like a third state


def test_piecewise_rates_hold_in_their_segments():
    rates, length = np.array([40.0, 5.0, 90.0, 0.0]), 2.0
    spelt = "piecewise(rates=[40/s, 5/s, 90/s, 0/s], durations=[2s, 2s, 2s, 2s], repeat=true)"
    periods = 60
    times = until(spelt, periods * 4 * length, seed=11)
    segment = (times // length).astype(int)
    counts = np.bincount(segment, minlength=4 * periods).reshape(periods, 4)
    expected = rates * length
    assert counts[:, 3].sum() == 0
    statistic = (((counts - expected)[:, :3]) ** 2 / expected[:3]).sum()
    low, high = stats.chi2.ppf([0.005, 0.995], counts[:, :3].size)
    assert low < statistic < high
    # Within a segment a Poisson stream is uniform.
    busy = segment % 4 == 2
    assert stats.kstest(times[busy] % length / length, "uniform").pvalue > 0.01


def test_piecewise_ends_with_its_last_segment():
    times = arrival_times("piecewise(rates=[50/s, 200/s], durations=[1s, 1s])", most=10_000)
    assert 150 < times.size < 350
    assert times.max() < 2.0


def test_the_last_rate_holds_to_the_end():
    times = arrival_times("piecewise(rates=[10/s, 100/s], durations=[5s])", most=5_000)
    assert times.size == 5_000
    after = times[times > 5.0]
    error = 3 * 100 / after.size**0.5
    assert after.size / (after[-1] - 5.0) == pytest.approx(100, abs=error)


def test_silence_to_the_end_ends_production():
    scenario = world(
        messages=10_000,
        producer={"arrivals": "piecewise(rates=[100/s, 0/s], durations=[1s])"},
        consumer={"service": 0},
        drain=True,
    )
    trace = execute(scenario)
    assert 60 < len(messages(trace)) < 150
    assert trace.ended_at_ns <= 1 * SECOND


def test_a_path_of_one_rate_is_the_poisson_stream_of_that_rate():
    # Same addresses, same draws: only the rounding to ns differs, by half a ns per arrival.
    path = arrival_times("piecewise(rates=[100/s], durations=[])", seed=5, most=2_000)
    modulated = arrival_times(
        "mmpp(rates=[100/s, 100/s], mean_durations=[1s, 2s])", seed=5, most=2_000
    )
    poisson = arrival_times("poisson(rate=100/s)", seed=5, most=2_000)
    assert np.abs(path - poisson).max() < 2_000e-9
    assert np.abs(modulated - poisson).max() < 10_000e-9


def test_twice_the_rate_is_the_same_path_twice_as_fast():
    slow = arrival_times("piecewise(rates=[5/s, 50/s], durations=[8s])", seed=9, most=3_000)
    fast = arrival_times("piecewise(rates=[10/s, 100/s], durations=[4s])", seed=9, most=3_000)
    assert np.abs(slow - 2 * fast).max() < 1e-5


@pytest.mark.parametrize(
    ("exponential", "rate", "left_ns"),
    [(0.5, 100.0, -1), (0.5, 100.0, 10**9), (0.5, 3.0, 10**8), (0.0, 0.0, 5)],
)
def test_use_up_is_the_same_interpreted(exponential, rate, left_ns):
    interpreted = getattr(use_up, "py_func", use_up)
    assert use_up(exponential, rate, left_ns) == interpreted(exponential, rate, left_ns)
    passed_ns, rest = use_up(exponential, rate, left_ns)
    used = exponential - (0.0 if rest == USED_UP else rest)
    assert used == pytest.approx(rate * passed_ns * 1e-9, abs=1e-9 * max(rate, 1))


def test_bulk_arrives_at_one_moment_and_counts_as_messages():
    scenario = world(
        messages=50,
        producer={
            "arrivals": at(1, 2, 3, 4),
            "bulk": "empirical(values=[1, 4, 9])",
            "messages": 17,
        },
        consumer={"service": 0},
        seed=4,
    )
    table = messages(execute(scenario))
    assert list(table["sequence"]) == list(range(len(table)))
    assert len(table) <= 17
    sizes = table.groupby("created_at").size()
    assert set(sizes.index) <= {k * SECOND for k in (1, 2, 3, 4)}
    assert set(sizes.iloc[:-1]) <= {1, 4, 9}
    assert len(set(sizes.iloc[:-1])) > 1


def test_a_bulk_of_less_than_one_is_one():
    scenario = world(
        messages=3, producer={"rate": "1/s", "bulk": "uniform(0, 0.4)"}, consumer={"service": 0}
    )
    assert len(messages(execute(scenario))) == 3


def test_bulk_arrivals_wait_as_the_theory_of_bulk_queues_says():
    sizes = {1: 0.5, 2: 0.25, 6: 0.25}
    expected = theory.mxm1(batch_rate=0.25, service_rate=1.0, batch_sizes=sizes)
    scenario = world(
        seed=20,
        duration=6_000,
        warmup=200,
        sample_every=6_000,
        producer={"rate": 0.25, "bulk": "empirical(values=[1, 1, 2, 6])"},
        consumer={"service": "exponential(1s)"},
    )
    sojourns = []
    for number in range(20):
        trace = execute(scenario, replication=number)
        rows = deliveries(trace)
        rows = rows[rows["finished_at"] >= 0]
        created = messages(trace)["created_at"].to_numpy()[rows["message_id"]]
        late = created >= 200 * SECOND
        sojourns.append((rows["finished_at"] - created)[late].mean() / SECOND)
    margin = stats.t.ppf(0.995, 19) * stats.sem(sojourns)
    assert np.mean(sojourns) == pytest.approx(expected.mean_sojourn, abs=margin)
    assert margin < 0.12 * expected.mean_sojourn


def test_a_second_producer_moves_no_arrival_of_the_first():
    bursts = {"to": "queue", "arrivals": BURSTS.spelt(), "bulk": "uniform(1, 5)"}
    alone = world(duration=20, producer=bursts, consumer={"service": 0})
    both = alone.replace({"producers.other": {"to": "queue", "rate": "30/s"}})
    first = messages(execute(alone))
    second = messages(execute(both))
    assert list(first["created_at"]) == list(second[second["source"] == 0]["created_at"])

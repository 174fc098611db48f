"""Closed forms against each other: special cases, Little's law, means as areas under tails."""

import itertools
import pickle
from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.integrate import quad

from eda_sim import theory

LOADS = st.floats(0.05, 0.97)
RATES = st.floats(1e-3, 1e4)
SERVERS = st.integers(1, 40)
MEANS = ("utilization", "mean_wait", "mean_sojourn", "mean_queue_length", "mean_number")


def assert_same(first, second, *, names=MEANS, rel=1e-9):
    for name in names:
        expected = getattr(second, name)
        assert getattr(first, name) == pytest.approx(expected, rel=rel, abs=1e-300), name


@given(LOADS, RATES)
def test_special_cases_of_mm1(rho, mu):
    lam = rho * mu
    queue = theory.mm1(arrival_rate=lam, service_rate=mu)
    with_waiting = (*MEANS, "probability_of_waiting")
    assert_same(theory.mmc(arrival_rate=lam, service_rate=mu, servers=1), queue, names=with_waiting)
    assert_same(
        theory.mg1(arrival_rate=lam, mean_service=1 / mu, service_scv=1.0),
        queue,
        names=with_waiting,
    )
    assert_same(theory.mxm1(batch_rate=lam, service_rate=mu, batch_sizes={1: 1.0}), queue, rel=1e-7)
    assert_same(theory.tandem(arrival_rate=lam, service_rates=[mu]), queue)
    assert_same(
        theory.kingman(arrival_rate=lam, service_rate=mu, arrival_scv=1.0, service_scv=1.0),
        queue,
    )


@given(LOADS, RATES, SERVERS)
@example(0.75, 1.0, 4)  # the sum of Takacs has 0 / 0 here
@example(0.5, 2.0, 10)
@example(0.9, 1.0, 2000)
def test_gimc_with_exponential_intervals_is_mmc(rho, mu, servers):
    lam = rho * mu * servers
    transform = theory.exponential_transform(mean=1 / lam)
    queue = theory.gimc(arrival_rate=lam, service_rate=mu, servers=servers, transform=transform)
    same = theory.mmc(arrival_rate=lam, service_rate=mu, servers=servers)
    assert queue.probability_of_waiting == pytest.approx(same.probability_of_waiting, rel=1e-9)
    assert_same(queue, same)


@given(LOADS, SERVERS)
def test_a_long_enough_bounded_queue_is_unbounded(rho, servers):
    bounded = theory.mmck(
        arrival_rate=rho * servers, service_rate=1.0, servers=servers, capacity=servers + 1500
    )
    same = theory.mmc(arrival_rate=rho * servers, service_rate=1.0, servers=servers)
    assert bounded.probability_of_loss < 1e-15
    assert_same(bounded, same, rel=1e-7)
    assert bounded.wait_quantile(0.99) == pytest.approx(same.wait_quantile(0.99), rel=1e-7)
    for n in (0, servers, servers + 3):
        assert bounded.number_probability(n) == pytest.approx(same.number_probability(n), rel=1e-9)


@given(st.floats(0.01, 500.0), st.integers(1, 60))
def test_without_a_queue_mmck_is_erlangs_loss_formula(load, servers):
    queue = theory.mmck(arrival_rate=load, service_rate=1, servers=servers, capacity=servers)
    blocking = theory.erlang_b(offered_load=load, servers=servers)
    assert queue.probability_of_loss == pytest.approx(blocking, rel=1e-9)
    assert queue.mean_wait == pytest.approx(0.0, abs=1e-15)
    assert queue.probability_of_waiting == 0.0


@given(LOADS, RATES)
@example(0.999, 1.0)  # far beyond the terms that are added one by one
@example(0.99999, 1.0)
def test_constant_service_has_one_answer(rho, rate):
    time = rho / rate
    md1 = theory.md1(arrival_rate=rate, service_time=time)
    mdc = theory.mdc(arrival_rate=rate, service_time=time, servers=1)
    mg1 = theory.mg1(
        arrival_rate=rate, mean_service=time, service_scv=0.0, service_third_moment=time**3
    )
    names = (*MEANS, "probability_of_waiting", "variance_of_wait")
    assert_same(mdc, md1, names=names)
    assert_same(mg1, md1, names=names)


QUEUES = {
    "mm1": theory.mm1(arrival_rate=0.9, service_rate=1),
    "mmc": theory.mmc(arrival_rate=90, service_rate=30, servers=4),
    "mmc equal rates": theory.mmc(arrival_rate=1, service_rate=1, servers=2),
    "mmck": theory.mmck(arrival_rate=50, service_rate=10, servers=4, capacity=9),
    "md1": theory.md1(arrival_rate=0.9, service_time=1),
    "gim1": theory.gim1(
        arrival_rate=0.8,
        service_rate=1,
        transform=theory.hyperexponential_transform(means=[0.5, 2.0], probabilities=[0.5, 0.5]),
    ),
    "gimc": theory.gimc(
        arrival_rate=2.5,
        service_rate=1,
        servers=3,
        transform=theory.erlang_transform(mean=0.4, stages=3),
    ),
    "tandem": theory.tandem(arrival_rate=0.5, service_rates=[1, 1, 1.0000001, 2]),
}


@pytest.mark.parametrize("queue", QUEUES.values(), ids=QUEUES.keys())
def test_the_mean_is_the_area_under_the_tail(queue):
    for law, mean in (
        (queue.wait_law, queue.mean_wait),
        (queue.sojourn_law, queue.mean_sojourn),
    ):
        if law is not None:
            end = law.quantile(1 - 1e-12)
            pieces = np.linspace(0.0, end, 60)
            area = sum(
                quad(law.tail, low, high, limit=200)[0] for low, high in itertools.pairwise(pieces)
            )
            assert area == pytest.approx(mean, rel=1e-6)


@pytest.mark.parametrize("queue", QUEUES.values(), ids=QUEUES.keys())
def test_the_variance_is_the_area_under_twice_time_times_the_tail(queue):
    if queue.wait_law is None:
        return
    pieces = np.linspace(0.0, queue.wait_quantile(1 - 1e-12), 60)
    square = sum(
        quad(lambda t: 2 * t * queue.wait_tail(t), low, high, limit=200)[0]
        for low, high in itertools.pairwise(pieces)
    )
    variance = square - queue.mean_wait**2
    assert queue.variance_of_wait == pytest.approx(variance, rel=1e-6)


@pytest.mark.parametrize("queue", QUEUES.values(), ids=QUEUES.keys())
def test_little_holds_and_numbers_add_up(queue):
    accepted = queue.mean_number / queue.mean_sojourn
    assert queue.mean_queue_length == pytest.approx(accepted * queue.mean_wait)
    if queue.number_law is not None:
        p = [queue.number_probability(n) for n in range(1000)]
        assert sum(p) == pytest.approx(1.0, abs=1e-12)
        assert np.dot(p, range(1000)) == pytest.approx(queue.mean_number, rel=1e-9)


@pytest.mark.parametrize("queue", QUEUES.values(), ids=QUEUES.keys())
@pytest.mark.parametrize("q", [0.0, 0.3, 0.5, 0.9, 0.99, 0.999, 0.999999])
def test_quantiles_invert_tails(queue, q):
    for law in (queue.wait_law, queue.sojourn_law):
        if law is None:
            continue
        time = law.quantile(q)
        assert law.tail(time) <= (1 - q) * (1 + 1e-7)
        if time > 0.0:
            assert law.tail(time * (1 - 1e-6)) >= (1 - q) * (1 - 1e-7)


@pytest.mark.parametrize("queue", QUEUES.values(), ids=QUEUES.keys())
def test_results_survive_a_trip_to_another_process(queue):
    copy = pickle.loads(pickle.dumps(queue))
    assert repr(copy) == repr(queue)  # not ==, as nan is not nan
    assert copy.sojourn_law == queue.sojourn_law
    assert copy.wait_law == queue.wait_law


@pytest.mark.parametrize("rho", [0.3, 0.8, 0.95])
@pytest.mark.parametrize("time", [0.0, 0.5, 1.0, 2.7, 9.0, 25.25])
def test_md1_wait_is_erlangs_series(rho, time):
    """Erlang (1909) and Crommelin (1932), in 120 digits because the series cancels."""
    with localcontext() as context:
        context.prec = 120
        total, exact_rho, exact_time = Decimal(0), Decimal(rho), Decimal(time)
        factorial = Decimal(1)
        for k in range(int(time) + 1):
            factorial *= max(k, 1)
            x = exact_rho * (k - exact_time)
            total += (x**k if k else Decimal(1)) / factorial * (-x).exp()
        expected = float(1 - (1 - exact_rho) * total)
    tail = theory.md1(arrival_rate=rho, service_time=1).wait_tail(time)
    assert tail == pytest.approx(expected, abs=1e-13)


def test_erlang_arrivals_of_mdc_against_lindleys_recursion():
    queue = theory.mdc(arrival_rate=0.8, service_time=1, servers=1, arrival_stages=3)
    random = np.random.default_rng(1)
    count = 400_000
    steps = 1.0 - random.gamma(3, 1 / (3 * 0.8), count)
    walk = np.concatenate([[0.0], np.cumsum(steps)])
    waits = walk - np.minimum.accumulate(walk)
    assert waits.mean() == pytest.approx(queue.mean_wait, rel=0.03)
    assert waits.var() == pytest.approx(queue.variance_of_wait, rel=0.08)
    assert (waits > 0).mean() == pytest.approx(queue.probability_of_waiting, abs=0.01)


@given(LOADS, st.floats(0.0, 5.0), RATES)
def test_kingmans_bound_is_above_the_exact_wait(rho, scv, mu):
    lam = rho * mu
    exact = theory.mg1(arrival_rate=lam, mean_service=1 / mu, service_scv=scv)
    bound = theory.kingman_bound(
        arrival_rate=lam, service_rate=mu, arrival_scv=1.0, service_scv=scv
    )
    assert exact.mean_wait <= bound * (1 + 1e-12)


@given(LOADS, st.integers(1, 8), RATES)
def test_regular_arrivals_shorten_the_wait(rho, stages, mu):
    lam = rho * mu
    waits = [
        theory.gim1(
            arrival_rate=lam,
            service_rate=mu,
            transform=theory.erlang_transform(mean=1 / lam, stages=k),
        ).mean_wait
        for k in (stages, stages + 1)
    ]
    constant = theory.deterministic_transform(mean=1 / lam)
    waits.append(theory.gim1(arrival_rate=lam, service_rate=mu, transform=constant).mean_wait)
    assert waits[0] > waits[1] > waits[2] >= 0.0

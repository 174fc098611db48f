"""Closed forms of special models: the cases in which they are each other, and a few simulated."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eda_sim import theory

LOADS = st.floats(0.05, 0.95)


@given(LOADS, st.integers(1, 12))
def test_impatience_that_is_endless_or_none(rho, servers):
    patient = theory.erlang_a(
        arrival_rate=rho * servers, service_rate=1, servers=servers, patience_rate=1e-9
    )
    queue = theory.mmc(arrival_rate=rho * servers, service_rate=1, servers=servers)
    assert patient.mean_wait == pytest.approx(queue.mean_wait, rel=1e-5)
    alike = theory.erlang_a(
        arrival_rate=rho * servers, service_rate=1, servers=servers, patience_rate=1
    )
    # With patience like service the number is that of M/M/infinity: Poisson.
    assert alike.number_probability(0) == pytest.approx(math.exp(-rho * servers))


@given(LOADS)
def test_a_consumer_of_batches_of_one_is_mm1(rho):
    bulk = theory.bulk_service(arrival_rate=rho, batch_service_rate=1, largest_batch=1)
    queue = theory.mm1(arrival_rate=rho, service_rate=1)
    assert bulk.mean_wait == pytest.approx(queue.mean_wait, rel=1e-9)
    assert bulk.mean_batch == pytest.approx(1)
    assert bulk.utilization == pytest.approx(rho)


@given(LOADS, st.floats(0, 0.4))
def test_retries_without_a_limit_are_the_limit_of_many(rho, failing):
    ask = {"arrival_rate": rho * (1 - failing), "service_rate": 1, "failure_probability": failing}
    endless = theory.mm1_with_retries(**ask)
    many = theory.mm1_with_retries(**ask, most_attempts=200)
    assert many.mean_sojourn == pytest.approx(endless.mean_sojourn, rel=1e-6)
    assert endless.utilization == pytest.approx(rho)
    alone = theory.mm1_with_retries(**(ask | {"failure_probability": 0}))
    queue = theory.mm1(arrival_rate=ask["arrival_rate"], service_rate=1)
    assert alone.mean_sojourn == pytest.approx(queue.mean_sojourn)


@given(LOADS)
def test_callers_who_come_back_at_once_are_a_queue(rho):
    orbit = theory.mm1_retrial(arrival_rate=rho, service_rate=1, retry_rate=1e12)
    queue = theory.mm1(arrival_rate=rho, service_rate=1)
    assert orbit.mean_sojourn == pytest.approx(queue.mean_sojourn, rel=1e-6)


@given(LOADS)
def test_servers_that_never_fail(rho):
    ask = {"arrival_rate": rho, "failure_rate": 1e-12, "mean_repair": 1}
    resumed = theory.mg1_with_breakdowns(**ask, mean_service=1, service_scv=0)
    constant = theory.md1(arrival_rate=rho, service_time=1)
    assert resumed.mean_sojourn == pytest.approx(constant.mean_sojourn, rel=1e-6)


def test_restarts_are_as_simulated():
    random = np.random.default_rng(1)
    times = []
    for _ in range(40_000):
        total = 0.0
        while (failure := random.exponential(1 / 0.7)) < 1.0:
            total += failure + random.exponential(2.0)
        times.append(total + 1.0)
    moments = theory.completion_with_restart(service_time=1, failure_rate=0.7, mean_repair=2)
    assert np.mean(times) == pytest.approx(moments.mean, rel=0.02)
    assert np.var(times) / np.mean(times) ** 2 == pytest.approx(moments.scv, rel=0.04)


@given(LOADS, st.integers(1, 8))
def test_one_class_is_no_priority_and_waits_are_conserved(rho, servers):
    queue = theory.mmc(arrival_rate=rho * servers, service_rate=1, servers=servers)
    (alone,) = theory.mmc_priorities(arrival_rates=[rho * servers], service_rate=1, servers=servers)
    assert alone.mean_wait == pytest.approx(queue.mean_wait)
    rates = [0.2 * rho * servers, 0.3 * rho * servers, 0.5 * rho * servers]
    classes = theory.mmc_priorities(arrival_rates=rates, service_rate=1, servers=servers)
    waits = sorted(each.mean_wait for each in classes)
    assert waits == [each.mean_wait for each in classes]
    mean = sum(each.mean_queue_length for each in classes) / (rho * servers)
    assert mean == pytest.approx(queue.mean_wait, rel=1e-9)


@given(LOADS)
def test_a_class_that_interrupts_does_not_see_the_others(rho):
    first, _ = theory.mg1_priorities(
        arrival_rates=[rho / 2, rho / 2],
        mean_services=[1, 1],
        service_scvs=[1, 1],
        preemptive=True,
    )
    alone = theory.mm1(arrival_rate=rho / 2, service_rate=1)
    assert first.mean_sojourn == pytest.approx(alone.mean_sojourn)


@settings(deadline=None, max_examples=25)
@given(LOADS, st.integers(1, 4), st.integers(1, 3))
def test_erlang_phases_are_what_they_are_in_special_cases(rho, servers, stages):
    lam = rho * servers
    exponential = theory.ekemc(arrival_rate=lam, mean_service=1, servers=servers)
    queue = theory.mmc(arrival_rate=lam, service_rate=1, servers=servers)
    assert exponential.mean_wait == pytest.approx(queue.mean_wait, rel=1e-8)
    arrivals = theory.ekemc(
        arrival_rate=lam, mean_service=1, servers=servers, arrival_stages=stages
    )
    transform = theory.erlang_transform(mean=1 / lam, stages=stages)
    renewal = theory.gimc(arrival_rate=lam, service_rate=1, servers=servers, transform=transform)
    assert arrivals.mean_wait == pytest.approx(renewal.mean_wait, rel=1e-6, abs=1e-12)
    one = theory.ekemc(arrival_rate=rho, mean_service=1, servers=1, service_stages=stages)
    general = theory.mg1(arrival_rate=rho, mean_service=1, service_scv=1 / stages)
    assert one.mean_wait == pytest.approx(general.mean_wait, rel=1e-8)


@settings(deadline=None)
@given(LOADS, st.floats(0.01, 10), st.floats(0.01, 10))
def test_arrivals_in_one_mood_are_poisson(rho, there, back):
    modulated = theory.mmpp_m1(arrival_rates=(rho, rho), switch_rates=(there, back), service_rate=1)
    queue = theory.mm1(arrival_rate=rho, service_rate=1)
    assert modulated.mean_sojourn == pytest.approx(queue.mean_sojourn, rel=1e-8)
    assert modulated.probability_of_waiting == pytest.approx(rho, rel=1e-8)


def test_a_network_in_a_row_is_a_tandem():
    row = theory.jackson(
        arrival_rates=[0.6, 0], routing=[[0, 1], [0, 0]], mean_services=[1, 1 / 1.2]
    )
    line = theory.tandem(arrival_rate=0.6, service_rates=[1, 1.2])
    assert row.mean_time == pytest.approx(line.mean_sojourn)


@given(st.lists(st.floats(0.1, 10), min_size=1, max_size=7))
def test_the_slowest_of_several_by_inclusion_and_exclusion(rates):
    expected = 0.0
    for subset in range(1, 2 ** len(rates)):
        chosen = [rate for bit, rate in enumerate(rates) if subset >> bit & 1]
        expected += (-1) ** (len(chosen) + 1) / sum(chosen)
    assert theory.slowest_of_exponentials_mean(rates=rates) == pytest.approx(expected, rel=1e-9)


def test_waits_by_lindley_are_those_of_a_loop():
    random = np.random.default_rng(2)
    intervals, services = random.exponential(1.2, (3, 200)), random.exponential(1.0, (3, 200))
    found = theory.lindley_waits(intervals=intervals, services=services)
    for row in range(3):
        wait = 0.0
        for i in range(200):
            assert found[row, i] == pytest.approx(wait, abs=1e-9)
            if i < 199:
                wait = max(0.0, wait + services[row, i] - intervals[row, i + 1])


def test_long_transients_end_in_the_steady_state():
    queue = theory.mm1(arrival_rate=0.5, service_rate=1)
    late = theory.mm1_mean_number_at(arrival_rate=0.5, service_rate=1, time=400, start=7)
    assert late == pytest.approx(queue.mean_number, rel=1e-6)
    assert theory.mm1_mean_number_at(arrival_rate=2, service_rate=1, time=0, start=3) == 3
    averages = [
        theory.mm1_mean_wait_of_first(arrival_rate=0.5, service_rate=1, messages=n)
        for n in (1, 10, 100, 400)
    ]
    assert averages[0] == 0
    assert averages == sorted(averages)
    assert averages[-1] == pytest.approx(queue.mean_wait, rel=0.02)


def _drawn(leg, random, shape):
    pareto = leg.pareto_least * random.random(shape) ** (-1 / leg.pareto_index)
    exponential = random.exponential(1 / leg.exponential_rate, shape)
    return np.where(random.random(shape) < leg.pareto_share, pareto, exponential)


@pytest.mark.parametrize(
    ("replicas", "reads", "writes"), [(3, 1, 1), (3, 2, 1), (5, 2, 2), (5, 1, 3), (4, 3, 1)]
)
@pytest.mark.parametrize("time", [0.0, 2.0])
def test_quorums_are_as_stale_as_trials_say(replicas, reads, writes, time):
    fast = theory.Leg(pareto_share=0.9, pareto_least=0.2, pareto_index=10, exponential_rate=1.7)
    slow = theory.Leg(pareto_share=0.4, pareto_least=1, pareto_index=1.5, exponential_rate=0.2)
    store = theory.Quorum(
        replicas=replicas,
        reads=reads,
        writes=writes,
        write=slow,
        acknowledge=fast,
        read=fast,
        respond=fast,
    )
    random = np.random.default_rng(3)
    shape = (200_000, replicas)
    write, back, there, answer = (_drawn(leg, random, shape) for leg in (slow, fast, fast, fast))
    done = np.sort(write + back, axis=1)[:, writes - 1 : writes]
    first = np.argsort(there + answer, axis=1)[:, :reads]
    asked = np.take_along_axis(there, first, axis=1)
    stale = (np.take_along_axis(write, first, axis=1) > done + time + asked).all(axis=1).mean()
    exact = store.stale_probability(time)
    assert stale == pytest.approx(exact, abs=4 * math.sqrt(exact * (1 - exact) / shape[0]))


def test_strict_quorums_are_never_stale():
    leg = theory.Leg(exponential_rate=1.0)
    store = theory.Quorum(
        replicas=3, reads=2, writes=2, write=leg, acknowledge=leg, read=leg, respond=leg
    )
    assert store.is_strict
    assert store.visible_after(0.999) == 0
    assert theory.quorum_read_is_recent(replicas=3, reads=2, writes=2) == 1


def test_shares_sums_and_small_cases():
    assert math.fsum(theory.zipf_shares(keys=50, exponent=0.7)) == pytest.approx(1)
    assert theory.zipf_shares(keys=4, exponent=0) == [0.25] * 4
    equal = theory.compacted_records(shares=[0.02] * 50, writes=100)
    assert equal == pytest.approx(theory.distinct_of_draws(draws=100, categories=50))
    every = theory.quorum_availability(availability=0.9, parts=4, needed=4)
    assert every == pytest.approx(theory.chain_availability(availability=0.9, parts=4))
    assert theory.quorum_time_to_failure(
        failure_rate=2, repair_rate=5, parts=1, needed=1
    ) == pytest.approx(0.5)
    assert theory.events_replayed(length=10, snapshot_every=1) == 0
    constant = theory.constant_law(value=2.0)
    assert theory.deliveries_per_message(law=constant, timeout=0.75) == 3
    law = theory.lognormal_law(mean=2, scv=0.5)
    assert theory.late_share(law=law, limit=law.quantile(0.9)) == pytest.approx(0.1)

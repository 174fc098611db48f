"""What the closed forms refuse, and how they say it."""

import pickle
import re

import pytest

from eda_sim import theory

EVERY = theory.exponential_transform(mean=1.0)
UNSTABLE = {
    "mm1": lambda: theory.mm1(arrival_rate=120, service_rate=100),
    "mm1 at the border": lambda: theory.mm1(arrival_rate=100, service_rate=100),
    "mmc": lambda: theory.mmc(arrival_rate=120, service_rate=30, servers=4),
    "erlang_c": lambda: theory.erlang_c(offered_load=4.5, servers=4),
    "mg1": lambda: theory.mg1(arrival_rate=2, mean_service=1, service_scv=0),
    "md1": lambda: theory.md1(arrival_rate=2, service_time=1),
    "mdc": lambda: theory.mdc(arrival_rate=3, service_time=1, servers=2),
    "gim1": lambda: theory.gim1(arrival_rate=1, service_rate=0.5, transform=EVERY),
    "gimc": lambda: theory.gimc(arrival_rate=1, service_rate=0.5, servers=2, transform=EVERY),
    "mxm1": lambda: theory.mxm1(batch_rate=1, service_rate=2, batch_sizes={3: 1.0}),
    "tandem": lambda: theory.tandem(arrival_rate=1, service_rates=[2, 0.9]),
    "busy_period": lambda: theory.busy_period(arrival_rate=1, mean_service=2, service_scv=1),
    "kingman": lambda: theory.kingman(arrival_rate=2, service_rate=1, arrival_scv=1, service_scv=1),
    "kingman_bound": lambda: theory.kingman_bound(
        arrival_rate=2, service_rate=1, arrival_scv=1, service_scv=1
    ),
    "kraemer_langenbach_belz": lambda: theory.kraemer_langenbach_belz(
        arrival_rate=2, service_rate=1, arrival_scv=1, service_scv=1
    ),
    "bulk_service": lambda: theory.bulk_service(
        arrival_rate=10, batch_service_rate=1, largest_batch=10
    ),
    "mm1_with_retries": lambda: theory.mm1_with_retries(
        arrival_rate=0.8, service_rate=1, failure_probability=0.3
    ),
    "mm1_retrial": lambda: theory.mm1_retrial(arrival_rate=2, service_rate=1, retry_rate=1),
    "mg1_with_breakdowns": lambda: theory.mg1_with_breakdowns(
        arrival_rate=0.9, mean_service=1, service_scv=1, failure_rate=0.1, mean_repair=2
    ),
    "md1_with_restarts": lambda: theory.md1_with_restarts(
        arrival_rate=0.9, service_time=1, failure_rate=0.1, mean_repair=2
    ),
    "mg1_priorities": lambda: theory.mg1_priorities(
        arrival_rates=[0.5, 0.6], mean_services=[1, 1], service_scvs=[1, 1]
    ),
    "mmc_priorities": lambda: theory.mmc_priorities(
        arrival_rates=[1.5, 1.6], service_rate=1, servers=3
    ),
    "mmpp_m1": lambda: theory.mmpp_m1(arrival_rates=(0.5, 3), switch_rates=(1, 1), service_rate=1),
    "ekemc": lambda: theory.ekemc(arrival_rate=2, mean_service=1, servers=2, service_stages=2),
    "jackson": lambda: theory.jackson(arrival_rates=[1.0], routing=[[0.5]], mean_services=[0.6]),
    "fork_join_mean": lambda: theory.fork_join_mean(arrival_rate=2, service_rate=1),
    "shortest_of_choices_mean": lambda: theory.shortest_of_choices_mean(load=1, choices=2),
    "outage": lambda: theory.outage(arrival_rate=5, capacity=4, duration=1),
    "catch_up_time": lambda: theory.catch_up_time(history=1, replay_rate=1, event_rate=2),
    "key_staleness": lambda: theory.key_staleness(load=1.1, key_load=0.1),
    "versions_behind_tail": lambda: theory.versions_behind_tail(load=1.1, versions=1),
    "asymptotic_variance": lambda: theory.mm1_wait_asymptotic_variance(
        arrival_rate=1, service_rate=1
    ),
}


@pytest.mark.parametrize("ask", UNSTABLE.values(), ids=UNSTABLE.keys())
def test_an_unstable_queue_says_so_with_its_rho(ask):
    with pytest.raises(theory.UnstableQueueError, match=r"no steady state: rho = ") as caught:
        ask()
    assert isinstance(caught.value, ValueError)
    assert caught.value.rho >= 1.0
    assert f"rho = {caught.value.rho:.6g}, must be below 1" in str(caught.value)


def test_the_error_survives_a_trip_to_another_process():
    error = theory.UnstableQueueError("M/M/1", 1.2)
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.model, copy.rho) == (str(error), "M/M/1", 1.2)


REFUSED = {
    "certain failure": (
        lambda: theory.mm1_with_retries(arrival_rate=1, service_rate=2, failure_probability=1),
        "failure_probability is 1: must be at least 0 and below 1",
    ),
    "classes of different number": (
        lambda: theory.mg1_priorities(arrival_rates=[0.1], mean_services=[1, 1], service_scvs=[1]),
        "must have one value per class, not 1, 2 and 1",
    ),
    "nobody arrives": (
        lambda: theory.mmpp_m1(arrival_rates=(0, 0), switch_rates=(1, 1), service_rate=1),
        "arrival_rates is (0, 0): neither below 0, and one above 0",
    ),
    "too many phases": (
        lambda: theory.ekemc(arrival_rate=1, mean_service=1, servers=90, service_stages=4),
        "phases: must be at most 1500",
    ),
    "routing that is no square": (
        lambda: theory.jackson(arrival_rates=[1, 1], routing=[[0, 0]], mean_services=[1, 1]),
        "routing must be a square with one row per station",
    ),
    "a row above 1": (
        lambda: theory.jackson(arrival_rates=[1], routing=[[1.5]], mean_services=[0.1]),
        "routing has a row that adds up to 1.5: must be at most 1",
    ),
    "no way out": (
        lambda: theory.jackson(arrival_rates=[1], routing=[[1]], mean_services=[0.1]),
        "routing never lets a message leave",
    ),
    "too many branches": (
        lambda: theory.fork_join_mean(arrival_rate=0.5, service_rate=1, branches=33),
        "branches is 33: the approximation is known up to 32",
    ),
    "quorum above the replicas": (
        lambda: theory.quorum_read_is_recent(replicas=3, reads=4, writes=1),
        "reads and writes are 4 and 1: must be at most replicas, 3",
    ),
    "parts above all": (
        lambda: theory.quorum_availability(availability=0.9, parts=3, needed=4),
        "needed is 4: must be at most parts, 3",
    ),
    "availability above 1": (
        lambda: theory.chain_availability(availability=1.1, parts=3),
        "availability is 1.1: must be at least 0 and at most 1",
    ),
    "a timeout that nobody meets": (
        lambda: theory.work_with_kills(law=theory.constant_law(value=2), timeout=1),
        "timeout is 1: no attempt is ever done within it",
    ),
    "shares that are not all": (
        lambda: theory.compacted_records(shares=[0.5, 0.4], writes=1),
        "shares add up to 0.9: must add up to 1",
    ),
    "a partition that is not there": (
        lambda: theory.hottest_partition(shares=[1.0], partitions=[2], count=2),
        "partitions has 2: must be from 0 to 1",
    ),
    "intervals that are too few": (
        lambda: theory.lindley_waits(intervals=[1], services=[1, 1]),
        "intervals has 1 values: must have one per service, 2",
    ),
    "a correlation of 1": (
        lambda: theory.ar1_variance_of_mean(correlation=1, length=10),
        "correlation is 1: must be between -1 and 1",
    ),
    "a key with more than all": (
        lambda: theory.key_staleness(load=0.5, key_load=0.6),
        "key_load is 0.6: must be at most load, 0.5",
    ),
    "negative rate": (
        lambda: theory.mm1(arrival_rate=-1, service_rate=1),
        "arrival_rate is -1: must be a positive finite number",
    ),
    "zero rate": (
        lambda: theory.mm1(arrival_rate=1, service_rate=0),
        "service_rate is 0: must be a positive finite number",
    ),
    "nan": (
        lambda: theory.md1(arrival_rate=float("nan"), service_time=1),
        "arrival_rate is nan: must be a positive finite number",
    ),
    "half a server": (
        lambda: theory.mmc(arrival_rate=1, service_rate=1, servers=1.5),
        "servers is 1.5: must be a whole number of at least 1",
    ),
    "no server": (
        lambda: theory.erlang_b(offered_load=1, servers=0),
        "servers is 0: must be a whole number of at least 1",
    ),
    "fewer places than servers": (
        lambda: theory.mmck(arrival_rate=1, service_rate=1, servers=3, capacity=2),
        "capacity is 2: must be a whole number of at least 3",
    ),
    "negative scv": (
        lambda: theory.mg1(arrival_rate=0.5, mean_service=1, service_scv=-0.1),
        "service_scv is -0.1: must be a finite number of at least 0",
    ),
    "batches that are not all": (
        lambda: theory.mxm1(batch_rate=0.1, service_rate=1, batch_sizes={1: 0.5}),
        "batch_sizes: the probabilities must add up to 1",
    ),
    "another mean": (
        lambda: theory.gim1(arrival_rate=0.5, service_rate=1, transform=EVERY),
        "transform: its mean is 1 s, not 1 / arrival_rate",
    ),
    "an empty line": (
        lambda: theory.tandem(arrival_rate=1, service_rates=[]),
        "service_rates: must name at least one queue",
    ),
    "a quantile of 1": (
        lambda: theory.mm1(arrival_rate=1, service_rate=2).wait_quantile(1.0),
        "q is 1.0: must be at least 0 and below 1",
    ),
    "an unknown law": (
        lambda: theory.mg1(arrival_rate=0.5, mean_service=1, service_scv=2).wait_quantile(0.5),
        "no closed form of the distribution of the wait is known for M/G/1",
    ),
    "a negative number": (
        lambda: theory.mm1(arrival_rate=1, service_rate=2).number_probability(-1),
        "n is -1: must be at least 0",
    ),
    "one of Little's three": (
        lambda: theory.littles_law(rate=1),
        "littles_law takes exactly two of number, rate and time",
    ),
    "all of Little's three": (
        lambda: theory.littles_law(rate=1, number=1, time=1),
        "littles_law takes exactly two of number, rate and time",
    ),
    "probabilities without means": (
        lambda: theory.hyperexponential_transform(means=[1.0], probabilities=[0.5, 0.5]),
        "probabilities: must be one for each mean and add up to 1",
    ),
}


@pytest.mark.parametrize(("ask", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_a_wrong_argument_is_named_with_its_value_and_bound(ask, message):
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        ask()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"rate": 200.0, "time": 0.05}, 10.0),
        ({"number": 10.0, "time": 0.05}, 200.0),
        ({"number": 10.0, "rate": 200.0}, 0.05),
    ],
)
def test_littles_law_gives_the_third(given, missing):
    assert theory.littles_law(**given) == pytest.approx(missing)


def test_everything_public_is_listed_and_takes_keywords_only():
    assert sorted(theory.__all__) == theory.__all__
    with pytest.raises(TypeError):
        theory.mm1(1.0, 2.0)

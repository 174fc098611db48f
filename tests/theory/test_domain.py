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

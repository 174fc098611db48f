"""Closed forms against records of exact and published values (oracles.json, with their sources)."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eda_sim import theory

RECORDS = json.loads((Path(__file__).parent / "oracles.json").read_text(encoding="utf-8"))
Params = dict[str, Any]


def mm1(params: Params) -> theory.SteadyState:
    return theory.mm1(arrival_rate=params["lam"], service_rate=params["mu"])


def mmc(params: Params) -> theory.SteadyState:
    return theory.mmc(arrival_rate=params["lam"], service_rate=params["mu"], servers=params["c"])


def mmck(params: Params) -> theory.SteadyState:
    return theory.mmck(
        arrival_rate=params["lam"],
        service_rate=params["mu"],
        servers=params["c"],
        capacity=params["K_total"],
    )


# mean, squared coefficient of variation and third moment of the services of the M/G/1 records
SERVICES = {
    "deterministic 1": (1.0, 0.0, 1.0),
    "lognormal mean 1, SCV 4 (mu=-0.804718956, sigma=1.268636241)": (1.0, 4.0, 5.0**3),
    "Pareto xm=1 alpha=3.5 (mean 1.4)": (1.4, (3.5 / 1.5) / 1.4**2 - 1.0, 3.5 / 0.5),
    "hyperexp p=.9 rate 2, .1 rate 0.2": (
        0.9 / 2 + 0.1 / 0.2,
        (2 * 0.9 / 2**2 + 2 * 0.1 / 0.2**2) / (0.9 / 2 + 0.1 / 0.2) ** 2 - 1.0,
        6 * 0.9 / 2**3 + 6 * 0.1 / 0.2**3,
    ),
}


def mg1(params: Params) -> theory.SteadyState:
    mean, scv, third = SERVICES[params["service"]]
    return theory.mg1(
        arrival_rate=params["lam"],
        mean_service=mean,
        service_scv=scv,
        service_third_moment=third,
    )


def gim1(params: Params) -> theory.SteadyState:
    mean = 1.0 / params["lam"]
    if params["interarrival"] == "deterministic":
        transform = theory.deterministic_transform(mean=mean)
    else:
        stages = int(params["interarrival"].removeprefix("Erlang-"))
        transform = theory.erlang_transform(mean=mean, stages=stages)
    return theory.gim1(arrival_rate=params["lam"], service_rate=params["mu"], transform=transform)


def dmc(params: Params) -> theory.SteadyState:
    return theory.gimc(
        arrival_rate=params["lam"],
        service_rate=params["mu"],
        servers=params["c"],
        transform=theory.deterministic_transform(mean=1.0 / params["lam"]),
    )


def mdc(params: Params) -> theory.SteadyState:
    return theory.mdc(
        arrival_rate=params["lam"],
        service_time=params["D"],
        servers=params["c"],
        arrival_stages=params["k"],
    )


def md1(params: Params) -> theory.SteadyState:
    return theory.md1(arrival_rate=params["lam"], service_time=params["D"])


def gg1(params: Params) -> dict[str, float]:
    return {
        "arrival_rate": params["lam"],
        "service_rate": params["mu"],
        "arrival_scv": params["ca2"],
        "service_scv": params["cs2"],
    }


def mxm1(params: Params) -> theory.SteadyState:
    return theory.mxm1(
        batch_rate=params["batch_rate"],
        service_rate=params["mu"],
        batch_sizes={int(size): p for size, p in params["batch"].items()},
    )


def tandem(params: Params) -> theory.SteadyState:
    return theory.tandem(arrival_rate=params["lam"], service_rates=params["mus"])


def duplicates_alone(params: Params) -> float:
    rate = params["lam"] * (1 + params["p_dup"])
    return theory.mm1(arrival_rate=rate, service_rate=params["mu"]).mean_sojourn


def duplicates_together(params: Params) -> float:
    sizes = {1: 1 - params["p_dup"], 2: params["p_dup"]}
    return theory.mxm1(
        batch_rate=params["lam"], service_rate=params["mu"], batch_sizes=sizes
    ).mean_sojourn


def more_than(params: Params) -> float:
    queue = theory.mm1(arrival_rate=params["rho"], service_rate=1.0)
    return 1.0 - sum(queue.number_probability(n) for n in range(params["k"] + 1))


def busy_period_variance(params: Params) -> float:
    return theory.busy_period(
        arrival_rate=params["lam"], mean_service=1.0 / params["mu"], service_scv=1.0
    ).variance


QUEUES: dict[str, Callable[[Params], theory.SteadyState]] = {
    "M/M/1": mm1,
    "M/M/c": mmc,
    "M/M/c published example": mmc,
    "M/M/c/K": mmck,
    "M/M/c/K published example": mmck,
    "M/G/1": mg1,
    "M/D/1": md1,
    "M/D/c": mdc,
    "GI/M/1": gim1,
    "D/M/c": dmc,
    "M^[X]/M/1": mxm1,
    "Jackson tandem M/M/1": tandem,
    "read-your-writes via M/M/1-fed projection": mm1,
    "read-your-writes via 2-stage pipeline (M/M/1 tandem)": tandem,
}

METRICS: dict[str, Callable[[theory.SteadyState, Params], float]] = {
    "mean wait": lambda queue, _: queue.mean_wait,
    "mean wait of accepted": lambda queue, _: queue.mean_wait,
    "mean sojourn": lambda queue, _: queue.mean_sojourn,
    "mean sojourn per message": lambda queue, _: queue.mean_sojourn,
    "mean end-to-end sojourn": lambda queue, _: queue.mean_sojourn,
    "mean number in system": lambda queue, _: queue.mean_number,
    "Lq": lambda queue, _: queue.mean_queue_length,
    "P(wait>0)": lambda queue, _: queue.probability_of_waiting,
    "P(wait>0) Erlang C": lambda queue, _: queue.probability_of_waiting,
    "P(arrival lost)": lambda queue, _: queue.probability_of_loss,
    "variance of wait": lambda queue, _: queue.variance_of_wait,
    "p0": lambda queue, _: queue.number_probability(0),
    "P(N=n)": lambda queue, params: queue.number_probability(params["n"]),
    "P(wait>t)": lambda queue, params: queue.wait_tail(params["t"]),
    "P(own write not yet visible)": lambda queue, params: queue.sojourn_tail(params["read_delay"]),
}

NUMBERS: dict[str, Callable[[Params], float]] = {
    "busy period variance": busy_period_variance,
    "blocking": lambda p: theory.erlang_b(offered_load=p["offered"], servers=p["c"]),
    "G/G/1 Kingman approximation": lambda p: theory.kingman(**gg1(p)).mean_wait,
    "G/G/1 Kraemer-Langenbach-Belz": lambda p: theory.kraemer_langenbach_belz(**gg1(p)).mean_wait,
    "G/G/1 Kingman upper bound": lambda p: theory.kingman_bound(**gg1(p)),
    "duplicates as independent Poisson inflation": duplicates_alone,
    "duplicates arriving with the original (batch)": duplicates_together,
    "versions behind at a random instant, M/M/1-fed": more_than,
}


def answer(record: dict[str, Any]) -> float:
    params, metric, model = record["params"], record["metric"], record["model"]
    number = NUMBERS.get(metric) or NUMBERS.get(model)
    if number is not None:
        return number(params)
    queue = QUEUES[model](params)
    if " quantile " in metric:
        what, _, q = metric.rpartition(" quantile ")
        quantile = queue.wait_quantile if what == "wait" else queue.sojourn_quantile
        return quantile(float(q))
    return METRICS[metric](queue, params)


@pytest.mark.parametrize("record", RECORDS, ids=[record["id"] for record in RECORDS])
def test_closed_form_gives_the_recorded_value(record):
    assert answer(record) == pytest.approx(
        record["value"],
        rel=record.get("relative_tolerance", 0.0),
        abs=record.get("absolute_tolerance", 0.0),
    )

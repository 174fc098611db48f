"""One queue with one or more servers: exponential times, and others."""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from eda_sim.evidence.families import Simulation
from eda_sim.evidence.records import Params, Record
from eda_sim.evidence.simulated.building import (
    erlang,
    exponential,
    law_with,
    poisson,
    queue,
    seconds,
)
from eda_sim.evidence.simulated.measuring import more_near_saturation, of_station, station
from eda_sim.spec import Scenario

if TYPE_CHECKING:
    from eda_sim.simulation import Run


def mm1(params: Params, *, messages: int = 400_000, name: str = "mm1") -> Scenario:
    """Return the scenario of M/M/1."""
    return _exponential_service(name, params, messages=messages)


def _exponential_service(name: str, params: Params, *, messages: int, **more: Any) -> Scenario:
    return queue(
        name,
        rate=params["arrival_rate"],
        service=exponential(params["service_rate"]),
        messages=messages,
        **more,
    )


def _constant_service(name: str, params: Params, *, messages: int, **more: Any) -> Scenario:
    return queue(
        name,
        rate=params["arrival_rate"],
        service=seconds(params["service_time"]),
        messages=messages,
        **more,
    )


def runs_of_mm1(params: Params) -> int:
    """Return how many replications M/M/1 needs."""
    return more_near_saturation(0.5, _load(params), power=2)


def _load(params: Params) -> float:
    return float(params["arrival_rate"] / params["service_rate"] / params.get("servers", 1))


def _mmc(params: Params) -> Scenario:
    return _exponential_service("mmc", params, concurrency=params["servers"], messages=500_000)


def _mg1(params: Params) -> Scenario:
    return queue(
        "mg1", rate=params["arrival_rate"], service=_law(params["service"]), messages=150_000
    )


def _law(law: Params) -> str:
    if law["law"] == "constant":
        return seconds(law["mean"])
    if law["law"] == "lognormal":
        return f"lognormal(mean={law['mean']}s, cv={math.sqrt(law['scv'])})"
    if law["law"] == "pareto":
        return f"pareto(minimum={law['least']}s, shape={law['index']})"
    means = ", ".join(seconds(1.0 / rate) for rate in law["rates"])
    shares = ", ".join(map(str, law["shares"]))
    return f"hyperexponential(means=[{means}], probabilities=[{shares}])"


def _md1(params: Params) -> Scenario:
    return _constant_service("md1", params, messages=60_000)


def _mdc(params: Params) -> Scenario:
    return _constant_service("mdc", params, concurrency=params["servers"], messages=400_000)


def _renewal(rate: float, stages: int) -> str:
    return f"renewal(interval={erlang(1.0 / rate, stages)})"


def _clock(rate: float) -> str:
    return f"constant(rate={rate}/s)"


def _gim1(params: Params) -> Scenario:
    rate = params["arrival_rate"]
    clock = params["interval"] == "constant"
    arrivals = _clock(rate) if clock else _renewal(rate, params["stages"])
    return _exponential_service("gim1", params, arrivals=arrivals, messages=200_000)


def _dmc(params: Params) -> Scenario:
    return _exponential_service(
        "dmc",
        params,
        arrivals=_clock(params["arrival_rate"]),
        concurrency=params["servers"],
        messages=300_000,
    )


def _ekemc(params: Params) -> Scenario:
    return queue(
        "ekemc",
        rate=params["arrival_rate"],
        arrivals=_renewal(params["arrival_rate"], params["arrival_stages"]),
        service=erlang(params["mean_service"], params["service_stages"]),
        concurrency=params["servers"],
        messages=200_000,
    )


def _mxm1(params: Params) -> Scenario:
    sizes = ", ".join(f"constant({size})" for size in params["batch_sizes"])
    shares = ", ".join(str(share) for share in params["batch_sizes"].values())
    mean = sum(int(size) * share for size, share in params["batch_sizes"].items())
    return queue(
        "mxm1",
        rate=params["batch_rate"] * mean,
        arrivals=poisson(params["batch_rate"]),
        producer={"bulk": f"mixture(components=[{sizes}], weights=[{shares}])"},
        service=exponential(params["service_rate"]),
        messages=300_000,
    )


def _bulk_service(params: Params) -> Scenario:
    largest = params["largest_batch"]
    return queue(
        "bulk-service",
        rate=params["arrival_rate"],
        service=exponential(params["batch_service_rate"]),
        batch_max_messages=largest,
        subscription={"fetch_max_messages": largest},
        # A long queue lasts for some services, in each of which a whole batch comes.
        messages=45_000 * largest,
    )


def _mean_batch(run: Run, _: Record) -> float:
    """Return the messages of each call: those that one worker began at one moment."""
    seen = station(run)
    started = seen.started[seen.counted]
    return float(started.size / np.unique(started).size)


def _mmpp(params: Params) -> Scenario:
    rates, leaving = params["arrival_rates"], params["switch_rates"]
    durations = [1.0 / rate for rate in leaving]
    mean = sum(map(operator.mul, rates, durations)) / sum(durations)
    written = ", ".join(f"{rate}/s" for rate in rates)
    lengths = ", ".join(map(seconds, durations))
    return queue(
        "mmpp",
        rate=mean,
        arrivals=f"mmpp(rates=[{written}], mean_durations=[{lengths}])",
        service=exponential(params["service_rate"]),
        messages=400_000,
    )


def _kingman_bound(params: Params) -> Scenario:
    rate = params["arrival_rate"]
    return queue(
        "gig1",
        rate=rate,
        arrivals=f"renewal(interval={law_with(1.0 / rate, params['arrival_scv'])})",
        service=law_with(1.0 / params["service_rate"], params["service_scv"]),
        messages=60_000,
    )


SIMULATED = {
    "mm1": of_station(
        mm1,
        "mean_sojourn",
        "mean_wait",
        "sojourn_quantile",
        "wait_quantile",
        "sojourn_tail",
        replications=runs_of_mm1,
    ),
    "mmc": {
        **of_station(
            _mmc,
            "mean_wait",
            "probability_of_waiting",
            "sojourn_quantile",
            "mean_queue_length",
            replications=lambda p: more_near_saturation(0.1, _load(p), power=2),
        ),
        # Printed with three digits: what is left between the truth and half of the last one is
        # a thousandth.
        **of_station(_mmc, "mean_sojourn", replications=60),
    },
    "mg1": of_station(_mg1, "mean_wait", "variance_of_wait"),
    "md1": of_station(_md1, "wait_tail", "number_probability"),
    "mdc": of_station(
        _mdc,
        "mean_wait",
        "probability_of_waiting",
        "variance_of_wait",
        replications=lambda p: more_near_saturation(
            2.0, p["arrival_rate"] * p["service_time"] / p["servers"]
        ),
    ),
    "gim1": of_station(_gim1, "mean_wait"),
    "dmc": of_station(_dmc, "mean_wait"),
    "ekemc": of_station(_ekemc, "mean_wait"),
    "mxm1": of_station(_mxm1, "mean_sojourn"),
    "bulk_service": {
        **of_station(_bulk_service, "mean_wait"),
        "mean_batch": Simulation(scenario=_bulk_service, measure=_mean_batch),
    },
    "mmpp_m1": of_station(_mmpp, "mean_sojourn", "idle_share"),
    "kingman_bound": {"bound_of_mean_wait": of_station(_kingman_bound, "mean_wait")["mean_wait"]},
}
"""Families of one queue, by name."""

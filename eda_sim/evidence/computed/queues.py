"""Computed answers about queues: one function of :mod:`eda_sim.theory` per family."""

from __future__ import annotations

import math

from eda_sim import theory
from eda_sim.evidence.families import Family
from eda_sim.evidence.records import Params


def _mg1(params: Params) -> theory.SteadyState:
    mean, scv, third = _moments(params["service"])
    return theory.mg1(
        arrival_rate=params["arrival_rate"],
        mean_service=mean,
        service_scv=scv,
        service_third_moment=third,
    )


def _moments(law: Params) -> tuple[float, float, float]:
    """Return mean, squared coefficient of variation and third moment."""
    if law["law"] == "constant":
        moments = [law["mean"] ** power for power in (1, 2, 3)]
    elif law["law"] == "lognormal":
        growth = 1.0 + law["scv"]
        moments = [law["mean"] ** n * growth ** (n * (n - 1) // 2) for n in (1, 2, 3)]
    elif law["law"] == "pareto":
        index, least = law["index"], law["least"]
        moments = [index * least**power / (index - power) for power in (1, 2, 3)]
    else:
        phases = list(zip(law["shares"], law["rates"], strict=True))
        moments = [
            math.factorial(power) * math.fsum(share / rate**power for share, rate in phases)
            for power in (1, 2, 3)
        ]
    first, second, third = moments
    return first, second / first**2 - 1.0, third


def _gim1(params: Params) -> theory.SteadyState:
    mean = 1.0 / params["arrival_rate"]
    if params["interval"] == "constant":
        transform = theory.deterministic_transform(mean=mean)
    else:
        transform = theory.erlang_transform(mean=mean, stages=params["stages"])
    return theory.gim1(
        arrival_rate=params["arrival_rate"],
        service_rate=params["service_rate"],
        transform=transform,
    )


def _dmc(params: Params) -> theory.SteadyState:
    transform = theory.deterministic_transform(mean=1.0 / params["arrival_rate"])
    return theory.gimc(**params, transform=transform)


def _mxm1(params: Params) -> theory.SteadyState:
    sizes = {int(size): share for size, share in params["batch_sizes"].items()}
    return theory.mxm1(**{**params, "batch_sizes": sizes})


def _busy_period(params: Params) -> theory.BusyPeriod:
    return theory.busy_period(
        arrival_rate=params["arrival_rate"],
        mean_service=1.0 / params["service_rate"],
        service_scv=1.0,
    )


def _of_class(params: Params) -> theory.SteadyState:
    rest = {name: value for name, value in params.items() if name != "priority_class"}
    classes: list[theory.SteadyState] = (
        theory.mmc_priorities(**rest) if "servers" in params else theory.mg1_priorities(**rest)
    )
    return classes[int(params["priority_class"]) - 1]


def _all_classes(params: Params) -> float:
    rates = params["arrival_rates"]
    waits = [each.mean_wait for each in theory.mmc_priorities(**params)]
    return math.fsum(map(math.prod, zip(rates, waits, strict=True))) / math.fsum(rates)


def _mmpp(params: Params) -> theory.SteadyState:
    return theory.mmpp_m1(
        arrival_rates=tuple(params["arrival_rates"]),
        switch_rates=tuple(params["switch_rates"]),
        service_rate=params["service_rate"],
    )


def _duplicates_apart(params: Params) -> theory.SteadyState:
    rate = params["arrival_rate"] * (1.0 + params["duplicate_share"])
    return theory.mm1(arrival_rate=rate, service_rate=params["service_rate"])


def _duplicates_together(params: Params) -> theory.SteadyState:
    share = params["duplicate_share"]
    return theory.mxm1(
        batch_rate=params["arrival_rate"],
        service_rate=params["service_rate"],
        batch_sizes={1: 1.0 - share, 2: share},
    )


def _fan_out_mean(params: Params) -> float:
    return theory.slowest_of_exponentials_mean(**params)


QUEUES = {
    "mm1": Family(title="M/M/1", compute=lambda p: theory.mm1(**p)),
    "mmc": Family(title="M/M/c", compute=lambda p: theory.mmc(**p)),
    "mmck": Family(title="M/M/c/K: arrivals are lost", compute=lambda p: theory.mmck(**p)),
    "busy_period": Family(title="Busy period of M/M/1", compute=_busy_period),
    "erlang_b": Family(title="M/G/c/c: no queue", compute=lambda p: theory.erlang_b(**p)),
    "mg1": Family(title="M/G/1", compute=_mg1),
    "md1": Family(title="M/D/1", compute=lambda p: theory.md1(**p)),
    "mdc": Family(title="M/D/c", compute=lambda p: theory.mdc(**p)),
    "gim1": Family(title="GI/M/1", compute=_gim1),
    "dmc": Family(title="D/M/c", compute=_dmc),
    "ekemc": Family(title="E_k/E_m/c", compute=lambda p: theory.ekemc(**p)),
    "kingman": Family(title="Kingman's approximation", compute=lambda p: theory.kingman(**p)),
    "kraemer_langenbach_belz": Family(
        title="Approximation of Kraemer and Langenbach-Belz",
        compute=lambda p: theory.kraemer_langenbach_belz(**p),
    ),
    "kingman_bound": Family(title="Kingman's bound", compute=lambda p: theory.kingman_bound(**p)),
    "mxm1": Family(title="M^[X]/M/1: batches arrive", compute=_mxm1),
    "bulk_service": Family(
        title="M/M^[1,K]/1: a consumer takes batches", compute=lambda p: theory.bulk_service(**p)
    ),
    "priorities_mg1": Family(title="M/G/1 with priorities", compute=_of_class),
    "priorities_mmc": Family(
        title="M/M/c with priorities",
        compute={"mean_wait": _of_class, "mean_wait_of_all": _all_classes},
    ),
    "erlang_a": Family(title="M/M/c+M: messages expire", compute=lambda p: theory.erlang_a(**p)),
    "erlang_a_per_minute": Family(
        title="M/M/c+M, published in percent and seconds, rates per minute",
        compute={
            "percent_lost": lambda p: 100.0 * theory.erlang_a(**p).probability_of_loss,
            "mean_wait_s": lambda p: 60.0 * theory.erlang_a(**p).mean_wait,
        },
    ),
    "mmpp_m1": Family(
        title="MMPP(2)/M/1: arrivals in two moods",
        compute={
            "mean_sojourn": lambda p: _mmpp(p).mean_sojourn,
            "idle_share": lambda p: 1.0 - _mmpp(p).utilization,
        },
    ),
    "breakdowns": Family(
        title="M/G/1 with breakdowns, work resumes",
        compute=lambda p: theory.mg1_with_breakdowns(**p),
    ),
    "md1_restarts": Family(
        title="M/D/1 with breakdowns, work starts again",
        compute=lambda p: theory.md1_with_restarts(**p),
    ),
    "restart": Family(
        title="Constant work that starts again after breakdowns",
        compute=lambda p: theory.completion_with_restart(**p),
    ),
    "retries": Family(
        title="M/M/1 with retries to the tail", compute=lambda p: theory.mm1_with_retries(**p)
    ),
    "retrial": Family(
        title="M/M/1 retrial: no queue, callers come back",
        compute=lambda p: theory.mm1_retrial(**p),
    ),
    "tandem": Family(title="M/M/1 queues in a row", compute=lambda p: theory.tandem(**p)),
    "jackson": Family(
        title="Jackson network",
        compute={
            "mean_time": lambda p: theory.jackson(**p).mean_time,
            "mean_number_at_station": lambda p: theory.jackson(**p).stations[0].mean_number,
        },
    ),
    "choices": Family(
        title="Join the shortest of a few queues",
        compute={
            "mean_sojourn": lambda p: theory.shortest_of_choices_mean(**p),
            "tail": lambda p: theory.shortest_of_choices_tail(**p),
        },
    ),
    "fork_join": Family(
        title="Fork-join of M/M/1 queues", compute=lambda p: theory.fork_join_mean(**p)
    ),
    "fan_out": Family(
        title="The slowest of several answers",
        compute={
            "mean": _fan_out_mean,
            "quantile": lambda p: theory.slowest_of_exponentials_quantile(**p, q=0.99),
        },
    ),
    "quorum_acknowledgement": Family(
        title="The k-th fastest of several answers",
        compute=lambda p: theory.quorum_of_exponentials_mean(**p),
    ),
    "duplicates_apart": Family(
        title="M/M/1 with duplicates that come on their own", compute=_duplicates_apart
    ),
    "duplicates_together": Family(
        title="M/M/1 with duplicates that come with the original", compute=_duplicates_together
    ),
    "transient": Family(
        title="M/M/1 from empty",
        compute={
            "mean_wait_of_first": lambda p: theory.mm1_mean_wait_of_first(**p),
            "mean_number_at": lambda p: theory.mm1_mean_number_at(**p),
        },
    ),
    "history": Family(
        title="A single server with a given history",
        compute=lambda p: float(theory.lindley_waits(**p).mean()),
    ),
}
"""Families about queues, by name."""

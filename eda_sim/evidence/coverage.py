"""Coverage: how often the intervals of the analysis hold the truth.

An interval of 95 % is a promise about many experiments. Here they are made, with models whose truth
is known (M/M/1 by theory, a first-order autoregressive series), and the intervals that hold it are
counted. M/M/1 comes from Lindley's recursion, because a thousand experiments take a second then,
and in smaller number from the compiled engine, because that is what people run.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from eda_sim.analysis.batch_means import batch_means
from eda_sim.analysis.estimates import Estimate
from eda_sim.analysis.intervals import quantile_intervals, quantile_ratio
from eda_sim.analysis.order_statistics import quantile_of_independent, quantile_over_replications
from eda_sim.analysis.proportions import wilson
from eda_sim.analysis.replications import mean_over_replications
from eda_sim.simulation import run
from eda_sim.spec import load
from eda_sim.theory import lindley_waits, mm1

Values = npt.NDArray[np.float64]
Generator = np.random.Generator

LOAD = 0.5
_WARMUP = 200
_CORRELATION = 0.8
_REPLICATIONS = 10
_TAIL = 0.9


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """One kind of interval for one model.

    Attributes
    ----------
    interval : str
        What kind of interval it is.
    model : str
        What it is taken of.
    truth : float
        What it should hold.
    make : callable
        Random numbers to an estimate.
    """

    interval: str
    model: str
    truth: float
    make: Callable[[Generator], Estimate]


def coverage(*, experiments: int = 1000, seed: int = 1, engine: int = 0) -> pd.DataFrame:
    """Return how often intervals of 95 % hold the truth.

    Parameters
    ----------
    experiments : int
        Experiments of each kind with random numbers from ``seed``; at least 1.
    seed : int
        The same seed gives the same table.
    engine : int
        Experiments with the compiled engine besides; 0 for none.

    Returns
    -------
    DataFrame
        ``interval``, ``model``, ``truth``, ``experiments``, ``covered`` (experiments whose interval
        holds the truth), ``coverage`` (their share of those that gave an interval), ``low``,
        ``high`` (Wilson's 95 % interval of that share), ``refused`` (experiments that were too
        short for an interval), ``above``, ``below`` (misses: the truth is above the interval, or
        below it), ``half_width`` (mean, of intervals with two ends).

    Raises
    ------
    ValueError
        If a number of experiments is out of range.
    """
    if experiments < 1 or engine < 0:
        message = f"experiments is {experiments}, engine {engine}: must be at least 1 and 0"
        raise ValueError(message)
    rows = []
    for number, experiment in enumerate(EXPERIMENTS):
        random = np.random.default_rng([seed, number])
        estimates = [experiment.make(random) for _ in range(experiments)]
        rows.append(_row(experiment.interval, experiment.model, experiment.truth, estimates))
    if engine:
        rows += [_row(*experiment) for experiment in _with_engine(engine, seed)]
    return pd.DataFrame(rows)


def _row(interval: str, model: str, truth: float, estimates: list[Estimate]) -> dict[str, object]:
    given = [each for each in estimates if not math.isnan(each.low)]
    covered = sum(each.holds(truth) for each in given)
    share = wilson(covered, len(given))
    closed = [each.half_width for each in given if each.is_known]
    return {
        "interval": interval,
        "model": model,
        "truth": truth,
        "experiments": len(estimates),
        "covered": covered,
        "coverage": share.value,
        "low": share.low,
        "high": share.high,
        "refused": len(estimates) - len(given),
        "above": sum(each.high < truth for each in given),
        "below": sum(each.low > truth for each in given),
        "half_width": float(np.mean(closed)) if closed else math.nan,
    }


def _waits(random: Generator, messages: int, runs: int = 1) -> Values:
    """Return waits of M/M/1 with service rate 1, without the warm-up, one row per run."""
    shape = (runs, _WARMUP + messages)
    intervals, services = random.exponential(1 / LOAD, shape), random.exponential(1.0, shape)
    return lindley_waits(intervals=intervals, services=services)[:, _WARMUP:]


def _autoregressive(random: Generator, length: int) -> Values:
    """Return a stationary series of variance 1 and mean 0."""
    from scipy.signal import lfilter

    noise = random.normal(size=length + 1)
    noise[1:] *= math.sqrt(1 - _CORRELATION**2)
    return np.asarray(lfilter([1.0], [1.0, -_CORRELATION], noise))[1:]


def _independent_sojourns(random: Generator, runs: int) -> Values:
    """Return the sojourn of one message of each of so many runs, in the steady state."""
    waits = _waits(random, 1, runs)[:, -1]
    return np.asarray(waits + random.exponential(1.0, runs))


def _lost(random: Generator) -> Estimate:
    """Return the share of runs of M/M/1 whose 200th message must wait."""
    waiting = _waits(random, 1, 100)[:, -1] > 0
    return wilson(int(waiting.sum()), waiting.size)


def _paired(random: Generator) -> Estimate:
    """Return the difference of mean waits between two services, 10 % apart, with common numbers."""
    shape = (_REPLICATIONS, _WARMUP + 1000)
    intervals, services = random.exponential(1 / LOAD, shape), random.exponential(1.0, shape)
    slow, fast = (
        lindley_waits(intervals=intervals, services=services * mean)[:, _WARMUP:].mean(axis=1)
        for mean in (1.0, 0.9)
    )
    return mean_over_replications(fast - slow)


def _slower(random: Generator, messages: int) -> tuple[Values, Values]:
    """Return sojourns with two services, 20 % apart, of two runs with common numbers."""
    shape = (1, _WARMUP + messages)
    intervals, services = random.exponential(1 / LOAD, shape), random.exponential(1.0, shape)
    first, second = (
        (lindley_waits(intervals=intervals, services=services * mean) + services * mean)[0]
        for mean in (1.0, 1.2)
    )
    return first[_WARMUP:], second[_WARMUP:]


_QUEUE = mm1(arrival_rate=LOAD, service_rate=1.0)
_FASTER = mm1(arrival_rate=LOAD, service_rate=1.0 / 0.9)
_SLOWER = mm1(arrival_rate=LOAD, service_rate=1.0 / 1.2)
_WAIT = "wait in M/M/1"
_SERIES = "AR(1)"
_NORMAL_TAIL = 1.2815515655446004  # the 90 % point of the standard normal distribution

EXPERIMENTS = (
    Experiment(
        interval="mean over 10 replications",
        model=_WAIT,
        truth=_QUEUE.mean_wait,
        make=lambda random: mean_over_replications(
            _waits(random, 2000, _REPLICATIONS).mean(axis=1)
        ),
    ),
    Experiment(
        interval="mean over 10 replications",
        model=_SERIES,
        truth=0.0,
        make=lambda random: mean_over_replications(
            [float(_autoregressive(random, 200).mean()) for _ in range(_REPLICATIONS)]
        ),
    ),
    Experiment(
        interval="mean by batch means",
        model=_WAIT,
        truth=_QUEUE.mean_wait,
        make=lambda random: batch_means(_waits(random, 5000)[0]).estimate,
    ),
    Experiment(
        interval="mean by batch means",
        model=_SERIES,
        truth=0.0,
        make=lambda random: batch_means(_autoregressive(random, 2000)).estimate,
    ),
    Experiment(
        interval="p90 of one run, by sections",
        model=_WAIT,
        truth=_QUEUE.wait_quantile(_TAIL),
        make=lambda random: quantile_intervals(_waits(random, 5000)[0], [_TAIL])[0],
    ),
    Experiment(
        interval="p90 of one run, by sections",
        model=_SERIES,
        truth=_NORMAL_TAIL,
        make=lambda random: quantile_intervals(_autoregressive(random, 5000), [_TAIL])[0],
    ),
    Experiment(
        interval="p99 of one short run, by sections",
        model=_WAIT,
        truth=_QUEUE.wait_quantile(0.99),
        make=lambda random: quantile_intervals(_waits(random, 5000)[0], [0.99])[0],
    ),
    Experiment(
        interval="p90 of independent observations, by order statistics",
        model="sojourn in M/M/1, one message of each run",
        truth=_QUEUE.sojourn_quantile(_TAIL),
        make=lambda random: quantile_of_independent(_independent_sojourns(random, 200), _TAIL),
    ),
    Experiment(
        interval="p90 over 10 replications",
        model=_WAIT,
        truth=_QUEUE.wait_quantile(_TAIL),
        make=lambda random: quantile_over_replications(
            list(_waits(random, 2000, _REPLICATIONS)), _TAIL
        ),
    ),
    Experiment(
        interval="p90 over 10 replications",
        model=_SERIES,
        truth=_NORMAL_TAIL,
        make=lambda random: quantile_over_replications(
            [_autoregressive(random, 1000) for _ in range(_REPLICATIONS)], _TAIL
        ),
    ),
    Experiment(
        interval="share by Wilson",
        model="M/M/1, who waits, one message of each of 100 runs",
        truth=_QUEUE.probability_of_waiting,
        make=_lost,
    ),
    Experiment(
        interval="paired difference over 10 replications",
        model="M/M/1, waits with services of 1 s and 0.9 s",
        truth=_FASTER.mean_wait - _QUEUE.mean_wait,
        make=_paired,
    ),
    Experiment(
        interval="ratio of p90 of two runs, by sections",
        model="M/M/1, sojourns with services of 1.2 s and 1 s",
        truth=_SLOWER.sojourn_quantile(_TAIL) / _QUEUE.sojourn_quantile(_TAIL),
        make=lambda random: quantile_ratio(*_slower(random, 5000), _TAIL),
    ),
    Experiment(
        interval="ratio of p99 of two short runs, by sections",
        model="M/M/1, sojourns with services of 1.2 s and 1 s",
        truth=_SLOWER.sojourn_quantile(0.99) / _QUEUE.sojourn_quantile(0.99),
        make=lambda random: quantile_ratio(*_slower(random, 8000), 0.99),
    ),
)
"""What is tried with random numbers alone."""


def _with_engine(count: int, seed: int) -> Iterator[tuple[str, str, float, list[Estimate]]]:
    """Run M/M/1 at half load on the compiled engine; yield kind, model, truth and estimates."""
    changes = {"seed": seed, "producers.clients.rate": "5/s", "duration": "17min"}
    scenario = load("mm1").replace(changes)
    queue = mm1(arrival_rate=5.0, service_rate=10.0)
    tail = queue.sojourn_quantile(_TAIL)
    took = [
        run(scenario, replication=number, engine="compiled").latency().of("worker")
        for number in range(count)
    ]
    groups = [took[start : start + 5] for start in range(0, count - 4, 5)]
    model = "sojourn in M/M/1, compiled engine"
    means = [batch_means(values).estimate for values in took]
    yield "mean by batch means", model, queue.mean_sojourn, means
    tails = [quantile_intervals(values, [_TAIL])[0] for values in took]
    yield "p90 of one run, by sections", model, tail, tails
    means = [mean_over_replications([float(each.mean()) for each in group]) for group in groups]
    yield "mean over 5 replications", model, queue.mean_sojourn, means
    tails = [quantile_over_replications(group, _TAIL) for group in groups]
    yield "p90 over 5 replications", model, tail, tails

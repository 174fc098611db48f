"""How much averages of M/M/1 vary: the asymptotic variance, without a model of it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from eda_sim.analysis.steps import step_function
from eda_sim.evidence.families import Simulation
from eda_sim.evidence.records import Params, Record
from eda_sim.evidence.simulated.measuring import Values, more_near_saturation, station
from eda_sim.evidence.simulated.one_queue import mm1
from eda_sim.spec import Scenario

if TYPE_CHECKING:
    from eda_sim.simulation import Run

_MEMORIES_IN_A_STRETCH = 5.0
_STEPS_IN_A_STRETCH = 8


def _mm1(params: Params) -> Scenario:
    return mm1(params, name="mm1-averages")


def _replications(params: Params) -> int:
    return more_near_saturation(1.2, params["arrival_rate"] / params["service_rate"], power=2)


def _memory(params: Params) -> float:
    """Return the seconds in which the queue forgets: only to cut the run into longer stretches."""
    load = params["arrival_rate"] / params["service_rate"]
    return float(1.0 / params["service_rate"] / (1.0 - math.sqrt(load)) ** 2)


def asymptotic_variance(sums: Values, step: float) -> float:
    """Return the variance of an average over a long time, times that time.

    Overlapping means of two lengths: the variance of means of length b, times b, is too small by
    c / b with the same c for all b, so that twice that of length 2 b less that of length b is not.

    Parameters
    ----------
    sums : array of float
        What has been summed up at equal steps.
    step : float
        Length of a step.

    Returns
    -------
    float
    """
    short, long = (
        _variance_of_means(sums, steps, step)
        for steps in (_STEPS_IN_A_STRETCH, 2 * _STEPS_IN_A_STRETCH)
    )
    return 2.0 * long - short


def _variance_of_means(sums: Values, steps: int, step: float) -> float:
    length, whole = steps * step, (sums.size - 1) * step
    means = (sums[steps:] - sums[:-steps]) / length
    mean = (sums[-1] - sums[0]) / whole
    return float(np.mean((means - mean) ** 2)) * length / (1.0 - length / whole)


def _of_number(run: Run, record: Record) -> float:
    seen = station(run)
    times, counts = step_function(seen.created, seen.finished)
    sums = np.concatenate([[0.0], np.cumsum(np.diff(times) * counts[:-1])])
    step = _MEMORIES_IN_A_STRETCH * _memory(record.params) / _STEPS_IN_A_STRETCH
    return asymptotic_variance(np.interp(np.arange(*seen.window, step), times, sums), step)


def _of_wait(run: Run, record: Record) -> float:
    messages = record.params["arrival_rate"] * _memory(record.params)
    step = max(1, round(_MEMORIES_IN_A_STRETCH * messages / _STEPS_IN_A_STRETCH))
    sums = np.concatenate([[0.0], np.cumsum(station(run).waits)])
    return asymptotic_variance(sums[::step], step)


SIMULATED = {
    "asymptotic_variance": {
        "of_number": Simulation(scenario=_mm1, measure=_of_number, replications=_replications),
        "of_wait": Simulation(scenario=_mm1, measure=_of_wait, replications=_replications),
    }
}
"""Families about averages, by name."""

"""Computed answers about output analysis: the statistics of series that anybody can make again.

The series are noise from the generator of Park and Miller (x' = 16807 x mod 2**31 - 1, from 12345),
shares of its modulus, on which one of three shapes is put.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from eda_sim import theory
from eda_sim.analysis.batch_means import batch_means
from eda_sim.analysis.warmup import mser5
from eda_sim.evidence.families import Family
from eda_sim.evidence.records import Params

_MODULUS = 2**31 - 1
_MULTIPLIER = 16807
_START = 12345


def _series(params: Params) -> npt.NDArray[np.float64]:
    state, noise = _START, []
    for _ in range(params["length"]):
        state = state * _MULTIPLIER % _MODULUS
        noise.append(state / _MODULUS)
    values = np.array(noise)
    if params["series"] == "step":
        values[:60] = 10.0
    elif params["series"] == "decay":
        values += 5.0 * 0.97 ** np.arange(values.size)
    return values


def _half_width(params: Params) -> float:
    values = _series(params)
    estimate = batch_means(values, batches=params["batches"], adjusted=False).estimate
    return (estimate.high - estimate.low) / 2.0


OUTPUT = {
    "mser5": Family(
        title="Warm-up by MSER-5",
        compute={
            "truncated": lambda p: mser5(_series(p)).observations,
            "truncated_mean": lambda p: mser5(_series(p)).mean,
        },
    ),
    "batch_means": Family(title="Batch means", compute=_half_width),
    "ar1": Family(
        title="AR(1): variances and correlations of means",
        compute={
            "variance_of_mean": lambda p: theory.ar1_variance_of_mean(**p),
            "correlation_of_batches": lambda p: theory.ar1_correlation_of_batches(**p),
        },
    ),
    "asymptotic_variance": Family(
        title="M/M/1: how fast averages settle",
        compute={
            "of_number": lambda p: theory.mm1_number_asymptotic_variance(**p),
            "of_wait": lambda p: theory.mm1_wait_asymptotic_variance(**p),
        },
    ),
}
"""Families about output analysis, by name."""

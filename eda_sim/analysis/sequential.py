"""Sequential stopping: as many runs as it takes to know a number well enough.

A run is made, the interval looked at, and so on until it is narrow enough. To stop when it happens
to be narrow is to favour samples that vary little by chance: the interval holds the truth a little
less often than it says (a few percent of runs, the more the fewer the runs), and a mean whose
spread grows with it (as of all waiting times) comes out a little low. Ten runs before the first
look keep both small; the answer is exact only in the limit of a narrow target.

References
----------
.. [1] Y. S. Chow, H. Robbins, "On the asymptotic theory of fixed-width sequential confidence
   intervals for the mean", Annals of Mathematical Statistics 36 (1965) 457-462.
.. [2] A. M. Law, W. D. Kelton, "Confidence intervals for steady-state simulations II: a survey of
   sequential procedures", Management Science 28 (1982) 550-562; A. M. Law, "Simulation Modeling and
   Analysis", 5th ed. (2015), section 9.4.1: stop at g / (1 + g), not at g, for a relative error g.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import pandas as pd

from eda_sim.analysis.estimates import Estimate
from eda_sim.analysis.replications import mean_over_replications


@dataclass(frozen=True, eq=False)
class Stopped:
    """What was found out until it was known well enough, or the cap was reached.

    Attributes
    ----------
    estimate : Estimate
        Mean over the runs and its interval.
    is_reached : bool
        Whether it is known as well as was asked for.
    relative : float
        The relative error that was asked for.
    table : DataFrame
        One row per run: ``replication``, ``value``, and ``mean``, ``low``, ``high`` of the runs up
        to it.
    """

    estimate: Estimate
    is_reached: bool
    relative: float
    table: pd.DataFrame = field(repr=False)

    @property
    def replications(self) -> int:
        """Runs that were made."""
        return len(self.table)


def until_known(
    replicate: Callable[[int], float],
    *,
    relative: float = 0.02,
    confidence: float = 0.95,
    at_least: int = 10,
    at_most: int = 1000,
) -> Stopped:
    """Make runs until the mean of what they give is known within a share of itself.

    Parameters
    ----------
    replicate : callable
        Number of a replication, from 0, to its value: the p99 of an independent run, say.
    relative : float
        Largest error, as a share of the true mean: 0.02 for 2 %.
    confidence : float
        Probability that the error is not larger.
    at_least : int
        Runs before the first look, at least 2. Fewer than 10 stop too early too often.
    at_most : int
        The cap.

    Returns
    -------
    Stopped

    Raises
    ------
    ValueError
        If an argument is out of range, or a run gives no finite number.

    Notes
    -----
    It stops once half of the interval's length is at most g / (1 + g) of the mean, for then the
    error is at most g of the true mean.

    References
    ----------
    Chow & Robbins [1]_; Law & Kelton [2]_.

    Examples
    --------
    >>> import numpy as np
    >>> noise = np.random.default_rng(3).normal(10.0, 1.0, 1000)
    >>> found = until_known(lambda number: noise[number], relative=0.02)
    >>> found.is_reached, found.estimate.relative_half_width <= 0.02
    (True, True)
    """
    if not 0 < relative < 1:
        message = f"relative is {relative}: must be between 0 and 1"
        raise ValueError(message)
    if not 2 <= at_least <= at_most:
        message = f"at_least is {at_least}: must be from 2 to at_most, {at_most}"
        raise ValueError(message)
    target = relative / (1 + relative)
    values: list[float] = []
    rows: list[tuple[int, float, float, float, float]] = []
    estimate = Estimate(math.nan, math.nan, math.nan)
    is_reached = False
    while len(values) < at_most and not is_reached:
        number = len(values)
        value = float(replicate(number))
        if not math.isfinite(value):
            message = f"replication {number} gave {value}: must be a finite number"
            raise ValueError(message)
        values.append(value)
        estimate = mean_over_replications(values, confidence=confidence)
        rows.append((number, value, *estimate))
        narrow = estimate.half_width <= target * abs(estimate.value)
        is_reached = len(values) >= at_least and narrow
    table = pd.DataFrame(rows, columns=["replication", "value", "mean", "low", "high"])
    return Stopped(estimate, is_reached, relative, table)

"""Where a run stops to remember how it began: what to leave out of its averages.

The words
---------
warm-up (initial transient)
    A run begins empty, which is not how it usually is. Observations from its start pull averages
    towards that beginning.
truncation
    Leaving the first observations out. Too few, and the bias stays; too many, and evidence is lost.

MSER-5 weighs the two for one run: it leaves out what makes the standard error of the rest smallest.
Welch's procedure averages several runs, message by message, and smooths: the eye sees where the
curve gets flat.

References
----------
.. [1] K. P. White, "An effective truncation heuristic for bias reduction in simulation output",
   Simulation 69 (1997) 323-334.
.. [2] P. D. Welch, "The statistical analysis of simulation results", in S. S. Lavenberg (ed.), "The
   Computer Performance Modeling Handbook" (1983); A. M. Law, "Simulation Modeling and Analysis",
   5th ed. (2015), section 9.5.1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

Values = npt.NDArray[np.float64]


class Truncation(NamedTuple):
    """What to leave out.

    Attributes
    ----------
    observations : int
        How many, from the start.
    mean : float
        Of the rest, in whole batches; NaN without observations.
    is_settled : bool
        Whether the run is long enough to say. If the best place to cut is the last that is allowed,
        the middle of the run, it never settled: make it longer.
    """

    observations: int
    mean: float
    is_settled: bool


def mser5(values: Sequence[float] | Values, *, batch: int = 5) -> Truncation:
    """Return where to cut the warm-up off, by the rule MSER-5.

    The observations are averaged in batches of five. For each number d of batches that could be
    left out, the squared distances of the others from their mean are added up and divided by the
    square of their number; the first d with the smallest result, up to half of the run, is taken.

    Parameters
    ----------
    values : sequence of float
        Observations of one run, in time order.
    batch : int
        Observations per batch; 5 by name.

    Returns
    -------
    Truncation

    Raises
    ------
    ValueError
        If the batch is not positive or an observation is not a finite number.

    References
    ----------
    White [1]_; with batches of five: K. P. White, M. J. Cobb, S. C. Spratt, "A comparison of five
    steady-state truncation heuristics for simulation", Winter Simulation Conference (2000) 755-760.

    Examples
    --------
    >>> mser5([9.0] * 10 + [1.0, 2.0, 3.0, 2.0, 1.0] * 8)
    Truncation(observations=10, mean=1.8, is_settled=True)
    """
    if batch < 1:
        message = f"batch is {batch}: must be at least 1"
        raise ValueError(message)
    sample = np.asarray(values, dtype=np.float64)
    if not bool(np.isfinite(sample).all()):
        message = "values has an observation that is not a finite number"
        raise ValueError(message)
    count = sample.size // batch
    if count == 0:
        return Truncation(0, math.nan, is_settled=False)
    means = sample[: count * batch].reshape(count, batch).mean(axis=1)
    # Sums from the end, about the overall mean: subtracting squares of large numbers would cancel.
    centred = (means - means.mean())[::-1]
    left = np.arange(1, count + 1)
    sums, squares = np.cumsum(centred), np.cumsum(centred**2)
    statistic = (np.maximum(squares - sums**2 / left, 0.0) / left**2)[::-1]
    last = count // 2
    cut = int(np.argmin(statistic[: last + 1]))
    return Truncation(cut * batch, float(means[cut:].mean()), is_settled=cut < last)


def welch(replications: Sequence[Sequence[float] | Values], *, window: int) -> pd.DataFrame:
    """Return the average over replications of each observation, smoothed: Welch's procedure.

    Parameters
    ----------
    replications : sequence of sequence of float
        Observations of each run, in time order. Longer runs are cut to the shortest.
    window : int
        Observations on each side that are averaged too; at the start, as many as there are.

    Returns
    -------
    DataFrame
        ``observation`` (from 0), ``mean`` over the replications, ``smoothed``: the moving average.
        The last ``window`` rows have no moving average (NaN).

    Raises
    ------
    ValueError
        If there are no replications, one has no observations, or the window is negative or longer
        than a quarter of them.

    References
    ----------
    Welch [2]_; Law (2015), equation 9.4 is the moving average here.

    Examples
    --------
    >>> welch([[4.0, 2.0, 1.0, 1.0], [6.0, 2.0, 3.0, 1.0]], window=1)["smoothed"].tolist()
    [5.0, 3.0, 1.6666666666666667, nan]
    """
    if not replications:
        message = "replications: must have at least one run"
        raise ValueError(message)
    length = min(len(values) for values in replications)
    if length == 0 or not 0 <= window <= length / 4:
        message = f"window is {window}: must be from 0 to a quarter of the observations, {length}"
        raise ValueError(message)
    rows = [np.asarray(values, dtype=np.float64)[:length] for values in replications]
    mean = np.mean(rows, axis=0)
    place = np.arange(length)
    reach = np.minimum(place, window)
    total = np.concatenate([[0.0], np.cumsum(mean)])
    until = np.minimum(place + reach + 1, length)
    smoothed = (total[until] - total[place - reach]) / (2 * reach + 1)
    smoothed[place + reach >= length] = np.nan
    return pd.DataFrame({"observation": place, "mean": mean, "smoothed": smoothed})

"""Many comparisons at once: scenarios against each other, with one promise for all of them.

Twenty intervals of 95 % are expected to miss once, and the widest difference of twenty is likely to
be the one that misses. Bonferroni's inequality mends it: with m differences, each gets an interval
of confidence 1 - (1 - c) / m, and all of them hold together with probability c at least.

References
----------
.. [1] A. M. Law, "Simulation Modeling and Analysis", 5th ed. (2015), section 10.3: comparison with
   a standard (10.3.1) and all pairs (10.3.2), paired by common random numbers.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from eda_sim.analysis.replications import mean_over_replications

Values = npt.NDArray[np.float64]


def compare_many(
    values: Mapping[str, Sequence[float] | Values],
    *,
    control: str | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Return the differences between scenarios, with intervals that hold all at once.

    Parameters
    ----------
    values : mapping from str to sequence of float
        Name of each scenario and its value in each replication. Replication i of all scenarios has
        the same random numbers, so values are paired.
    control : str, optional
        The scenario that each other one is compared with; without it, all pairs are compared.
    confidence : float
        Probability, at least, that *all* intervals hold the true differences.

    Returns
    -------
    DataFrame
        ``first``, ``second``, ``difference`` (mean of second minus first), ``low``, ``high``,
        ``is_different`` (whether the interval leaves zero out), ``n`` (pairs).

    Raises
    ------
    ValueError
        If there are fewer than two scenarios, they differ in replications or have fewer than two,
        or the control is none of them.

    Examples
    --------
    >>> table = compare_many({"a": [5.0, 6.0, 7.0], "b": [4.1, 5.0, 6.1], "c": [1.0, 2.0, 3.1]})
    >>> table["is_different"].tolist()
    [True, True, True]
    """
    samples = {name: np.asarray(column, dtype=np.float64) for name, column in values.items()}
    counts = {column.size for column in samples.values()}
    if len(samples) < 2 or len(counts) != 1 or min(counts) < 2:
        message = (
            f"values has {len(samples)} scenarios of {sorted(counts)} replications: must have two "
            "scenarios or more, of equally many replications, two or more"
        )
        raise ValueError(message)
    if control is not None and control not in samples:
        message = f"control is {control!r}: must be one of {', '.join(samples)}"
        raise ValueError(message)
    pairs = (
        list(itertools.combinations(samples, 2))
        if control is None
        else [(control, name) for name in samples if name != control]
    )
    each = 1 - (1 - confidence) / len(pairs)
    rows = []
    for first, second in pairs:
        differences = samples[second] - samples[first]
        value, low, high = mean_over_replications(differences, confidence=each)
        is_different = bool(low > 0 or high < 0)
        rows.append((first, second, value, low, high, is_different, differences.size))
    columns = ["first", "second", "difference", "low", "high", "is_different", "n"]
    return pd.DataFrame(rows, columns=columns)

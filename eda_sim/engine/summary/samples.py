"""Samples of the series, thinned out so that their number is bounded.

The rule is exact, so that whoever keeps samples may thin them at any time, as often as needed:
sample number k (taken at k times ``sample_every``) stays if k is a multiple of 2**d. Whenever there
are more than 4,096 moments, d grows by one: every second moment goes. At the end d is the smallest
that leaves at most 4,096, which follows from the last moment alone.
"""

from __future__ import annotations

from eda_sim.engine.trace import Column, Table

MOMENTS = 4_096
"""Moments that are kept at most."""


def thinned(series: Table, sample_every_ns: int) -> dict[str, Column]:
    """Return the samples that stay.

    Parameters
    ----------
    series : mapping
        The table of samples, perhaps thinned before.
    sample_every_ns : int
        Time between two samples before any was dropped.

    Returns
    -------
    dict of int64 arrays

    Examples
    --------
    >>> import numpy as np
    >>> kept = thinned({"time": np.arange(10_000) * 5}, 5)["time"]
    >>> kept.size, int(kept[1])
    (2500, 20)
    """
    times = series["time"]
    if times.size == 0 or sample_every_ns <= 0:
        return dict(series)
    step = 1
    while int(times[-1]) // (step * sample_every_ns) + 1 > MOMENTS:
        step *= 2
    stays = times % (step * sample_every_ns) == 0
    return {name: column[stays] for name, column in series.items()}

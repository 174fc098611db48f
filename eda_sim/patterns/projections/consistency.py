"""The consistency window: how long after a write the query side does not show it.

The words
---------
consistency window
    From the moment at which the command side wrote an event until a query side has applied it. Who
    reads the view meanwhile reads the past.
fresh, stale
    A read is fresh if the view that it sees has the event in question, otherwise stale.
staleness
    Of a view, at a moment: the age of the oldest event that it does not show
    (:func:`eda_sim.analysis.staleness.staleness`). A window belongs to an event, staleness to a
    moment.

References
----------
.. [1] D. Bermbach, S. Tai, "Eventual consistency: how soon is eventual?", MW4SOC (2011): the window
   as a distribution that can be measured.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from eda_sim.analysis.batch_means import batch_means
from eda_sim.analysis.effects import effects_of
from eda_sim.analysis.estimates import Estimate
from eda_sim.analysis.latency import Latency, latency
from eda_sim.analysis.proportions import wilson
from eda_sim.analysis.replications import mean_over_replications
from eda_sim.analysis.staleness import staleness
from eda_sim.analysis.tables import Tables
from eda_sim.patterns.projections.services import query_sides

Values = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


def consistency_window(tables: Tables) -> Latency:
    """Return how long after it was written each event became visible at each query side.

    Parameters
    ----------
    tables : Tables
        Of a run.

    Returns
    -------
    Latency
        With ``quantile()``, ``mean()``, ``ecdf()`` and ``pooled()``, each per query side. Events
        that were not visible when the run ended are not in it; :func:`freshness` counts them.

    Examples
    --------
    >>> import eda_sim as es
    >>> from eda_sim.patterns.projections import services
    >>> law = "exponential(1ms)"
    >>> run = es.run(services.scenario(rate=10, command=law, project=law, duration="20s"))
    >>> consistency_window(run.tables).consumers
    ['query-side-0']
    """
    names = query_sides(tables)
    parts = [latency(tables, consumer=name).table for name in names]
    table = pd.concat(
        [
            part.assign(consumer=pd.Categorical([name] * len(part), categories=names))
            for name, part in zip(names, parts, strict=True)
        ],
        ignore_index=True,
    )
    return Latency(table, "consistency window")


def freshness(*runs: Tables, after: Sequence[float], confidence: float = 0.95) -> pd.DataFrame:
    """Return the probability that a read some time after a write sees it.

    Parameters
    ----------
    *runs : Tables
        Of one run, or of several independent ones of one scenario.
    after : sequence of float
        Seconds from the write to the read.
    confidence : float
        Probability that an interval covers the true share.

    Returns
    -------
    DataFrame
        By query side: ``consumer``, ``after_s``, ``fresh`` (share of the events that are visible
        then), ``low``, ``high``. Of each run those events count whose time has come before its end.
        The interval is that over the runs, or over batches of one run; NaN where there is no honest
        one.

    Raises
    ------
    ValueError
        If there is no run, or a time is negative.
    """
    if not runs or min(after, default=0.0) < 0:
        message = f"runs are {len(runs)}, after {list(after)}: must be at least 1, and from 0 on"
        raise ValueError(message)
    rows = []
    for name in query_sides(runs[0]):
        seen = [_written_and_visible(tables, name) for tables in runs]
        for delay in after:
            flags = [
                (visible <= written + delay)[written + delay <= tables.ended_at]
                for tables, (written, visible) in zip(runs, seen, strict=True)
            ]
            rows.append((name, float(delay), *share_over_time(flags, confidence=confidence)))
    return pd.DataFrame(rows, columns=["consumer", "after_s", "fresh", "low", "high"])


def _written_and_visible(tables: Tables, query_side: str) -> tuple[Values, Values]:
    """Return when events were written, and when they became visible (infinite for not yet)."""
    effects = effects_of(tables, query_side)
    written, visible = effects["created_at"].to_numpy(), effects["effect_at"].to_numpy()
    return written, np.where(np.isnan(visible), np.inf, visible)


def share_over_time(runs: Sequence[Flags], *, confidence: float = 0.95) -> Estimate:
    """Return a share, and its interval that knows that neighbours in time are alike.

    Parameters
    ----------
    runs : sequence of array of bool
        Of each run, in the order of time.
    confidence : float
        Probability that the interval covers the true share.

    Returns
    -------
    Estimate
        Over the runs, with Student's t; of one run by batch means. If all flags are equal there is
        no spread to learn from, and it is Wilson's interval of independent trials.

    Examples
    --------
    >>> flags = np.random.default_rng(1).random((10, 1000)) < 0.2
    >>> share_over_time(list(flags)).holds(0.2), share_over_time([flags[0]]).holds(0.2)
    (True, True)
    >>> [round(number, 4) for number in share_over_time([np.zeros(500, dtype=bool)])]
    [0.0, 0.0, 0.0076]
    """
    together = np.concatenate(list(runs))
    count = int(np.count_nonzero(together))
    if count in (0, together.size):
        return wilson(count, together.size, confidence=confidence)
    if len(runs) == 1:
        found = batch_means(together.astype(np.float64), confidence=confidence).estimate
    else:
        shares = [float(flags.mean()) for flags in runs if flags.size]
        found = mean_over_replications(shares, confidence=confidence)
    return Estimate(found.value, *np.clip([found.low, found.high], 0.0, 1.0).tolist())


def staleness_over_time(tables: Tables, *, times: npt.ArrayLike | None = None) -> pd.DataFrame:
    """Return how old the oldest event is that each query side does not show, over time.

    Parameters
    ----------
    tables : Tables
        Of a run.
    times : array of float, optional
        Moments in seconds; 200 even ones after the warm-up without it.

    Returns
    -------
    DataFrame
        ``time`` (s), ``consumer`` (query side), ``staleness_s``.
    """
    table = staleness(tables, times=times)
    own = table[table["consumer"].isin(query_sides(tables))].reset_index(drop=True)
    return own.assign(consumer=own["consumer"].cat.remove_unused_categories())

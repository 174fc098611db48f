"""Plots: tables in, matplotlib Axes out.

Every function draws one DataFrame of :mod:`eda_sim.analysis` on one Axes and returns it::

    import eda_sim as es

    ax = es.plots.flow.lag(run.lag(), faults=run.faults)

Given ``ax``, a function draws there; without it, on a new figure of its own, which a notebook shows
as ``ax.figure``. Nothing is computed here that a table does not already say, and nothing global is
touched: not pyplot's current figure, not matplotlib's settings. ``run.plot`` calls the same
functions with the right tables.

===============  =====================  ============================================================
module           function               draws
===============  =====================  ============================================================
``latency``      ``percentiles``        chosen percentiles with their confidence intervals
``latency``      ``ecdf``               the share of messages that took at most so long
``latency``      ``by_nines``           latency at 90 %, 99 %, 99.9 %, ..., each ten times rarer
``heatmap``      ``heatmap``            how many messages of each window of time took how long
``flow``         ``lag``                how far consumers are behind, over time
``flow``         ``queue_length``       how many messages wait and how many are in hand, over time
``recovery``     ``recovery``           the lag around faults, and how long until it is made up
``recovery``     ``over_load``          how long that takes over the load, with theory
``timeline``     ``timeline``           what each worker did with each delivery
``topology``     ``topology``           who sends to whom
``sweeps``       ``load_curve``         latency over utilization, with theory: the hockey stick
``sweeps``       ``estimates``          named numbers with their intervals
``comparison``   ``comparison``         two estimates, and their difference with its own interval
``consistency``  ``freshness``          how likely a read is fresh, some time after a write
``consistency``  ``staleness``          the age of the oldest event that a view does not show
``duplicates``   ``guarantee``          what became of messages: lost, once, twice, with intervals
``duplicates``   ``residual``           how many copies slip past a window, over its length
``sourcing``     ``replay_cost``        time of a load over the events it replays; what is foretold
``sourcing``     ``loads``              how many events each load replays, over time
``sourcing``     ``snapshot_tradeoff``  what snapshots cost and save, and how often is best
``warmup``       ``welch``              where the average over runs gets flat
``fitting``      ``qq``                 quantiles of a sample over those of its fit
``fitting``      ``rate``               arrivals over time, and what was fitted
``style``                               colours and looks that all of them share
===============  =====================  ============================================================
"""

from eda_sim.plots import (
    comparison,
    consistency,
    duplicates,
    fitting,
    flow,
    heatmap,
    latency,
    recovery,
    sourcing,
    style,
    sweeps,
    timeline,
    topology,
    warmup,
)

__all__ = [
    "comparison",
    "consistency",
    "duplicates",
    "fitting",
    "flow",
    "heatmap",
    "latency",
    "recovery",
    "sourcing",
    "style",
    "sweeps",
    "timeline",
    "topology",
    "warmup",
]

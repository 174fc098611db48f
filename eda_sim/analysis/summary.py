"""The summary of a run: one row per consumer, and one row per source for the publishing side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from eda_sim.analysis.guarantee import COUNTS, guarantee
from eda_sim.analysis.intervals import quantile_intervals
from eda_sim.analysis.lag import lag_steps
from eda_sim.analysis.latency import latency
from eda_sim.analysis.tables import Tables, is_one_of, state_name
from eda_sim.analysis.utilization import utilization
from eda_sim.engine.trace import MessageStatus

_PERCENTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
_TIMES = (
    "latency_mean_s",
    *(f"latency_{word}_s" for word in _PERCENTILES),
    "latency_max_s",
    "waiting_mean_s",
)


def summary(tables: Tables) -> pd.DataFrame:
    """Return the numbers that one looks at first, one row per consumer.

    Parameters
    ----------
    tables : Tables
        The tables of a run.

    Returns
    -------
    DataFrame
        ``consumer``; the counts of :func:`eda_sim.analysis.guarantee.guarantee`; ``deliveries``
        (hand-overs) and ``redeliveries`` (attempts after the first); ``effects_per_s`` (first
        effects of messages created after the warm-up, per second of the run after it);
        ``latency_mean_s``, ``latency_p50_s``, ``latency_p95_s``, ``latency_p99_s``,
        ``latency_max_s``; ``waiting_mean_s``; ``utilization`` (share of the workers' up-time);
        ``lag_max`` (messages, the most in one of its channels after the warm-up).
    """
    counts = [{str(k): v for k, v in row.items()} for row in guarantee(tables).to_dict("records")]
    used = utilization(tables)
    behind = lag_steps(tables)
    behind = behind[behind["time"] >= tables.warmup]
    took, waited = latency(tables), latency(tables, what="waiting")
    seconds = tables.ended_at - tables.warmup
    rows = []
    for place, name in enumerate(tables.names):
        own = after_warmup(tables, tables.deliveries_of(name))
        values = took.of(name)
        points = quantile_intervals(values, list(_PERCENTILES.values()))
        lag_here = behind.loc[is_one_of(behind["consumer"], [name]), "messages"]
        rows.append(
            {
                **counts[place],
                "deliveries": len(own),
                "redeliveries": int((own["attempt"] > 1).sum()),
                "effects_per_s": values.size / seconds if seconds > 0 else np.nan,
                "latency_mean_s": float(values.mean()) if values.size else np.nan,
                **{
                    f"latency_{word}_s": point.value
                    for word, point in zip(_PERCENTILES, points, strict=True)
                },
                "latency_max_s": float(values.max()) if values.size else np.nan,
                "waiting_mean_s": float(waited.of(name).mean()) if values.size else np.nan,
                "utilization": used["utilization"].iloc[place],
                "lag_max": int(lag_here.max()) if len(lag_here) else 0,
            }
        )
    columns = ["consumer", *COUNTS, "deliveries", "redeliveries", "effects_per_s", *_TIMES]
    return pd.DataFrame(rows, columns=[*columns, "utilization", "lag_max"])


def after_warmup(tables: Tables, deliveries: pd.DataFrame) -> pd.DataFrame:
    """Return those of the deliveries whose message was created after the warm-up."""
    created = tables.messages["created_at"].to_numpy()[deliveries["message_id"].to_numpy()]
    chosen: pd.DataFrame = deliveries[created >= tables.warmup]
    return chosen


def publishing(tables: Tables) -> pd.DataFrame:
    """Return how publishing went, one row per source and channel.

    Parameters
    ----------
    tables : Tables
        The tables of a run.

    Returns
    -------
    DataFrame
        ``source``, ``channel``, ``messages`` (created after the warm-up), ``created_per_s``, one
        count per status of publishing (``buffered`` to ``lost``), ``extra_copies`` (stored beyond
        the first of each message), ``publish_p50_s``, ``publish_p99_s`` (created to confirmed).
    """
    messages = tables.messages
    after = messages[messages["created_at"] >= tables.warmup]
    seconds = tables.ended_at - tables.warmup
    rows = []
    for (source, channel), own in after.groupby(["source", "channel"], observed=True, sort=True):
        took = (own["confirmed_at"] - own["created_at"]).dropna().to_numpy()
        middle, tail = quantile_intervals(took, [0.5, 0.99])
        ended = own["status"].value_counts()
        rows.append(
            {
                "source": source,
                "channel": channel,
                "messages": len(own),
                "created_per_s": len(own) / seconds if seconds > 0 else np.nan,
                **{state_name(status): int(ended[state_name(status)]) for status in MessageStatus},
                "extra_copies": int(np.maximum(own["copies"] - 1, 0).sum()),
                "publish_p50_s": middle.value,
                "publish_p99_s": tail.value,
            }
        )
    return publishing_table(rows)


def publishing_table(rows: Sequence[Mapping[str, object]]) -> pd.DataFrame:
    """Return the table of :func:`publishing`; without rows it has the same columns and types."""
    counts = ["messages", *(state_name(status) for status in MessageStatus), "extra_copies"]
    kinds = {
        **dict.fromkeys(("source", "channel"), "str"),
        **dict.fromkeys(counts, "int64"),
        **dict.fromkeys(("created_per_s", "publish_p50_s", "publish_p99_s"), "float64"),
    }
    statuses = counts[1:-1]
    columns = ["source", "channel", "messages", "created_per_s", *statuses, "extra_copies"]
    order = [*columns, "publish_p50_s", "publish_p99_s"]
    return pd.DataFrame(rows, columns=order).astype(kinds)

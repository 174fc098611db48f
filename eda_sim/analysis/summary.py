"""The summary of a run: one row per consumer, and one row per source for the publishing side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from eda_sim.analysis.guarantee import COUNTS, guarantee
from eda_sim.analysis.intervals import quantile_intervals
from eda_sim.analysis.lag import lag_steps
from eda_sim.analysis.latency import latency
from eda_sim.analysis.run_estimates import PERCENTILES, Found, ends_of, estimates_of, with_ends
from eda_sim.analysis.tables import Tables, is_one_of, state_name
from eda_sim.engine.trace import MessageStatus

_BEFORE_MAX = ("effects_per_s", "latency_mean_s", *(f"latency_{word}_s" for word in PERCENTILES))
_AFTER_MAX = ("waiting_mean_s", "utilization", "lost_share", "duplicated_share")


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
        ``lost_share``, ``duplicated_share`` (of the messages); ``lag_max`` (messages, the most in
        one of its channels after the warm-up). The ends of the 95 % interval of an estimate are
        beside it: ``latency_p99_low_s`` and ``latency_p99_high_s``, ``utilization_low``, ...
        :func:`eda_sim.analysis.run_estimates.estimates` has them in rows, and says more.
    """
    counts = [{str(k): v for k, v in row.items()} for row in guarantee(tables).to_dict("records")]
    found = estimates_of(tables)
    behind = lag_steps(tables)
    behind = behind[behind["time"] >= tables.warmup]
    took = latency(tables)
    rows = []
    for place, name in enumerate(tables.names):
        own = after_warmup(tables, tables.deliveries_of(name))
        values = took.of(name)
        lag_here = behind.loc[is_one_of(behind["consumer"], [name]), "messages"]
        handed = {"deliveries": len(own), "redeliveries": int((own["attempt"] > 1).sum())}
        longest = float(values.max()) if values.size else np.nan
        lag_max = int(lag_here.max()) if len(lag_here) else 0
        rows.append(
            summary_row({**counts[place], **handed}, found[name], longest, {"lag_max": lag_max})
        )
    return pd.DataFrame(rows, columns=summary_columns("lag_max"))


def summary_row(
    counts: Mapping[str, object], found: Found, longest_s: float, lag: Mapping[str, float]
) -> dict[str, object]:
    """Return the row of a consumer: counts, estimates with their ends, and the lag."""
    before, after = (
        {column: x for name in names for column, x in with_ends(name, found[name]).items()}
        for names in (_BEFORE_MAX, _AFTER_MAX)
    )
    return {**counts, **before, "latency_max_s": longest_s, **after, **lag}


def summary_columns(lag: str) -> list[str]:
    """Return the columns of a summary, the last of which is how the lag is told."""
    before, after = (
        [column for name in names for column in (name, *ends_of(name))]
        for names in (_BEFORE_MAX, _AFTER_MAX)
    )
    handed = ["consumer", *COUNTS, "deliveries", "redeliveries"]
    return [*handed, *before, "latency_max_s", *after, lag]


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
        the first of each message), ``publish_p50_s``, ``publish_p99_s`` (created to confirmed),
        each with the ends of its 95 % interval, as in ``publish_p50_low_s``, ``publish_p50_high_s``
        (NaN where the run is too short to say).
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
                **with_ends("publish_p50_s", middle),
                **with_ends("publish_p99_s", tail),
            }
        )
    return publishing_table(rows)


def publishing_table(rows: Sequence[Mapping[str, object]]) -> pd.DataFrame:
    """Return the table of :func:`publishing`; without rows it has the same columns and types."""
    counts = ["messages", *(state_name(status) for status in MessageStatus), "extra_copies"]
    times = [x for name in ("publish_p50_s", "publish_p99_s") for x in (name, *ends_of(name))]
    kinds = {
        **dict.fromkeys(("source", "channel"), "str"),
        **dict.fromkeys(counts, "int64"),
        **dict.fromkeys(("created_per_s", *times), "float64"),
    }
    statuses = counts[1:-1]
    columns = ["source", "channel", "messages", "created_per_s", *statuses, "extra_copies"]
    return pd.DataFrame(rows, columns=[*columns, *times]).astype(kinds)

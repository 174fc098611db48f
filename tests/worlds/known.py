"""Runs of the named worlds and of their variants, each made once."""

from __future__ import annotations

from functools import cache

import pandas as pd

import eda_sim as es
from eda_sim.simulation import Run
from eda_sim.spec import parse_value


@cache
def run(name: str, *changes: str) -> Run:
    """Run a bundled scenario with changes as ``--set`` takes them."""
    pairs = (change.partition("=") for change in changes)
    return es.run(es.load(name).replace({path: parse_value(value) for path, _, value in pairs}))


def only(made: Run, consumer: str | None = None) -> pd.Series:
    """Return the summary of one consumer, by default of the only one."""
    rows = made.summary()
    if consumer is not None:
        rows = rows[rows["consumer"] == consumer]
    assert len(rows) == 1
    return rows.iloc[0]


def effects(made: Run, consumer: str) -> pd.DataFrame:
    """Return the first effects of a consumer: when, and the latency of each in seconds."""
    rows = made.deliveries
    rows = rows[(rows["consumer"] == consumer) & (rows["effect"] == 1)]
    rows = rows.drop_duplicates("message_id")
    born = made.messages["created_at"].to_numpy()[rows["message_id"]]
    return pd.DataFrame(
        {
            "message_id": rows["message_id"].to_numpy(),
            "created_at": born,
            "finished_at": rows["finished_at"].to_numpy(),
            "latency": rows["finished_at"].to_numpy() - born,
        }
    )

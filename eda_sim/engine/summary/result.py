"""The summary of a run: what is left when its rows are forgotten."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from eda_sim.engine.summary.facts import Facts
from eda_sim.engine.summary.histogram import BUCKETS, Histogram, Integers
from eda_sim.engine.trace import Names, Table

TIMES = ("latency", "waiting", "service")
"""Created to first effect, created to the start of its delivery, and that start to the effect."""

COUNTS = (
    "messages",
    "exactly_once",
    "duplicated",
    "lost",
    "pending",
    "out_of_order",
    "extra_effects",
    "deliveries",
    "redeliveries",
)
"""Counts of each consumer, of messages created after the warm-up."""

RATES = ("created", "delivered", "effects", "goodput")
"""What is counted per bin: messages for a consumer, hand-overs, effects, first effects."""

LEVELS = ("waiting", "in_service")
"""Copies that wait for a worker of a consumer, and workers that run a handler."""


@dataclass(frozen=True)
class Published:
    """What one source published to one channel after the warm-up.

    Attributes
    ----------
    source, channel : int
        Which ones.
    statuses : tuple of int
        Messages per status of publishing.
    extra_copies : int
        Copies stored beyond the first of each message.
    took : Histogram
        Created to confirmed.
    """

    source: int
    channel: int
    statuses: tuple[int, ...]
    extra_copies: int
    took: Histogram = field(repr=False)


@dataclass(frozen=True, eq=False)
class Summary:
    """What one run says in constant memory; times in whole nanoseconds.

    Attributes
    ----------
    facts : Facts
        Of the scenario.
    ended_at_ns : int
        When the run stopped.
    messages, deliveries : int
        How many there were, those of the warm-up included.
    bin_ns : int
        Width of a bin of time.
    moments : array of int
        The edges of the bins, and the end of the run.
    counts : mapping
        Word of :data:`COUNTS` -> one number per consumer.
    times : mapping
        Word of :data:`TIMES` -> one histogram per consumer.
    rates : mapping
        Word of :data:`RATES` -> counts per consumer and bin.
    levels : mapping
        Word of :data:`LEVELS` -> numbers per consumer and moment.
    lag : array of int
        Copies stored and not settled, per subscription and moment.
    lag_since, unseen_since : array of int
        Since when the oldest of them is there, per subscription and moment; and the creation of the
        oldest message without an effect, per consumer and moment. -1 without any.
    lag_area, waiting_area : tuple of int
        The lag of each subscription, and the copies that wait at each consumer, added up over the
        run after the warm-up (ns).
    busy : tuple of tuple of int
        Per consumer and instance: time that workers were busy after the warm-up (ns).
    published : tuple of Published
        How publishing went, per source and channel.
    series, faults : mapping
        The samples that were kept, and all faults.
    """

    facts: Facts
    ended_at_ns: int
    messages: int
    deliveries: int
    bin_ns: int
    moments: Integers = field(repr=False)
    counts: Mapping[str, tuple[int, ...]] = field(repr=False)
    times: Mapping[str, tuple[Histogram, ...]] = field(repr=False)
    rates: Table = field(repr=False)
    levels: Table = field(repr=False)
    lag: Integers = field(repr=False)
    lag_since: Integers = field(repr=False)
    unseen_since: Integers = field(repr=False)
    lag_area: tuple[int, ...] = field(repr=False)
    waiting_area: tuple[int, ...] = field(repr=False)
    busy: tuple[tuple[int, ...], ...] = field(repr=False)
    published: tuple[Published, ...] = field(repr=False)
    series: Table = field(repr=False)
    faults: Table = field(repr=False)

    def digest(self) -> str:
        """Return a SHA-256 over everything: equal digests mean equal summaries."""
        text = json.dumps(self.to_data(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def to_data(self) -> dict[str, Any]:
        """Return everything as plain data: mappings, lists, names and whole numbers."""
        plain = {name: _plain(value) for name, value in vars(self).items()}
        plain["facts"] = {**vars(self.facts), "names": _plain(vars(self.facts.names))}
        plain["published"] = [_plain(vars(each)) for each in self.published]
        return plain

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Summary:
        """Return the summary that :meth:`to_data` made data of.

        Raises
        ------
        KeyError, TypeError, ValueError
            If it is not such data.
        """
        given = dict(data)
        facts = dict(given.pop("facts"))
        names = Names(**{name: tuple(words) for name, words in facts.pop("names").items()})
        facts["reads"] = tuple((channel, consumer) for channel, consumer in facts["reads"])
        for name in ("instances", "concurrency"):
            facts[name] = tuple(facts[name])
        for name in ("moments", "lag", "lag_since", "unseen_since"):
            given[name] = _array(given[name])
        for name in ("rates", "levels", "series", "faults"):
            given[name] = {key: _array(column) for key, column in given[name].items()}
        given["counts"] = {name: tuple(row) for name, row in given["counts"].items()}
        given["times"] = {
            name: tuple(_histogram(each) for each in row) for name, row in given["times"].items()
        }
        given["published"] = tuple(
            Published(
                **{**row, "statuses": tuple(row["statuses"]), "took": _histogram(row["took"])}
            )
            for row in given["published"]
        )
        given["busy"] = tuple(tuple(row) for row in given["busy"])
        for name in ("lag_area", "waiting_area"):
            given[name] = tuple(given[name])
        return cls(facts=Facts(names=names, **facts), **given)


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        # The shape stands beside the numbers: a table without rows still has columns.
        return {"shape": list(value.shape), "numbers": value.ravel().tolist()}
    if isinstance(value, Histogram):
        filled = np.flatnonzero(value.counts)
        return {
            **{name: number for name, number in vars(value).items() if name != "counts"},
            "buckets": filled.tolist(),
            "counts": value.counts[filled].tolist(),
        }
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return value


def _array(data: Mapping[str, Any]) -> Integers:
    return np.array(data["numbers"], dtype=np.int64).reshape(data["shape"])


def _histogram(data: Mapping[str, Any]) -> Histogram:
    given = dict(data)
    counts = np.zeros(BUCKETS, dtype=np.int64)
    counts[np.array(given.pop("buckets"), dtype=np.int64)] = given.pop("counts")
    return Histogram(counts=counts, **given)

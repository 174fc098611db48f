"""The fold: batches of rows in, a summary out.

A batch is a small trace. A message comes with all its copies and all their deliveries, exactly
once, and nothing of it changes any more. Batches come in any order; the last one holds what is left
at the end, finished or not. The summary is the same, to the byte, however rows were cut.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np

from eda_sim.engine.summary.areas import Areas
from eda_sim.engine.summary.batch import AtConsumer, Batch, Mask
from eda_sim.engine.summary.bins import Counts, Levels, Oldest, width_for
from eda_sim.engine.summary.facts import Facts
from eda_sim.engine.summary.histogram import Histogram, Integers
from eda_sim.engine.summary.overtaking import Lines, Overtaking, lines_of
from eda_sim.engine.summary.publishing import Publishing
from eda_sim.engine.summary.result import COUNTS, LEVELS, RATES, TIMES, Summary
from eda_sim.engine.summary.samples import thinned
from eda_sim.engine.summary.waiting import waiting_of
from eda_sim.engine.trace import NEVER, Table, Trace

_Values = TypeVar("_Values", Integers, Mask)

_HAPPENED = {
    "messages": ("created_at", "confirmed_at"),
    "copies": ("stored_at", "settled_at"),
    "deliveries": ("acquired_at", "started_at", "finished_at", "settled_at"),
}
"""Columns whose moments have passed when a row is handed over."""


class Summarizer:
    """Counts batches of rows.

    Parameters
    ----------
    facts : Facts
        Of the scenario; :func:`~eda_sim.engine.summary.facts.facts_of` knows them.
    """

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        channels, consumers = len(facts.names.channels), len(facts.names.consumers)
        self._subscription = np.full((channels, consumers), NEVER, dtype=np.int64)
        for number, (channel, consumer) in enumerate(facts.reads):
            self._subscription[channel, consumer] = number
        self._first_instance = np.cumsum([0, *facts.instances])
        begin, subscriptions = facts.warmup_ns, len(facts.reads)
        self._messages = self._deliveries = 0
        self._width = 1
        self._counts = {name: [0] * consumers for name in COUNTS}
        self._times = {name: [Histogram() for _ in range(consumers)] for name in TIMES}
        self.overtaking = [Overtaking() for _ in range(consumers)]
        self._publishing = Publishing(facts)
        self._created = Counts(channels)
        self._rates = {name: Counts(consumers) for name in RATES if name != "created"}
        self._levels = {name: Levels(consumers) for name in LEVELS}
        self._lag, self._lag_since = Levels(subscriptions), Oldest(subscriptions)
        self._unseen_since = Oldest(consumers)
        self._lag_area = Areas(subscriptions, begin)
        self._waiting_area = Areas(consumers, begin)
        self._busy = Areas(int(self._first_instance[-1]), begin)
        self._later: list[tuple[int, Integers, Integers]] = []

    def absorb(
        self, messages: Table, copies: Table, deliveries: Table, *, live: Table | None = None
    ) -> None:
        """Count a batch.

        Parameters
        ----------
        messages, copies, deliveries : mapping
            The columns of :mod:`eda_sim.engine.trace`, and ``message_id`` of each message. Rows are
            in the order of the run.
        live : mapping, optional
            ``message_id``, ``source``, ``channel``, ``key`` and ``created_at`` of every message
            created so far that is in no batch yet. Without it the first effect of every message
            with a key is kept until :meth:`finish`, 33 bytes each: some later batch might overtake
            it.
        """
        batch = Batch(messages, copies, deliveries, self._facts)
        happened = _latest(messages, copies, deliveries)
        self._widen(happened)
        self._messages += messages["message_id"].size
        self._deliveries += deliveries["message_id"].size
        self._created.add(self._width, messages["channel"], messages["created_at"])
        self._publishing.add(messages)
        self._add_copies(batch)
        self._add_deliveries(batch)
        waiting = None
        if live is not None:
            channels = len(self._facts.names.channels)
            waiting = lines_of(live, live["created_at"], channels)
        seen = set()
        for here in batch.consumers():
            seen.add(here.consumer)
            self._add_effects(batch, here, waiting)
            self._add_oldest(batch, here)
            self._add_waiting(batch, here, happened)
        if waiting is not None:
            for consumer in set(range(len(self.overtaking))) - seen:
                self.overtaking[consumer].forget(waiting)

    def finish(self, ended_at_ns: int, series: Table, faults: Table) -> Summary:
        """Return the summary; nothing can be absorbed any more.

        Parameters
        ----------
        ended_at_ns : int
            When the run stopped.
        series, faults : mapping
            Those tables of the run. The series may have been thinned before, by the rule of
            :mod:`eda_sim.engine.summary.samples`.
        """
        self._widen(ended_at_ns)
        self._add_later(ended_at_ns)
        for consumer, overtaking in enumerate(self.overtaking):
            self._counts["out_of_order"][consumer] = overtaking.count
        width, end = self._width, ended_at_ns
        bins, edges = max(-(-end // width), 1), end // width + 1
        reads = [list(self._facts.channels_of(number)) for number in range(len(self.overtaking))]
        counted = {
            "created": np.array(
                [self._created.data[channels].sum(axis=0) for channels in reads]
            ).reshape(len(reads), self._created.data.shape[1]),
            **{name: counts.data for name, counts in self._rates.items()},
        }
        busy = self._busy.until(end)
        return Summary(
            facts=self._facts,
            ended_at_ns=end,
            messages=self._messages,
            deliveries=self._deliveries,
            bin_ns=width,
            moments=np.unique(np.append(np.arange(edges) * width, end)),
            counts={name: tuple(row) for name, row in self._counts.items()},
            times={name: tuple(row) for name, row in self._times.items()},
            rates={name: _of_run(counted[name], bins) for name in RATES},
            levels={name: _at_moments(each, width, end) for name, each in self._levels.items()},
            lag=_at_moments(self._lag, width, end),
            lag_since=_since(self._lag_since, width, end),
            unseen_since=_since(self._unseen_since, width, end),
            lag_area=tuple(self._lag_area.until(end)),
            waiting_area=tuple(self._waiting_area.until(end)),
            busy=tuple(
                tuple(busy[first : first + count])
                for first, count in zip(
                    self._first_instance.tolist(), self._facts.instances, strict=False
                )
            ),
            published=self._publishing.result(),
            series=thinned(series, self._facts.sample_every_ns),
            faults=dict(faults),
        )

    def _widen(self, until_ns: int) -> None:
        """Make bins so wide that they reach to a moment."""
        width = width_for(until_ns)
        if width <= self._width:
            return
        factor, self._width = width // self._width, width
        for counts in (self._created, *self._rates.values()):
            counts.coarsen(factor)
        for levels in (self._lag, *self._levels.values()):
            levels.coarsen(factor)
        for oldest in (self._lag_since, self._unseen_since):
            oldest.coarsen(factor)

    def _add_copies(self, batch: Batch) -> None:
        copies = batch.copies
        number = self._subscription[copies["channel"], copies["consumer"]]
        starts, ends = copies["stored_at"], copies["settled_at"]
        self._lag.add(self._width, 1, number, starts)
        settled = ends != NEVER
        self._lag.add(self._width, -1, *_of(settled, number, ends))
        self._lag_area.add(number, starts, ends)

    def _add_deliveries(self, batch: Batch) -> None:
        rows, width = batch.deliveries, self._width
        consumer, finished = rows["consumer"], rows["finished_at"]
        self._rates["delivered"].add(width, consumer, rows["acquired_at"])
        self._rates["effects"].add(width, *_of(rows["effect"] == 1, consumer, finished))
        begun = rows["started_at"] != NEVER
        consumer, started, finished, instance, worker = _of(
            begun, consumer, rows["started_at"], finished, rows["instance"], rows["worker"]
        )
        self._levels["in_service"].add(width, 1, consumer, started)
        self._levels["in_service"].add(width, -1, *_of(finished != NEVER, consumer, finished))
        # What interrupts another handling needs no further worker.
        workers = np.array(self._facts.concurrency, dtype=np.int64)
        rows_busy = worker < workers[consumer]
        at, started, finished = _of(
            rows_busy, self._first_instance[consumer] + instance, started, finished
        )
        self._busy.add(at, started, finished)
        begin = self._facts.warmup_ns
        rows_after = batch.messages["created_at"][batch.message_of_delivery] >= begin
        consumer, attempt = _of(rows_after, rows["consumer"], rows["attempt"])
        self._count("deliveries", consumer)
        self._count("redeliveries", consumer[attempt > 1])

    def _count(self, what: str, consumers: Integers) -> None:
        found = np.bincount(consumers, minlength=len(self.overtaking))
        for consumer in np.flatnonzero(found).tolist():
            self._counts[what][consumer] += int(found[consumer])

    def _add_effects(self, batch: Batch, here: AtConsumer, live: Lines | None) -> None:
        number, messages = here.consumer, batch.messages
        happened = here.effects > 0
        (moments,) = _of(happened, here.finished)
        self._rates["goodput"].add(self._width, number, moments)
        after = here.created >= self._facts.warmup_ns
        (effects,) = _of(after, here.effects)
        is_final, seen = _of(after, here.is_final, happened)
        unseen = ~seen
        for name, count in (
            ("messages", effects.size),
            ("exactly_once", (effects == 1).sum()),
            ("duplicated", (effects > 1).sum()),
            ("lost", (unseen & is_final).sum()),
            ("pending", (unseen & ~is_final).sum()),
            ("extra_effects", effects.sum() - seen.sum()),
        ):
            self._counts[name][number] += int(count)
        after &= happened
        rows, created, started, finished = _of(
            after, here.messages, here.created, here.started, here.finished
        )
        for name, took in (
            ("latency", finished - created),
            ("waiting", started - created),
            ("service", finished - started),
        ):
            self._times[name][number].add(took)
        keys = messages["key"][rows]
        if live is not None or (keys >= 0).any():
            columns = ("source", "channel", "message_id")
            own = {"key": keys, **{name: messages[name][rows] for name in columns}}
            channels = len(self._facts.names.channels)
            self.overtaking[number].add(lines_of(own, finished, channels), live)

    def _add_oldest(self, batch: Batch, here: AtConsumer) -> None:
        self._unseen_since.add(self._width, here.consumer, here.created, here.finished)
        copies = batch.copies
        channel = copies["channel"][here.copies]
        for each in np.flatnonzero(np.bincount(channel)).tolist():
            own = here.copies[channel == each]
            starts, ends = copies["stored_at"][own], copies["settled_at"][own]
            if (np.diff(starts) < 0).any():
                order = np.argsort(starts, kind="stable")
                starts, ends = starts[order], ends[order]
            row = int(self._subscription[each, here.consumer])
            self._lag_since.add(self._width, row, starts, ends)

    def _add_waiting(self, batch: Batch, here: AtConsumer, happened: int) -> None:
        starts, ends = waiting_of(batch, here)
        later = (ends > happened) | (starts > happened)
        if later.any():  # a copy that is gone, or waits still, had an appointment
            self._later.append((here.consumer, starts[later], ends[later]))
            starts, ends = starts[~later], ends[~later]
        self._wait(here.consumer, starts, ends)

    def _add_later(self, end: int) -> None:
        for consumer, starts, ends in self._later:
            begun = starts <= end
            over = np.where(ends > end, NEVER, ends)
            self._wait(consumer, starts[begun], over[begun])
        self._later.clear()

    def _wait(self, consumer: int, starts: Integers, ends: Integers) -> None:
        rows = np.full(starts.size, consumer)
        level = self._levels["waiting"]
        level.add(self._width, 1, consumer, starts)
        level.add(self._width, -1, consumer, ends[ends != NEVER])
        self._waiting_area.add(rows, starts, ends)


def summarize(trace: Trace, facts: Facts) -> Summary:
    """Return the summary of a trace: the fold of a single batch.

    Parameters
    ----------
    trace : Trace
        What a run wrote down.
    facts : Facts
        Of its scenario.
    """
    fold = Summarizer(facts)
    numbers = np.arange(trace.messages["created_at"].size)
    fold.absorb({**trace.messages, "message_id": numbers}, trace.copies, trace.deliveries)
    return fold.finish(trace.ended_at_ns, trace.series, trace.faults)


def _of(chosen: Mask, *columns: _Values) -> tuple[_Values, ...]:
    """Return columns with only the rows that are chosen."""
    return columns if chosen.all() else tuple(column[chosen] for column in columns)


def _latest(messages: Table, copies: Table, deliveries: Table) -> int:
    tables = {"messages": messages, "copies": copies, "deliveries": deliveries}
    return max(
        int(tables[table][name].max(initial=0))
        for table, names in _HAPPENED.items()
        for name in names
    )


def _of_run(counts: Integers, bins: int) -> Integers:
    """Return the bins of a run; the last one takes its end too."""
    whole = counts[:, :bins].copy()
    whole[:, -1] += counts[:, bins:].sum(axis=1)
    return whole


def _at_moments(levels: Levels, width: int, end: int) -> Integers:
    """Return levels at the edges, and at the end of the run where that is none."""
    edges = end // width + 1
    at_end = edges + 1 if end % width else edges
    return np.cumsum(levels.data, axis=1)[:, :at_end]


def _since(oldest: Oldest, width: int, end: int) -> Integers:
    """Return since when the oldest is there at the edges and at the end; NEVER for nobody."""
    found = oldest.at_edges(width, end // width + 1)
    return np.column_stack([found, oldest.at_end()]) if end % width else found

"""Deduplicators: remember which messages have taken effect, for a while."""

from __future__ import annotations

from collections import OrderedDict

from eda_sim.engine.plan import NONE


class Deduplicator:
    """A memory of message ids, bounded in time, in number, or both.

    A record is written when an effect takes place and read when a worker takes a delivery up.
    Between the two, a second delivery of the same message passes: effect and record are one, but
    look-up and effect are not.
    """

    def __init__(self, window_ns: int, count: int, lookup_ns: int) -> None:
        self.window_ns = window_ns
        self.count = count
        self.lookup_ns = lookup_ns
        self._seen: OrderedDict[int, int] = OrderedDict()

    def has_seen(self, message_id: int, now: int) -> bool:
        """Return whether this message took effect within the window."""
        recorded_at = self._seen.get(message_id)
        if recorded_at is None:
            return False
        return self.window_ns == NONE or now - recorded_at <= self.window_ns

    def record(self, message_id: int, now: int) -> None:
        """Remember that this message took effect now, and forget what is too old."""
        self._seen[message_id] = now
        self._seen.move_to_end(message_id)
        if self.count != NONE and len(self._seen) > self.count:
            self._seen.popitem(last=False)
        if self.window_ns != NONE:
            self._forget_before(now - self.window_ns)

    def _forget_before(self, time_ns: int) -> None:
        while self._seen:
            oldest = next(iter(self._seen))
            if self._seen[oldest] >= time_ns:
                return
            del self._seen[oldest]

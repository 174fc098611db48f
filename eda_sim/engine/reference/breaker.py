"""Circuit breakers: closed, open, half open; the rules of Resilience4j's count-based window."""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Callable
from typing import NamedTuple


class BreakerState(enum.IntEnum):
    """Where a breaker stands."""

    CLOSED = 0
    OPEN = 1
    HALF_OPEN = 2


class BreakerSettings(NamedTuple):
    """What a breaker is set to; times in ns."""

    failure_rate: float
    window: int
    minimum_calls: int
    open_ns: int
    half_open_calls: int
    pauses: bool


class Breaker:
    """One circuit breaker.

    It counts outcomes in the order in which calls end, also those of calls that began before it
    last changed its state.

    Parameters
    ----------
    settings : BreakerSettings
        What it is set to.
    open_until : callable
        Asked, with a delay in ns and the number of the opening, to call :meth:`half_open` then.
    on_change : callable
        Called whenever calls may be let through that were not before.
    """

    def __init__(
        self,
        settings: BreakerSettings,
        open_until: Callable[[int, int], None],
        on_change: Callable[[], None],
    ) -> None:
        self.settings = settings
        self.state = BreakerState.CLOSED
        self.openings = 0
        self._open_until = open_until
        self._on_change = on_change
        self._outcomes: deque[int] = deque()
        self._failures = 0
        self._trials = 0

    def may_call(self) -> bool:
        """Return whether a call would be let through now."""
        if self.state == BreakerState.HALF_OPEN:
            return self._trials < self.settings.half_open_calls
        return self.state == BreakerState.CLOSED

    def let_through(self) -> bool:
        """Let a call through, or not; one that is counts as a trial when half open."""
        if not self.may_call():
            return False
        if self.state == BreakerState.HALF_OPEN:
            self._trials += 1
        return True

    def record(self, *, failed: bool) -> None:
        """Count the outcome of a call that was let through."""
        half_open = self.state == BreakerState.HALF_OPEN
        window = self.settings.half_open_calls if half_open else self.settings.window
        self._outcomes.append(int(failed))
        self._failures += int(failed)
        if len(self._outcomes) > window:
            self._failures -= self._outcomes.popleft()
        if self.state == BreakerState.OPEN:
            return
        calls = len(self._outcomes)
        if calls < min(self.settings.minimum_calls, window):
            return
        if self._failures / calls >= self.settings.failure_rate:
            self._open()
        elif half_open:
            self._change(BreakerState.CLOSED)
            self._on_change()

    def half_open(self, opening: int) -> None:
        """Let trials through; called when the breaker has been open long enough."""
        if self.state == BreakerState.OPEN and self.openings == opening:
            self._change(BreakerState.HALF_OPEN)
            self._on_change()

    def _open(self) -> None:
        self._change(BreakerState.OPEN)
        self.openings += 1
        self._open_until(self.settings.open_ns, self.openings)

    def _change(self, state: BreakerState) -> None:
        self.state = state
        self._outcomes.clear()
        self._failures = 0
        self._trials = 0

"""Retries at work: a policy of the plan, the address of its draws, and its budget."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eda_sim.engine.streams import retries
from eda_sim.engine.streams.addresses import Stream
from eda_sim.engine.streams.retries import GIVE_UP, TOKEN, RetryTable

if TYPE_CHECKING:
    from eda_sim.engine.reference.model import Model

__all__ = ["GIVE_UP", "Retries"]


class Retries:
    """One owner's retry policy: a consumer's, a publisher's, a subscription's, or a call's.

    Parameters
    ----------
    model : Model
        The run it is part of.
    policy : int
        Row in the table of retry policies, NONE for no retry.
    table : RetryTable, optional
        The table; that of the plan without it.
    """

    def __init__(self, model: Model, policy: int, table: RetryTable | None = None) -> None:
        run = model.plan.run
        self._table = model.plan.retries if table is None else table
        self._policy = int(policy)
        self._key = (run.seed, run.replication, int(Stream.RETRY))
        self._deposit = self._size = self._tokens = 0
        self.has_budget = False
        if self.ever:
            row = self._table.integers[self._policy]
            self.has_budget = bool(row[retries.BUDGET_DEPOSIT] >= 0)
            self._deposit = int(row[retries.BUDGET_DEPOSIT])
            self._size = self._tokens = int(row[retries.BUDGET_SIZE])

    @property
    def ever(self) -> bool:
        """Return whether there is a policy at all."""
        return self._policy >= 0

    def note_first_attempt(self) -> None:
        """Put into the budget what a first attempt adds to it."""
        if self.has_budget:
            self._tokens = min(self._size, self._tokens + self._deposit)

    def delay_ns(
        self, entity: int, event: int, attempt: int, elapsed_ns: int, previous_ns: int
    ) -> int:
        """Return how long to wait after an attempt that failed, or GIVE_UP.

        Parameters
        ----------
        entity, event : int
            Address of the draw for jitter; the attempt belongs to it.
        attempt : int
            Number of the attempt that failed, from 1.
        elapsed_ns : int
            Time since the first attempt began.
        previous_ns : int
            The delay before the attempt that failed; 0 for the first.
        """
        if not self.ever:
            return GIVE_UP
        delay_ns = retries.draw_retry_delay_ns(
            self._table, self._policy, *self._key, entity, event, attempt, elapsed_ns, previous_ns
        )
        if delay_ns == GIVE_UP or not self._take_token():
            return GIVE_UP
        return int(delay_ns)

    def _take_token(self) -> bool:
        if not self.has_budget:
            return True
        if self._tokens < TOKEN:
            return False
        self._tokens -= TOKEN
        return True

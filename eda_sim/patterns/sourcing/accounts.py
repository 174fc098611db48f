"""An aggregate whose state is what its events say: a bank account."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from eventsourcing.domain import Aggregate


class NotEnoughMoneyError(ValueError):
    """More was to be withdrawn than is there."""


class Account(Aggregate):
    """A bank account in cents. Methods check a rule and record an event; events change the state.

    Examples
    --------
    >>> account = Account.open("Ada")
    >>> account.deposit(500, reason="salary")
    >>> account.withdraw(120)
    >>> account.balance, account.version
    (380, 3)
    >>> account.withdraw(1000)
    Traceback (most recent call last):
    eda_sim.patterns.sourcing.accounts.NotEnoughMoneyError: withdraw 1000: only 380 are there
    """

    owner: str
    balance: int

    class Opened(Aggregate.Created):
        """The account exists."""

        owner: str

    class Deposited(Aggregate.Event):
        """Money came. Since version 2 it is known why."""

        amount: int
        reason: str

        class_version = 2

        @staticmethod
        def upcast_v1_v2(state: dict[str, Any]) -> None:
            """Give an event that was stored before there were reasons the one that it lacks."""
            state["reason"] = "unknown"

        def apply(self, aggregate: Any) -> None:
            """Add the money."""
            aggregate.balance += self.amount

    class Withdrawn(Aggregate.Event):
        """Money went."""

        amount: int

        def apply(self, aggregate: Any) -> None:
            """Take the money off."""
            aggregate.balance -= self.amount

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self.balance = 0

    @classmethod
    def open(cls, owner: str, *, at: datetime | None = None, id: UUID | None = None) -> Account:  # noqa: A002 - the library's name
        """Open an account with nothing in it, now or at a given moment."""
        return cls._create(cls.Opened, id=id, owner=owner, **_moment(at))

    def deposit(self, amount: int, *, reason: str = "unknown", at: datetime | None = None) -> None:
        """Put in a positive number of cents."""
        _check_amount(amount)
        self.trigger_event(self.Deposited, amount=amount, reason=reason, **_moment(at))

    def withdraw(self, amount: int, *, at: datetime | None = None) -> None:
        """Take out a positive number of cents, if they are there."""
        _check_amount(amount)
        if amount > self.balance:
            raise NotEnoughMoneyError(f"withdraw {amount}: only {self.balance} are there")
        self.trigger_event(self.Withdrawn, amount=amount, **_moment(at))


def _check_amount(amount: int) -> None:
    if amount <= 0:
        raise ValueError(f"amount {amount}: must be a positive number of cents")


def _moment(at: datetime | None) -> dict[str, datetime]:
    if at is None:
        return {}
    if at.tzinfo is None:
        raise ValueError(f"at {at}: must have a time zone")
    return {"timestamp": at}

"""Guards: what a handler does so that a second copy of a message changes nothing.

The words
---------
idempotent
    Doing it twice leaves the same as doing it once.
copy
    A further delivery of a message that was delivered before.
state-carrying
    A message that says what the state is now ("the total is 140 €"), not what to do to it ("add
    20 €"). A newer one makes all older ones of its account superfluous.

Each guard has ``apply(message)``, which says whether the state changed, ``balances``, and
``stored``, the entries that it keeps only in order to guard.

References
----------
.. [1] P. Helland, "Idempotence is not a medical condition", Communications of the ACM 55 (2012)
   56-65.
.. [2] G. Hohpe, B. Woolf, "Enterprise Integration Patterns" (2003): Idempotent Receiver.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Mapping
from typing import Protocol

from eda_sim.patterns.idempotency.messages import Message


class Guard(Protocol):
    """What all guards can do."""

    def apply(self, message: Message) -> bool:
        """Handle one delivery; return whether the state changed."""

    @property
    def balances(self) -> Mapping[int, int]:
        """Account -> balance."""

    @property
    def versions(self) -> Mapping[int, int] | None:
        """Account -> newest version in its balance; None if effects are added one by one."""

    @property
    def stored(self) -> int:
        """Entries that are kept in order to guard, at most at any time so far."""


class _Adding:
    """An effect that adds, so that doing it twice is wrong."""

    def __init__(self) -> None:
        self._balances: defaultdict[int, int] = defaultdict(int)
        self._most = 0

    @property
    def balances(self) -> Mapping[int, int]:
        """Account -> balance."""
        return self._balances

    @property
    def versions(self) -> None:
        """None: effects are added one by one."""
        return

    @property
    def stored(self) -> int:
        """Entries that are kept in order to guard, at most at any time so far."""
        return self._most

    def _add(self, message: Message) -> None:
        self._balances[message.account] += message.amount


class Unguarded(_Adding):
    """No guard: every copy is added.

    Examples
    --------
    >>> pays = Message(message_id=1, account=7, version=1, amount=20, total=20, at=0.0)
    >>> guard = Unguarded()
    >>> guard.apply(pays), guard.apply(pays), dict(guard.balances)
    (True, True, {7: 40})
    """

    def apply(self, message: Message) -> bool:
        """Add the amount, always."""
        self._add(message)
        return True


class DedupCache(_Adding):
    """A memory of message ids, bounded in time or in number: what it knows is skipped.

    It has no clock of its own: time is that of the messages.

    Parameters
    ----------
    window_s : float, optional
        How long an id is remembered, in seconds.
    size : int, optional
        How many ids are remembered; the oldest one makes room.
    refreshed : bool
        Whether a copy that is skipped starts the time of its id anew. Brokers count from the first
        one that they stored.

    Raises
    ------
    ValueError
        If neither bound is given, or one is not positive.

    Examples
    --------
    >>> pays = Message(message_id=1, account=7, version=1, amount=20, total=20, at=0.0)
    >>> guard = DedupCache(window_s=300)
    >>> [guard.apply(pays._replace(at=at)) for at in (0, 299, 301)]
    [True, False, True]
    >>> guard = DedupCache(window_s=300, refreshed=True)
    >>> [guard.apply(pays._replace(at=at)) for at in (0, 299, 301)]
    [True, False, False]
    """

    def __init__(
        self, *, window_s: float | None = None, size: int | None = None, refreshed: bool = False
    ) -> None:
        super().__init__()
        if window_s is None and size is None:
            raise ValueError("window_s and size are None: at least one must bound the memory")
        for name, value in (("window_s", window_s), ("size", size)):
            if value is not None and not value > 0:
                raise ValueError(f"{name} is {value}: must be positive")
        self.window_s, self.size, self.refreshed = window_s, size, refreshed
        self._seen: OrderedDict[int, float] = OrderedDict()

    def apply(self, message: Message) -> bool:
        """Add the amount, unless the id is remembered."""
        self._forget_before(message.at)
        if message.message_id in self._seen:
            if self.refreshed:
                self._remember(message)
            return False
        self._add(message)
        self._remember(message)
        return True

    def _remember(self, message: Message) -> None:
        self._seen[message.message_id] = message.at
        self._seen.move_to_end(message.message_id)
        if self.size is not None and len(self._seen) > self.size:
            self._seen.popitem(last=False)
        self._most = max(self._most, len(self._seen))

    def _forget_before(self, now: float) -> None:
        while self.window_s is not None and self._seen:
            oldest = next(iter(self._seen))
            if now - self._seen[oldest] <= self.window_s:
                return
            del self._seen[oldest]


class _StateCarrying:
    """An effect that sets the balance to what the message says."""

    def __init__(self) -> None:
        self._balances: dict[int, int] = {}
        self._versions: dict[int, int] = {}

    @property
    def balances(self) -> Mapping[int, int]:
        """Account -> balance."""
        return self._balances

    @property
    def versions(self) -> Mapping[int, int]:
        """Account -> newest version in its balance."""
        return self._versions

    def _set(self, message: Message) -> bool:
        changed = self._balances.get(message.account) != message.total
        self._balances[message.account] = message.total
        self._versions[message.account] = message.version
        return changed


class SetState(_StateCarrying):
    """Natural idempotence: the message says what the balance is, and that is what it is set to.

    Nothing is stored to guard. A copy that comes at once is harmless; one that comes after a newer
    message of its account takes the balance back in time.

    Examples
    --------
    >>> first = Message(message_id=1, account=7, version=1, amount=20, total=20, at=0.0)
    >>> second = Message(message_id=2, account=7, version=2, amount=20, total=40, at=1.0)
    >>> guard = SetState()
    >>> [guard.apply(each) for each in (first, first, second, first)], dict(guard.balances)
    ([True, False, True, True], {7: 20})
    """

    stored = 0

    def apply(self, message: Message) -> bool:
        """Set the balance."""
        return self._set(message)


class VersionCheck(_StateCarrying):
    """Set the balance only if the message is newer than what is there (compare and set).

    In SQL: ``UPDATE accounts SET balance = ?, version = ? WHERE account = ? AND version < ?``.
    A stale copy is refused, and so is a message that was overtaken: the newer one includes it. One
    number for each account is stored.

    Parameters
    ----------
    next_only : bool
        Demand that exactly the next version comes (the *expected version* of an event store). Then
        a message that is early is refused too, and must be delivered again.

    Examples
    --------
    >>> first = Message(message_id=1, account=7, version=1, amount=20, total=20, at=0.0)
    >>> second = Message(message_id=2, account=7, version=2, amount=20, total=40, at=1.0)
    >>> guard = VersionCheck()
    >>> [guard.apply(each) for each in (first, second, first)], dict(guard.balances)
    ([True, True, False], {7: 40})
    >>> guard = VersionCheck(next_only=True)
    >>> [guard.apply(each) for each in (second, first, second)]
    [False, True, True]
    """

    def __init__(self, *, next_only: bool = False) -> None:
        super().__init__()
        self.next_only = next_only

    @property
    def stored(self) -> int:
        """Entries that are kept in order to guard: a version for each account."""
        return len(self._versions)

    def apply(self, message: Message) -> bool:
        """Set the balance if the message is newer."""
        version = self._versions.get(message.account, 0)
        if message.version <= version or (self.next_only and message.version != version + 1):
            return False
        return self._set(message)

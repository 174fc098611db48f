"""Each guard alone: copies, copies out of order, a crash between record and effect."""

import itertools

import pytest

from eda_sim.patterns.idempotency.guards import DedupCache, SetState, Unguarded, VersionCheck
from eda_sim.patterns.idempotency.inbox import Inbox
from eda_sim.patterns.idempotency.messages import Message


def message(version, at=0.0):
    return Message(version, account=7, version=version, amount=20, total=20 * version, at=at)


ONE, TWO = message(1), message(2)


class CrashError(Exception):
    """The process dies."""


class Flaky:
    """Crashes at chosen calls."""

    def __init__(self, *crashes):
        self.calls, self.crashes = itertools.count(1), set(crashes)

    def __call__(self):
        if next(self.calls) in self.crashes:
            raise CrashError


def deliver(guard, *messages):
    """Deliver until the handler gets through, as a queue does."""
    for each in messages:
        for _ in range(3):
            try:
                guard.apply(each)
            except CrashError:
                continue
            break


@pytest.mark.parametrize(
    ("make", "balance"),
    [
        (Unguarded, 80),
        (Inbox, 40),
        (lambda: DedupCache(size=10), 40),
        (SetState, 20),
        (VersionCheck, 40),
    ],
)
def test_a_copy_at_once_and_a_stale_one(make, balance):
    guard = make()
    deliver(guard, ONE, ONE, TWO, ONE)
    assert dict(guard.balances) == {7: balance}


@pytest.mark.parametrize("crashes", [(1,), (2,), (1, 2), (1, 3)])
def test_a_crash_between_record_and_effect_leaves_exactly_one_effect(tmp_path, crashes):
    path = tmp_path / "inbox.db"
    with Inbox(path, between=Flaky(*crashes)) as guard:
        deliver(guard, ONE, TWO, ONE)
        assert dict(guard.balances) == {7: 40}
    with Inbox(path) as restarted:  # what was recorded outlives the process
        assert not restarted.apply(TWO)
        assert restarted.balances == {7: 40}


def test_a_crash_between_two_transactions_loses_the_effect():
    guard = Inbox(one_transaction=False, between=Flaky(1))
    deliver(guard, ONE, TWO)
    assert guard.balances == {7: 20}
    assert guard.stored == 2


def test_an_inbox_that_forgets_has_a_window():
    guard = Inbox()
    guard.apply(message(1, at=10.0))
    assert guard.forget_before(10.0) == 0
    assert guard.forget_before(10.5) == 1
    assert guard.apply(message(1, at=11.0))


def test_a_window_counts_from_the_first_copy_or_from_the_last():
    times = (0.0, 4.0, 8.0, 12.0)
    copies = [message(1, at=at) for at in times]
    first, refreshed = DedupCache(window_s=5.0), DedupCache(window_s=5.0, refreshed=True)
    assert [first.apply(each) for each in copies] == [True, False, True, False]
    assert [refreshed.apply(each) for each in copies] == [True, False, False, False]
    edge = DedupCache(window_s=4.0)
    assert [edge.apply(each) for each in copies] == [True, False, True, False]


def test_a_bounded_memory_forgets_the_oldest():
    guard = DedupCache(size=2)
    assert [guard.apply(message(number)) for number in (1, 2, 1, 3, 2, 1)] == [
        True,
        True,
        False,
        True,
        False,
        True,
    ]
    assert guard.stored == 2


def test_the_expected_version_refuses_what_is_early():
    guard = VersionCheck(next_only=True)
    assert [guard.apply(each) for each in (TWO, ONE, ONE, TWO)] == [False, True, False, True]
    assert guard.balances == {7: 40}
    assert guard.stored == 1


@pytest.mark.parametrize("bad", [{}, {"window_s": 0.0}, {"size": 0}, {"window_s": -1.0}])
def test_a_memory_must_be_bounded(bad):
    with pytest.raises(ValueError, match="must b"):
        DedupCache(**bad)

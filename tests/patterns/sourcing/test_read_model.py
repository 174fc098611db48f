"""A real read model: rebuilt whole, by one reader or several, also while events are written."""

import math

import pytest

from eda_sim import theory
from eda_sim.patterns.sourcing import read_model
from eda_sim.patterns.sourcing.accounts import Account
from eda_sim.patterns.sourcing.store import AccountStore


@pytest.fixture
def filled(tmp_path):
    """The file of a store with five accounts of 40 events and a withdrawal, and their balances."""
    path = tmp_path / "accounts.sqlite"
    store = AccountStore(path)
    accounts = [Account.open(f"owner {number}") for number in range(5)]
    for account in accounts:
        store.save_many(account, range(1, 40))
        account.withdraw(7)
        store.save(account)
    store.close()
    return path, {account.id: account.balance for account in accounts}


def test_the_read_model_says_what_the_accounts_say(filled):
    path, balances = filled
    found = read_model.follow(path)
    assert found.balances == balances
    assert (found.history, found.applied) == (205, 205)
    assert found.seconds > 0


def test_readers_share_the_accounts_and_nothing_is_applied_twice(filled):
    path, balances = filled
    parts = [read_model.follow(path, reader=number, readers=3) for number in range(3)]
    assert sum(part.applied for part in parts) == 205
    together = {name: cents for part in parts for name, cents in part.balances.items()}
    assert together == balances
    assert sum(len(part.balances) for part in parts) == len(balances)


def test_a_log_is_read_in_pieces(filled):
    path, _ = filled
    store = AccountStore(path)
    position, events = store.events_after(0, most=50)
    assert (position, len(events)) == (50, 50)
    position, events = store.events_after(position, most=500)
    assert (position, len(events)) == (205, 155)
    assert store.events_after(position) == (205, [])
    assert store.last_position() == 205
    store.close()
    empty = AccountStore()
    assert (empty.last_position(), empty.events_after(0)) == (0, (0, []))
    empty.close()


def test_who_may_not_take_any_time_does_not_catch_up(filled):
    assert math.isnan(read_model.follow(filled[0], most_s=0).seconds)


def test_processes_rebuild_while_events_are_written():
    found = read_model.measure(accounts=12, events=300, readers=[1, 2], event_rate=300)
    assert found["right"].all()
    assert found[["readers", "reader"]].to_numpy().tolist() == [[1, 0], [2, 0], [2, 1]]
    assert (found["seconds"] > 0).all()
    one, two = (found[found["readers"] == count] for count in (1, 2))
    assert one["history"].item() >= 3600
    assert one["applied"].item() >= one["history"].item()
    # Events were written while the processes started, and while they read.
    assert two["history"].min() > 3600
    assert two["applied"].sum() >= two["history"].min()


def test_it_takes_about_what_the_closed_form_says():
    alone = read_model.measure(accounts=10, events=2000, readers=[1])
    rate = alone["applied"].item() / alone["seconds"].item()
    busy = read_model.measure(accounts=10, events=2000, readers=[1], event_rate=1000)
    law = theory.catch_up_time(history=busy["history"].item(), replay_rate=rate, event_rate=1000)
    # Other programs work on this machine, too.
    assert law / 5 < busy["seconds"].item() < 5 * law


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"accounts": 0}, "accounts 0: must be positive"),
        ({"events": 0}, "events 0: must be positive"),
        ({"readers": []}, "readers .*: must each be at least 1"),
        ({"readers": [0]}, "readers .*: must each be at least 1"),
        ({"event_rate": -1}, "event_rate -1: must not be negative"),
        ({"most_s": 0}, "most_s 0: must be positive"),
    ],
)
def test_numbers_that_cannot_be_are_refused(changes, complaint):
    with pytest.raises(ValueError, match=complaint):
        read_model.measure(**{"accounts": 1, "events": 1, **changes})


def test_a_reader_that_is_not_there_is_refused(filled):
    with pytest.raises(ValueError, match="reader 2: must be at least 0 and below readers, 2"):
        read_model.follow(filled[0], reader=2, readers=2)

"""Event sourcing on a real store: past states, optimistic concurrency, upcasting, replay cost."""

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from eventsourcing.persistence import IntegrityError, StoredEvent
from hypothesis import given, settings
from hypothesis import strategies as st

import eda_sim as es
from eda_sim.patterns.sourcing import replay_cost, snapshots
from eda_sim.patterns.sourcing.accounts import Account, NotEnoughMoneyError
from eda_sim.patterns.sourcing.store import AccountStore

START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def store():
    made = AccountStore(snapshot_every=10)
    yield made
    made.close()


def filled(store, amounts):
    """Store an account with one deposit a day; return it and its balances by version."""
    account = Account.open("Ada", at=START)
    balances = [0]
    for day, amount in enumerate(amounts, start=1):
        account.deposit(amount, at=START + timedelta(days=day))
        balances.append(account.balance)
    store.save(account)
    return account, balances


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 10**6), max_size=35), st.sampled_from([None, 1, 2, 7, 10]))
def test_every_past_state_is_replayed_with_and_without_snapshots(amounts, every):
    store = AccountStore(snapshot_every=every)
    account, balances = filled(store, amounts)
    for version, balance in enumerate(balances, start=1):
        assert store.load(account.id, version=version).balance == balance
    assert store.load(account.id).balance == balances[-1]
    store.close()


def test_the_state_at_a_moment_is_that_of_the_last_event_before_it(store):
    account, balances = filled(store, [5, 7, 9])
    assert store.load_at(account.id, START + timedelta(days=2, hours=12)).balance == balances[2]
    with pytest.raises(KeyError, match="did not exist"):
        store.load_at(account.id, START - timedelta(seconds=1))


def test_what_does_not_exist_is_said(store):
    account, _ = filled(store, [5])
    with pytest.raises(KeyError, match="no version 3; the last is 2"):
        store.load(account.id, version=3)
    with pytest.raises(KeyError, match="no such account"):
        store.load(Account.open("Bob").id)


def test_of_two_who_decided_on_the_same_version_one_must_decide_again(store):
    account, _ = filled(store, [100])
    first, second = store.load(account.id), store.load(account.id)
    first.withdraw(80)
    second.withdraw(80)
    store.save(first)
    with pytest.raises(IntegrityError):
        store.save(second)
    with pytest.raises(NotEnoughMoneyError, match="only 20 are there"):
        store.load(account.id).withdraw(80)


def test_events_that_were_stored_before_there_were_reasons_have_one_now():
    store = AccountStore()
    account, _ = filled(store, [5, 7])
    opened, first, second = store.stored(account.id)
    state = json.loads(first.state)
    del state["reason"], state["class_version"]
    other = AccountStore()
    old = StoredEvent(first.originator_id, 2, first.topic, json.dumps(state).encode())
    other._application.recorder.insert_events([opened, old, second])
    trail = other.audit_trail(account.id)
    assert trail["amount"].tolist() == [pd.NA, 5, 7] or trail["amount"].iloc[1:].tolist() == [5, 7]
    assert trail["reason"].iloc[1] == "unknown"
    assert other.load(account.id).balance == 12


def test_snapshots_cost_bytes_and_save_replays(store):
    account, _ = filled(store, [1] * 34)
    stored = store.storage(account.id).set_index("kind")
    assert stored["rows"].to_dict() == {"events": 35, "snapshots": 3}
    assert (stored["bytes"] > 0).all()
    assert store.replayed(35) == 5
    assert AccountStore().replayed(35) == 35


def test_many_events_are_stored_as_if_one_by_one(tmp_path):
    store = AccountStore(tmp_path / "accounts.sqlite", snapshot_every=5000)
    account = Account.open("Ada")
    store.save_many(account, range(1, 20_002))
    store.close()
    again = AccountStore(tmp_path / "accounts.sqlite", snapshot_every=5000)
    loaded = again.load(account.id)
    assert (loaded.version, loaded.balance) == (20_002, 20_001 * 20_002 // 2)
    assert again.storage(account.id)["rows"].tolist() == [20_002, 4]
    again.close()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"snapshot_every": 0}, "snapshot_every 0: must be at least 1"),
        ({"database": "mysql://localhost/x"}, "must be a file, ':memory:' or postgresql"),
    ],
)
def test_stores_that_cannot_be_are_refused(arguments, complaint):
    with pytest.raises(ValueError, match=complaint):
        AccountStore(**arguments)


def test_amounts_and_moments_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="amount 0"):
        Account.open("Ada").deposit(0)
    with pytest.raises(ValueError, match="time zone"):
        Account.open("Ada", at=datetime(2026, 1, 1))  # noqa: DTZ001


def noisy(load, event, sizes, generator):
    rows = [
        (size, (load + event * size) * float(np.exp(generator.normal(0, 0.03))))
        for size in sizes
        for _ in range(5)
    ]
    return pd.DataFrame(rows, columns=["replayed", "seconds"])


def test_prediction_intervals_hold_nine_of_ten_held_out_sizes_or_more():
    generator = np.random.default_rng(5)
    load, event, held = 1e-3, 2e-5, 0
    for _ in range(200):
        cost = replay_cost.fit(noisy(load, event, [100, 300, 1000, 10_000, 100_000], generator))
        foretold = cost.predict([1_000_000]).iloc[0]
        held += foretold["low"] <= load + event * 1_000_000 <= foretold["high"]
    assert held >= 180
    assert cost.interval().loc["event_s", "low"] < event < cost.interval().loc["event_s", "high"]


def test_a_fit_of_two_lengths_is_refused():
    with pytest.raises(ValueError, match="three lengths or more"):
        replay_cost.fit(pd.DataFrame({"replayed": [1, 2], "seconds": [1.0, 2.0]}))


def test_loads_of_the_real_store_take_longer_the_more_is_replayed():
    timings = replay_cost.measure([100, 1000, 10_000], repeats=3)
    assert timings.groupby("replayed")["seconds"].median().is_monotonic_increasing
    with_snapshots = replay_cost.measure([1010], snapshot_every=100, repeats=1)
    assert with_snapshots["replayed"].tolist() == [10]


def test_the_simulated_optimum_is_that_of_the_square_root_law():
    parameters = {"event_rate": 2.0, "load_rate": 3.0}
    world = snapshots.scenario(**parameters, duration=4000, seed=3)
    runs = [es.run(world, replication=number).messages for number in range(8)]
    law = es.theory.event_sourcing.snapshot_plan(**parameters, snapshot_cost=60, replay_cost=1)
    best = law.every_events
    every = sorted({max(1, best // 4), max(1, best // 2), best, best * 2, best * 4})
    found = snapshots.costs(
        runs, every=every, duration=4000, snapshot_cost=60, replay_cost=1, confidence=0.999
    ).set_index("every")
    assert found["value"].idxmin() == best
    assert found.loc[best, "low"] < law.cost < found.loc[best, "high"]

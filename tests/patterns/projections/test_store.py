"""The store: each side does its own work only; the projection neither skips nor repeats."""

import sqlite3
import threading
import time

import pytest

from eda_sim.patterns.projections.store import (
    ConcurrencyError,
    NotAllowedError,
    NotYetVisibleError,
    Store,
)

READ_MODEL = "CREATE TABLE IF NOT EXISTS totals (customer TEXT PRIMARY KEY, euros REAL)"


def ordered(model, event):
    model.execute("INSERT OR IGNORE INTO totals VALUES (?, 0)", [event["customer"]])
    model.execute(
        "UPDATE totals SET euros = euros + ? WHERE customer = ?",
        [event["euros"], event["customer"]],
    )


def order(euros, customer="Ann"):
    return ("ordered", {"customer": customer, "euros": euros})


@pytest.fixture
def store(tmp_path):
    made = Store(tmp_path / "shop.db", read_model=READ_MODEL)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("INSERT INTO totals VALUES ('Eve', 1e6)", "insert into totals"),
        ("UPDATE totals SET euros = 0", "update totals"),
        ("DELETE FROM totals", "delete from totals"),
        ("INSERT INTO events VALUES (9, 's', 1, 'n', '{}')", "insert into events"),
        ("REPLACE INTO projections VALUES ('totals', 0)", "insert into projections"),
        ("WITH a AS (SELECT 1) DELETE FROM totals", "delete from totals"),
        ("SELECT data FROM events", "read events"),
        ("SELECT count(*) FROM totals WHERE euros IN (SELECT position FROM events)", "read events"),
        ("DROP TABLE totals", "delete from|run this statement"),
        ("CREATE TABLE mine (a)", "insert into|run this statement"),
        ("PRAGMA query_only = OFF", r"run this statement \(query_only OFF\)"),
        ("ATTACH 'other.db' AS other", "run this statement"),
        ("BEGIN", "run this statement"),
        ("VACUUM", "run this statement|read|insert"),
    ],
)
def test_a_query_that_tries_more_than_to_read_is_refused(store, statement, what):
    commands, queries = store.command_side(), store.query_side("totals")
    store.projection("totals", {"ordered": ordered})
    commands.append("order-1", order(5))
    with pytest.raises(NotAllowedError, match=rf"^the query side may not ({what})") as error:
        queries.query(statement)
    assert "use the command side" in str(error.value)
    assert commands.version("order-1") == 1
    assert queries.query("SELECT * FROM totals") == []


def test_the_file_itself_is_read_only_to_queries(store):
    """Also without the authorizer: its connection was opened with mode=ro."""
    queries = store.query_side("totals")
    connection = queries._Side__connection
    connection.set_authorizer(None)
    connection.execute("PRAGMA query_only = OFF")
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        connection.execute("DELETE FROM totals")


def test_nobody_hands_out_a_connection(store):
    sides = [
        store.command_side(),
        store.query_side("totals"),
        store.projection("totals", {}),
    ]
    for owner in [store, *sides]:
        public = [getattr(owner, name) for name in dir(owner) if not name.startswith("_")]
        assert not [each for each in public if isinstance(each, sqlite3.Connection)]
    assert len({id(side._Side__connection) for side in sides}) == 3


def test_what_has_happened_does_not_change(store):
    commands = store.command_side()
    commands.append("order-1", order(5))
    for statement in ("UPDATE events SET data = '{}'", "DELETE FROM events", "DROP TABLE events"):
        with pytest.raises(NotAllowedError, match="the command side may not"):
            commands._execute(statement)
    with pytest.raises(NotAllowedError, match="the command side may not insert into totals"):
        commands._execute("INSERT INTO totals VALUES ('Eve', 1e6)")


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("INSERT INTO events (stream, version, name, data) VALUES ('s', 1, 'n', '{}')", "insert"),
        ("DELETE FROM events", "delete from events"),
        ("COMMIT", "run this statement"),
    ],
)
def test_a_projection_writes_no_events_and_ends_no_transaction(store, statement, what):
    commands = store.command_side()
    totals = store.projection("totals", {"ordered": lambda model, _: model.execute(statement)})
    commands.append("order-1", order(5))
    with pytest.raises(NotAllowedError, match=f"the projection may not {what}"):
        totals.catch_up()
    assert totals.position == 0


def test_the_query_side_is_behind_until_the_projection_has_caught_up(store):
    commands, queries = store.command_side(), store.query_side("totals")
    totals = store.projection("totals", {"ordered": ordered})
    first = commands.append("order-1", order(5), order(7))
    second = commands.append("order-2", order(1, "Bob"))
    assert (first, second) == (2, 3)
    assert queries.position == 0
    assert totals.catch_up(most=1) == 1
    assert queries.query("SELECT euros FROM totals WHERE customer = ?", ["Ann"]) == [(5.0,)]
    assert totals.catch_up() == 2
    assert totals.catch_up() == 0
    assert queries.query("SELECT * FROM totals ORDER BY customer") == [("Ann", 12.0), ("Bob", 1.0)]


def test_events_that_nobody_asked_for_are_passed_over(store):
    commands = store.command_side()
    totals = store.projection("totals", {"ordered": ordered})
    commands.append("order-1", ("paid", {}), order(5))
    assert totals.catch_up() == 2
    assert store.query_side("totals").query("SELECT euros FROM totals") == [(5.0,)]


def test_after_a_crash_nothing_is_done_twice_or_left_out(store):
    commands = store.command_side()
    commands.append("order-1", *(order(number) for number in range(1, 6)))
    calls = []

    def fails_once(model, event):
        ordered(model, event)
        calls.append(event["euros"])
        if calls == [1, 2, 3]:
            raise RuntimeError("power is gone")

    totals = store.projection("totals", {"ordered": fails_once})
    with pytest.raises(RuntimeError, match="power is gone"):
        totals.catch_up()
    assert totals.position == 2
    totals.close()
    assert store.projection("totals", {"ordered": fails_once}).catch_up() == 3
    assert calls == [1, 2, 3, 3, 4, 5]
    assert store.query_side("totals").query("SELECT euros FROM totals") == [(15.0,)]


def test_each_projection_has_its_own_position(store):
    store.command_side().append("order-1", order(5))
    first = store.projection("totals", {"ordered": ordered})
    first.catch_up()
    assert (first.position, store.projection("others", {}).position) == (1, 0)


def test_two_writers_of_one_stream(store):
    ann, bob = store.command_side(), store.command_side()
    ann.append("order-1", order(5), expected_version=0)
    with pytest.raises(ConcurrencyError, match="order-1 has 1 events, not 0"):
        bob.append("order-1", order(6), expected_version=0)
    assert bob.append("order-1", order(6), expected_version=1) == 2


def test_events_are_appended_all_or_none(store):
    commands = store.command_side()
    with pytest.raises(TypeError):
        commands.append("order-1", order(5), ("ordered", {"euros": object()}))
    assert commands.version("order-1") == 0
    with pytest.raises(ValueError, match="at least one"):
        commands.append("order-1")


def test_a_version_token_waits_for_the_projection(store, tmp_path):
    commands, queries = store.command_side(), store.query_side("totals")
    token = commands.append("order-1", order(5))

    def follow():
        time.sleep(0.1)
        # A connection belongs to its thread.
        mine = Store(tmp_path / "shop.db", read_model=READ_MODEL)
        mine.projection("totals", {"ordered": ordered}).catch_up()
        mine.close()

    follower = threading.Thread(target=follow)
    begin = time.monotonic()
    follower.start()
    assert queries.query("SELECT euros FROM totals", at_least=token, timeout_s=20) == [(5.0,)]
    assert time.monotonic() - begin > 0.09
    follower.join()


def test_a_version_token_does_not_wait_for_ever(store):
    token = store.command_side().append("order-1", order(5))
    queries = store.query_side("totals")
    with pytest.raises(NotYetVisibleError, match=r"totals shows position 0, not 1, after 0\.02 s"):
        queries.query("SELECT * FROM totals", at_least=token, timeout_s=0.02)


def test_mistakes_of_sql_stay_what_they_are(store):
    with pytest.raises(sqlite3.OperationalError, match="no such table: nowhere"):
        store.query_side("totals").query("SELECT * FROM nowhere")


def test_a_store_is_found_again(tmp_path):
    for number in (1, 2):
        store = Store(tmp_path / "shop.db", read_model=READ_MODEL)
        assert store.command_side().append("order-1", order(5)) == number
        store.close()
        store.close()


def test_a_temporary_store_leaves_nothing_behind():
    store = Store.temporary(read_model=READ_MODEL)
    path = store._path
    assert store.command_side().append("order-1", order(5)) == 1
    assert path.exists()
    store.close()
    assert not path.parent.exists()

"""What becomes of messages that are given up, and how dead letters are moved back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from eda_sim.engine.execute import execute
from eda_sim.engine.trace import CopyState, LeaseEnd, Outcome, Trace
from eda_sim.spec import Scenario
from tests.engine.worlds import MILLISECOND, SECOND, at, copies, deliveries, seconds, world


def with_dead_letters(*, readers: bool = False, **changes: Any) -> Scenario:
    """Return three messages whose every attempt fails, and a channel for dead letters."""
    consumers: dict[str, Any] = {
        "server": {
            "reads": "queue",
            "service": "100ms",
            "error_probability": 1,
            "on_exhausted": "release",
            "subscription": {"max_deliveries": 2, "dead_letter": "dead"},
        }
    }
    if readers:
        consumers["undertaker"] = {"reads": "dead", "service": "1s"}
    data: dict[str, Any] = {
        "name": "graveyard",
        "duration": "60s",
        "producers": {"source": {"to": "queue", "arrivals": at(0, 1, 2)}},
        "channels": {"queue": {}, "dead": {}},
        "consumers": consumers,
    }
    return Scenario.model_validate(data).replace(changes)


def all_copies(trace: Trace) -> pd.DataFrame:
    return pd.DataFrame(trace.copies)


@pytest.mark.rule("D23")
@pytest.mark.parametrize(
    ("what", "state"), [("drop", CopyState.DISCARDED), ("park", CopyState.PARKED)]
)
def test_a_message_that_is_given_up_is_dropped_or_parked(what, state):
    # JetStream at MaxDeliver: the message stays in the stream, and nobody gets it again.
    trace = execute(
        world(
            duration="60s",
            producer={"arrivals": at(0)},
            consumer={
                "service": "1s",
                "error_probability": 1,
                "on_exhausted": "release",
                "subscription": {"max_deliveries": 3, "on_exhausted": what},
            },
        )
    )
    (copy,) = copies(trace).itertuples()
    assert (copy.state, copy.deliveries, copy.settled_at) == (state, 3, 3 * SECOND)


@pytest.mark.rule("D24")
def test_a_dead_letter_is_a_copy_of_the_same_message():
    trace = execute(with_dead_letters(readers=True))
    table = all_copies(trace)
    given_up, letters = table[table["channel"] == 0], table[table["channel"] == 1]
    assert set(given_up["state"]) == {CopyState.DEAD_LETTERED}
    assert list(letters["message_id"]) == [0, 1, 2]
    assert list(letters["source_copy"]) == list(given_up["copy_id"])
    assert set(letters["source_consumer"]) == {0}
    assert list(letters["stored_at"]) == list(given_up["settled_at"])
    # It is no message of its own, and no second copy of a publish.
    assert len(trace.messages["key"]) == 3
    assert list(trace.messages["copies"]) == [1, 1, 1]
    assert list(deliveries(trace, "undertaker")["outcome"]) == [Outcome.OK] * 3


@pytest.mark.rule("D24")
def test_a_dead_letter_passes_the_append_server_of_its_channel():
    scenario = with_dead_letters(readers=True, **{"channels.dead.append": {"per_message": "300ms"}})
    table = all_copies(execute(scenario))
    moved = table[table["channel"] == 1]
    assert seconds(moved["stored_at"]) == [0.5, 1.5, 2.5]


@pytest.mark.rule("D22", "D24")
def test_what_is_rejected_goes_to_the_dead_letters_at_once():
    trace = execute(with_dead_letters(**{"consumers.server.on_exhausted": "reject"}))
    assert list(all_copies(trace)["deliveries"]) == [1, 1, 1]
    assert set(all_copies(trace)["state"]) == {CopyState.DEAD_LETTERED}


@pytest.mark.rule("D24")
def test_with_a_policy_that_ends_dead_letters_come_after_its_last_attempt():
    changes = {
        "consumers.server.subscription.max_deliveries": None,
        "consumers.server.subscription.redelivery": "phased(phases=[phase(2, 1s), phase(1, 5s)])",
    }
    table = all_copies(execute(with_dead_letters(**changes)))
    assert list(table["deliveries"]) == [4, 4, 4]
    assert seconds(table["settled_at"])[0] == pytest.approx(4 * 0.1 + 1 + 1 + 5)


@pytest.mark.rule("D25")
def test_a_redrive_moves_dead_letters_back_and_counts_restart():
    # The bug is mended at 10 s; at 20 s the dead letters go back, two per second.
    scenario = with_dead_letters(
        **{
            "consumers.server.error_probability": 0,
            "faults": [{"bug": "server", "probability": 1, "at": 0, "lasts": "10s"}],
            "consumers.server.subscription.redrive": {"at": "20s", "rate": "2/s"},
        }
    )
    trace = execute(scenario)
    table = all_copies(trace)
    assert list(table["state"]) == [CopyState.DEAD_LETTERED] * 3 + [CopyState.ACKNOWLEDGED] * 3
    again = table[3:]
    assert list(again["message_id"]) == [0, 1, 2]
    assert seconds(again["stored_at"]) == [20, 20.5, 21]
    assert list(again["offset"]) == [-1] * 3
    assert list(again["deliveries"]) == [1] * 3
    rows = deliveries(trace)
    assert list(rows[rows["effect"] == 1]["message_id"]) == [0, 1, 2]


@pytest.mark.rule("D25")
def test_a_redriven_message_draws_new_numbers():
    # Half of the attempts fail; if the new copy drew what the old one drew, it would fail for ever.
    scenario = with_dead_letters(
        **{
            "producers.source.arrivals": at(*range(100)),
            "duration": "1000s",
            "consumers.server.error_probability": 0.5,
            "consumers.server.subscription.redrive": {"every": "200s"},
        }
    )
    trace = execute(scenario)
    rows = deliveries(trace)
    effects = rows.groupby("message_id")["effect"].sum()
    assert len(effects) == 100
    assert (effects == 1).all()
    # 25 go wrong twice at first, then a quarter of those, and so on.
    moved = all_copies(trace)["source_copy"] >= 0
    assert 20 < moved.sum() < 50


@pytest.mark.rule("D25")
def test_a_redrive_to_a_channel_reaches_all_that_read_it():
    scenario = with_dead_letters(
        **{
            "consumers.server.subscription.redrive": {"at": "20s", "to": "fixed"},
            "channels.fixed": {"partitions": 2},
            "consumers.left": {"reads": "fixed", "service": "1s"},
            "consumers.right": {
                "reads": "fixed",
                "service": "1s",
                "subscription": {"lease_scope": "partition"},
            },
        }
    )
    trace = execute(scenario)
    for consumer in ("left", "right"):
        rows = deliveries(trace, consumer)
        assert sorted(rows["message_id"]) == [0, 1, 2]
        assert (rows["acquired_at"] >= 20 * SECOND).all()


@pytest.mark.rule("D25")
def test_a_redrive_leaves_what_a_reader_has_taken_up():
    # The undertaker has taken one at 0.2 s, one at 1.2 s, and the third at 2.2 s. A slow one is
    # still at its first when the others are moved.
    scenario = with_dead_letters(
        readers=True,
        **{
            "consumers.undertaker.service": "10s",
            "consumers.server.subscription.redrive": {"at": "5s"},
        },
    )
    trace = execute(scenario)
    letters = all_copies(trace).query("consumer == 1")
    # What was moved, failed again and became a dead letter anew.
    assert list(letters["message_id"]) == [0, 1, 2, 1, 2]
    assert list(letters["state"])[:3] == [
        CopyState.ACKNOWLEDGED,
        CopyState.MOVED,
        CopyState.MOVED,
    ]
    own = all_copies(trace).query("consumer == 0")
    assert list(own["message_id"]) == [0, 1, 2, 1, 2]
    assert list(own["offset"]) == [0, 1, 2, -1, -1]
    assert set(own["state"]) == {CopyState.DEAD_LETTERED}


@pytest.mark.rule("D25")
def test_a_task_that_still_runs_is_not_joined_by_another():
    # SQS: one task per queue. Three letters, one every 6 s from 10 s on.
    scenario = with_dead_letters(
        **{
            "duration": "28s",
            "consumers.server.subscription.redrive": {"every": "10s", "rate": "10/min"},
        }
    )
    moved = all_copies(execute(scenario)).query("source_copy >= 0")
    # At 20 s the first task still runs, so nothing begins then.
    assert seconds(moved["stored_at"]) == [10, 16, 22]


@pytest.mark.rule("D25")
def test_a_run_that_drains_waits_for_a_redrive_that_is_planned():
    changes = {
        "messages": 3,
        "duration": None,
        "drain": True,
        "consumers.server.error_probability": 0,
        "faults": [{"bug": "server", "probability": 1, "at": 0, "lasts": "10s"}],
        "consumers.server.subscription.redrive": {"at": "10min"},
    }
    trace = execute(with_dead_letters(**changes))
    assert trace.ended_at_ns == 600 * SECOND + 300 * MILLISECOND
    assert deliveries(trace)["effect"].sum() == 3


@pytest.mark.rule("D23")
def test_two_subscriptions_of_one_channel_give_up_on_their_own():
    scenario = with_dead_letters(
        **{
            "consumers.other": {
                "reads": "queue",
                "service": "1s",
                "error_probability": 1,
                "on_exhausted": "reject",
                "subscription": {"dead_letter": "dead"},
            },
            "consumers.reader": {"reads": "dead", "service": "1s"},
        }
    )
    letters = all_copies(execute(scenario)).query("consumer == 2")
    assert sorted(zip(letters["message_id"], letters["source_consumer"], strict=True)) == [
        (0, 0),
        (0, 1),
        (1, 0),
        (1, 1),
        (2, 0),
        (2, 1),
    ]


@pytest.mark.rule("D26")
@pytest.mark.parametrize(
    ("goes_on", "state"), [(False, CopyState.EXPIRED), (True, CopyState.DEAD_LETTERED)]
)
def test_what_its_channel_takes_away_may_become_a_dead_letter(goes_on, state):
    # RabbitMQ dead-letters what a time to live removes; SQS deletes it.
    scenario = with_dead_letters(
        readers=True,
        **{
            "consumers.server.error_probability": 0,
            "consumers.server.service": "10s",
            "channels.queue.message_ttl": "5s",
            "consumers.server.subscription.dead_letter_expired": goes_on,
        },
    )
    table = all_copies(execute(scenario))
    own = table[table["consumer"] == 0]
    # The first is in hand and stays; the others expire where they wait, 5 s after they came.
    assert list(own["state"]) == [CopyState.ACKNOWLEDGED, state, state]
    assert seconds(own["settled_at"]) == [10, 6, 7]
    assert list(table[table["consumer"] == 1]["message_id"]) == ([1, 2] if goes_on else [])


@pytest.mark.rule("P34", "D26")
def test_a_dead_letter_has_a_time_to_live_of_its_own():
    times = at(*range(30))
    trace = execute(
        with_dead_letters(
            readers=True,
            **{
                "duration": "200s",
                "producers.source.arrivals": times,
                "consumers.server.error_probability": 0,
                "consumers.server.service": "1h",
                "consumers.undertaker.service": "1h",
                "channels.queue.message_ttl": "uniform(low=1s, high=20s)",
                "channels.dead.message_ttl": "uniform(low=1s, high=20s)",
                "consumers.server.subscription.dead_letter_expired": True,
            },
        )
    )
    table = all_copies(trace)
    table["lived"] = (table["settled_at"] - table["committed_at"]) / SECOND
    gone = table[table["settled_at"] >= 0].set_index("message_id")
    first, second = (gone.loc[gone["consumer"] == number, "lived"] for number in (0, 1))
    both = first.index.intersection(second.index)
    assert len(both) > 20
    assert first.between(1, 20).all()
    assert second.between(1, 20).all()
    assert (first[both] != second[both]).all()
    assert abs(np.corrcoef(first[both], second[both])[0, 1]) < 0.5


@pytest.mark.rule("P34", "D25")
def test_what_a_redrive_takes_back_lives_anew():
    trace = execute(
        with_dead_letters(
            **{
                "consumers.server.error_probability": 0,
                "consumers.server.service": "1h",
                "channels.queue.message_ttl": "5s",
                "consumers.server.subscription.dead_letter_expired": True,
                "consumers.server.subscription.redrive": {"at": "20s"},
            },
        )
    )
    own = all_copies(trace).query("consumer == 0")
    back = own[own["source_copy"] >= 0]
    assert list(back["message_id"]) == [1, 2]
    assert seconds(back["stored_at"]) == [20, 20]
    assert seconds(back["settled_at"]) == [25, 25]
    assert set(back["state"]) == {CopyState.DEAD_LETTERED}


@pytest.mark.rule("D26")
def test_a_handler_that_has_what_is_taken_away_runs_on():
    scenario = world(
        duration="60s",
        producer={"arrivals": at(0, 1, 2)},
        channel={"max_messages": 1},
        consumer={"service": "10s", "concurrency": 3},
    )
    trace = execute(scenario)
    rows = deliveries(trace)
    assert list(rows["lease_end"]) == [LeaseEnd.REMOVED, LeaseEnd.REMOVED, LeaseEnd.ACKNOWLEDGED]
    assert seconds(rows["lease_ended_at"]) == [1, 2, 12]
    assert list(rows["effect"]) == [1, 1, 1]
    assert list(rows["settled_at"] >= 0) == [False, False, True]
    assert list(copies(trace)["state"])[:2] == [CopyState.EXPIRED] * 2


@pytest.mark.rule("D26")
def test_a_time_to_live_may_end_at_the_head_only():
    # RabbitMQ: "expired messages are only dropped from the head"; one that lives longer holds up
    # those behind it.
    def expired_at(*, head_only: bool) -> np.ndarray:
        scenario = world(
            seed=2,
            duration="60s",
            producer={"arrivals": at(*[0] * 12)},
            channel={
                "message_ttl": "uniform(low=1s, high=20s)",
                "ttl_at_head_only": head_only,
            },
            consumer={"service": "1h"},
        )
        table = copies(execute(scenario))
        assert list(table["state"]) == [CopyState.ACQUIRED, *[CopyState.EXPIRED] * 11]
        return table["settled_at"].to_numpy()[1:]

    one_by_one = expired_at(head_only=False)
    assert (np.diff(one_by_one) < 0).any()
    assert list(expired_at(head_only=True)) == list(np.maximum.accumulate(one_by_one))


@pytest.mark.rule("D19", "D26")
@pytest.mark.parametrize("place", ["original", "head", "tail"])
@pytest.mark.parametrize("head_only", [False, True])
def test_a_copy_that_comes_back_after_its_time_goes_at_once(place, head_only):
    # The first is in hand when its time is over at 5, and its lease ends at 10. The second came at
    # 8 and may stay until 13. At the tail RabbitMQ would let the first wait for that; here it goes.
    scenario = world(
        duration="60s",
        producer={"arrivals": at(0, 8)},
        channel={"message_ttl": "5s", "ttl_at_head_only": head_only},
        consumer={
            "service": "1h",
            "subscription": {"lease_timeout": "10s", "requeue_position": place},
        },
    )
    trace = execute(scenario)
    table = copies(trace)
    assert list(table["state"]) == [CopyState.EXPIRED] * 2
    assert seconds(table["settled_at"]) == [10, 13]
    assert list(deliveries(trace)["lease_end"]) == [LeaseEnd.EXPIRED]

"""Offsets that go while a group reads: retention overtakes it, a failover truncates."""

from __future__ import annotations

import numpy as np
import pytest

from eda_sim.engine.execute import execute
from eda_sim.engine.trace import CopyState
from tests.engine.worlds import at, copies, deliveries, messages, world

GROUP = {"lease_scope": "partition", "fetch_max_messages": 1}


def unread(trace):
    """Return the messages that expired before anybody read them."""
    rows = copies(trace)
    return rows["message_id"][(rows["state"] == CopyState.EXPIRED) & (rows["deliveries"] == 0)]


def a_slow_reader(**subscription):
    """Return one message a second, 4 s of work for each, and a log that keeps 5 s."""
    return execute(
        world(
            duration=40,
            producer={"arrivals": at(*range(1, 25))},
            channel={"max_age": "5s"},
            consumer={"service": "constant(4s)", "subscription": {**GROUP, **subscription}},
        )
    )


@pytest.mark.rule("G17")
def test_a_message_that_expired_is_skipped():
    trace = a_slow_reader()
    read = deliveries(trace)["message_id"].to_numpy()
    assert read[0] == 0
    assert (np.diff(read) > 0).all()
    assert len(unread(trace)) > 0
    assert sorted([*read, *unread(trace)]) == list(range(len(messages(trace))))
    acquired, stored = deliveries(trace)["acquired_at"], messages(trace)["stored_at"].to_numpy()
    assert (acquired - stored[read] <= 5e9).all()


@pytest.mark.rule("G17")
def test_with_latest_a_position_that_expired_jumps_to_the_end():
    earliest, latest = a_slow_reader(), a_slow_reader(start_position="latest")
    read = deliveries(latest)["message_id"].to_numpy()
    # Until the position points at an expired message both do the same; from there on it is never
    # anything but the newest, though older ones are still there.
    assert len(read) < len(deliveries(earliest))
    jumps = np.flatnonzero(np.diff(read) > 1)
    assert len(jumps) > 0
    for jump in jumps:
        skipped = np.arange(read[jump] + 1, read[jump + 1])
        assert set(skipped) <= set(unread(latest))
    assert sorted([*read, *unread(latest)]) == list(range(len(messages(latest))))


@pytest.mark.rule("G18")
def test_a_truncated_log_is_read_on_from_its_new_end():
    # Node 0 leads and commits alone; node 1 is 2 s behind and takes over with what it has.
    trace = execute(
        world(
            duration=40,
            drain=True,
            producer={"arrivals": "constant(10/s)"},
            channel={
                "replication": {
                    "factor": 2,
                    "commit_rule": "leader",
                    "lag": "2s",
                    "failure_detection": "1s",
                    "election": "1s",
                    "unclean_leader_election": True,
                }
            },
            consumer={"service": "1ms", "subscription": {**GROUP, "fetch_max_messages": 100}},
            faults=[{"crash": "queue/0", "at": "20s", "lasts": "60s"}],
        )
    )
    stored = copies(trace)
    # What was read at offsets beyond the new end is read again as other messages, in order.
    offsets = stored["offset"].to_numpy()
    cut = np.flatnonzero(np.diff(offsets) < 1)
    assert len(cut) == 1
    assert offsets[cut[0] + 1] < offsets[cut[0]]
    after = stored.iloc[cut[0] + 1 :]
    assert (after["state"] == CopyState.ACKNOWLEDGED).all()
    assert (np.diff(after["offset"]) == 1).all()
    assert after["deliveries"].eq(1).all()

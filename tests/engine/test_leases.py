"""Leases on single deliveries that run out while the work goes on."""

from __future__ import annotations

import math

import pytest

from eda_sim.engine.execute import execute
from eda_sim.engine.trace import CopyState, Outcome
from eda_sim.spec import Scenario
from tests.engine.worlds import SECOND, at, copies, count, deliveries, seconds, world


def impatient(*, late: str = "honoured", lease: str = "400ms", **consumer: object) -> Scenario:
    """Return one message that needs a second, two instances, and a lease of 400 ms."""
    return world(
        duration="3s",
        producer={"arrivals": at(0)},
        consumer={
            "service": "1s",
            "instances": 2,
            "subscription": {"lease_timeout": lease, "late_acknowledgement": late},
            **consumer,
        },
    )


def test_two_handlers_run_one_message_and_both_take_effect():
    trace = execute(impatient())
    first, second = deliveries(trace).itertuples()
    assert (first.instance, second.instance) == (0, 1)
    assert seconds([first.started_at, first.finished_at]) == [0, 1]
    assert seconds([second.available_at, second.started_at, second.finished_at]) == [0.4, 0.4, 1.4]
    assert (first.effect, second.effect) == (1, 1)
    assert count(trace).duplicated == 1


def test_a_late_acknowledgement_that_is_honoured_ends_it():
    # At 0.8 s the second lease has run out too, and nobody is idle: the message is available when
    # the first handler is done with it.
    trace = execute(impatient())
    first, second = deliveries(trace).itertuples()
    assert (first.settled_at, second.settled_at) == (SECOND, -1)
    (copy,) = copies(trace).itertuples()
    assert (copy.state, copy.settled_at, copy.deliveries) == (
        CopyState.ACKNOWLEDGED,
        SECOND,
        2,
    )


def test_late_acknowledgements_that_are_refused_never_end_it():
    # Each handler outlasts its lease, so the message comes back for ever.
    trace = execute(impatient(late="refused"))
    rows = deliveries(trace)
    assert seconds(rows["acquired_at"]) == [0, 0.4, 1, 1.4, 2, 2.4]
    assert list(rows["instance"]) == [0, 1, 0, 1, 0, 1]
    assert list(rows["effect"]) == [1, 1, 1, 1, 0, 0]
    assert (rows["settled_at"] == -1).all()
    (copy,) = copies(trace).itertuples()
    assert copy.state == CopyState.AVAILABLE


def test_refused_is_only_what_comes_late():
    trace = execute(impatient(late="refused", lease="2s"))
    (only,) = deliveries(trace).itertuples()
    assert only.settled_at == only.finished_at == SECOND


def test_an_acknowledgement_on_its_way_does_not_keep_the_lease():
    # The work is done within the lease, but the acknowledgement arrives 50 ms after its end.
    scenario = world(
        duration="10s",
        drain=True,
        producer={"arrivals": at(0.1)},
        consumer={
            "service": "1s",
            "instances": 2,
            "link": {"latency": "100ms"},
            "subscription": {"lease_timeout": "1150ms"},
        },
    )
    first, second = deliveries(execute(scenario)).itertuples()
    assert seconds([first.acquired_at, first.started_at]) == [0.1, 0.2]
    assert seconds([first.finished_at, first.settled_at]) == [1.2, 1.3]
    assert seconds([second.acquired_at, second.finished_at]) == [1.25, 2.35]
    assert (first.effect, second.effect) == (1, 1)
    slower = scenario.replace({"consumers.server.subscription.lease_timeout": "1250ms"})
    assert len(deliveries(execute(slower))) == 1


def test_dedup_sees_an_effect_and_not_a_handler_that_runs():
    # Look-up and effect are not one: two handlers that overlap both take effect ...
    both = execute(impatient(dedup={"window": "10s"}))
    assert list(deliveries(both)["effect"]) == [1, 1]
    # ... and one that starts after the other's effect is skipped.
    scenario = world(
        duration="10s",
        drain=True,
        producer={"arrivals": at(0.1)},
        consumer={
            "service": "1s",
            "instances": 2,
            "link": {"latency": "100ms"},
            "subscription": {"lease_timeout": "1150ms"},
            "dedup": {"window": "10s"},
        },
    )
    first, second = deliveries(execute(scenario)).itertuples()
    assert (first.outcome, second.outcome) == (Outcome.OK, Outcome.SKIPPED)
    assert second.started_at == second.finished_at


def test_waiting_in_the_local_buffer_counts_against_the_lease():
    # One worker, three messages prefetched: the third would be taken up at 2 s, as its lease ends.
    def run(prefetch: int) -> list[int]:
        scenario = world(
            duration="30s",
            drain=True,
            producer={"arrivals": at(0, 0, 0)},
            consumer={
                "service": "1s",
                "subscription": {
                    "delivery": "push",
                    "max_outstanding": prefetch,
                    "lease_timeout": "1.5s",
                },
            },
        )
        trace = execute(scenario)
        return copies(trace)["deliveries"].tolist()

    assert run(1) == [1, 1, 1]
    assert run(3) == [1, 2, 2]


@pytest.mark.parametrize("late", ["honoured", "refused"])
def test_settled_before_the_work_a_lease_cannot_run_out(late):
    trace = execute(impatient(late=late, settle="before"))
    (only,) = deliveries(trace).itertuples()
    assert (only.settled_at, only.finished_at, only.effect) == (0, SECOND, 1)


def test_the_share_of_messages_that_come_twice():
    # vis.exp.1.0.3.0 of the oracles: with exponential service of 1 s and a lease of 3 s, a message
    # is handed out again with probability P(S > 3 s) = e^-3 = 0.0498, if somebody is idle.
    scenario = world(
        seed=1,
        messages=6000,
        drain=True,
        producer={"rate": "10/s"},
        consumer={
            "service": "exponential(1s)",
            "concurrency": 100,
            "subscription": {"lease_timeout": "3s"},
        },
    )
    trace = execute(scenario)
    again = (copies(trace)["deliveries"] > 1).mean()
    error = math.sqrt(math.exp(-3) * (1 - math.exp(-3)) / 6000)
    assert again == pytest.approx(0.049787068367863944, abs=2.6 * error)
    # Both handlers run to their end, so what is handed out twice takes effect twice.
    assert count(trace).duplicated == int((copies(trace)["deliveries"] > 1).sum())


def test_what_comes_back_takes_its_old_place():
    # The instance holds messages 0 and 1 when it crashes; 2 to 4 still wait.
    scenario = world(
        duration="30s",
        drain=True,
        producer={"arrivals": at(0, 0, 0, 0, 0)},
        consumer={
            "service": "1s",
            "subscription": {"delivery": "push", "max_outstanding": 2},
        },
        faults=[{"crash": "server/0", "at": "500ms", "lasts": "1s"}],
    )
    rows = deliveries(execute(scenario))
    assert rows["message_id"].tolist() == [0, 1, 0, 1, 2, 3, 4]
    assert seconds(rows["acquired_at"]) == [0, 0, 1.5, 1.5, 2.5, 3.5, 4.5]

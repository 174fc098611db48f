"""Handlers that fail: by chance, by what is in the message, by taking too long."""

import numpy as np
import pandas as pd
import pytest

from eda_sim import theory
from eda_sim.engine.execute import execute
from eda_sim.engine.trace import CopyState, MessageStatus, Outcome
from eda_sim.spec.errors import ScenarioError
from tests.engine.worlds import SECOND, at, copies, count, deliveries, messages, seconds, world

LEASE = {"lease_scope": "partition", "heartbeat_interval": "3s", "lease_timeout": "10s"}


def binomial(share, probability, size):
    """Whether a share lies within four standard errors of its probability."""
    return abs(share - probability) < 4 * np.sqrt(probability * (1 - probability) / size)


@pytest.mark.rule("H4")
def test_an_attempt_fails_with_the_error_probability():
    trace = execute(
        world(
            seed=1,
            messages=4000,
            drain=True,
            producer={"rate": "100/s"},
            consumer={"service": "1ms", "error_probability": 0.2},
        )
    )
    rows = deliveries(trace)
    failed = rows["outcome"] == Outcome.DEAD
    assert binomial(failed.mean(), 0.2, len(rows))
    assert (rows["effect"][failed] == 0).all()
    assert (copies(trace)["state"][failed.to_numpy()] == CopyState.DISCARDED).all()


@pytest.mark.rule("H4")
def test_chance_lets_a_message_through_in_the_end_and_poison_never_does():
    for field in ("error_probability", "poison_probability"):
        trace = execute(
            world(
                seed=2,
                messages=1000,
                drain=True,
                producer={"rate": "10/s"},
                consumer={
                    "service": "1ms",
                    field: 0.3,
                    "retry": "fixed(1ms, max_attempts=40)",
                    "retry_where": "requeue",
                },
            )
        )
        done = count(trace)
        if field == "error_probability":
            assert done.once == 1000
        else:
            assert binomial((1000 - done.once) / 1000, 0.3, 1000)
            given_up = copies(trace)["state"] == CopyState.DISCARDED
            assert (copies(trace)["deliveries"][given_up] == 40).all()
            assert (copies(trace)["deliveries"][~given_up] == 1).all()


@pytest.mark.rule("H2", "H4")
def test_which_messages_fail_does_not_depend_on_the_rest_of_the_scenario():
    failed = []
    for instances, service in ((1, "1ms"), (4, "exponential(30ms)")):
        trace = execute(
            world(
                seed=3,
                messages=500,
                drain=True,
                producer={"rate": "100/s"},
                consumer={"service": service, "instances": instances, "error_probability": 0.1},
            )
        )
        rows = deliveries(trace)
        failed.append(set(rows["message_id"][rows["outcome"] == Outcome.DEAD]))
    assert failed[0] == failed[1]


@pytest.mark.rule("H2")
def test_a_second_copy_is_work_once_more():
    def handled(duplicated: float) -> pd.DataFrame:
        scenario = world(
            seed=3,
            messages=400,
            drain=True,
            producer={"rate": "20/s", "link": {"duplicate_probability": duplicated}},
            consumer={"service": "exponential(10ms)", "error_probability": 0.5},
        )
        rows = deliveries(execute(scenario))
        rows["took"] = rows["finished_at"] - rows["started_at"]
        rows["number"] = rows.groupby("message_id")["copy_id"].rank().astype(int)
        return rows.set_index(["message_id", "number"])[["took", "outcome"]].sort_index()

    once = handled(0).xs(1, level="number")
    twice = handled(1)
    first, second = twice.xs(1, level="number"), twice.xs(2, level="number")
    assert (first["took"] != second["took"]).all()
    assert binomial((first["outcome"] == second["outcome"]).mean(), 0.5, 400)
    # What there was without the second copies is still the same.
    assert once.equals(first)


@pytest.mark.rule("H2", "D25")
def test_a_second_copy_that_is_moved_keeps_its_own_numbers():
    # Each copy fails twice, becomes a dead letter and comes back: four service times for each.
    scenario = world(
        seed=3,
        duration="1min",
        producer={"arrivals": at(*range(20)), "link": {"duplicate_probability": 1}},
        channels={"queue": {}, "dead": {}},
        consumer={
            "service": "exponential(10ms)",
            "error_probability": 1,
            "on_exhausted": "release",
            "subscription": {"max_deliveries": 2, "dead_letter": "dead", "redrive": {"at": "30s"}},
        },
    )
    rows = deliveries(execute(scenario))
    took = (rows["finished_at"] - rows["started_at"]).groupby(rows["message_id"])
    assert (took.count() == 8).all()
    assert (took.nunique() == 8).all()


@pytest.mark.rule("H5")
def test_a_handler_is_stopped_at_its_timeout():
    trace = execute(
        world(
            seed=4,
            messages=2000,
            drain=True,
            producer={"rate": "5/s"},
            consumer={"service": "exponential(100ms)", "timeout": "200ms"},
        )
    )
    rows = deliveries(trace)
    took = (rows["finished_at"] - rows["started_at"]) / SECOND
    stopped = rows["outcome"] == Outcome.DEAD
    assert (took[stopped] == 0.2).all()
    assert (took[~stopped] <= 0.2).all()
    assert binomial(stopped.mean(), np.exp(-2), 2000)


@pytest.mark.rule("H6")
def test_a_retry_in_place_keeps_the_worker():
    trace = execute(
        world(
            duration=30,
            producer={"arrivals": at(1, 1, 1)},
            consumer={
                "service": "1s",
                "poison_probability": 1,
                "retry": "exponential(base=1s, factor=2, max_attempts=3)",
            },
        )
    )
    rows = deliveries(trace)
    assert seconds(rows["started_at"]) == [1, 7, 13]
    assert seconds(rows["finished_at"]) == [7, 13, 19]  # three services, and 1 s and 2 s between
    assert rows["tries"].tolist() == [3, 3, 3]
    assert rows["attempt"].tolist() == [1, 1, 1]


@pytest.mark.rule("H7")
def test_a_requeued_message_frees_the_worker_and_waits_at_the_broker():
    trace = execute(
        world(
            duration=30,
            sample_every=1,
            producer={"arrivals": at(1, 1)},
            consumer={
                "service": "1s",
                "poison_probability": 1,
                "retry": "fixed(5s, max_attempts=2)",
                "retry_where": "requeue",
            },
        )
    )
    rows = deliveries(trace)
    assert rows["message_id"].tolist() == [0, 1, 0, 1]
    assert seconds(rows["started_at"]) == [1, 2, 7, 8]
    assert rows["outcome"].tolist() == [Outcome.FAILED, Outcome.FAILED, Outcome.DEAD, Outcome.DEAD]
    assert seconds(rows["available_at"]) == [1, 1, 7, 8]
    scheduled = dict(zip(trace.series["time"] // SECOND, trace.series["scheduled"], strict=True))
    assert [scheduled[second] for second in (1, 2, 3, 6, 7, 8)] == [0, 1, 2, 2, 1, 0]


@pytest.mark.rule("H7")
def test_max_elapsed_counts_from_the_first_attempt():
    trace = execute(
        world(
            duration=60,
            producer={"arrivals": at(1)},
            consumer={
                "service": "1s",
                "poison_probability": 1,
                "retry": "fixed(3s, max_elapsed=10s)",
                "retry_where": "requeue",
            },
        )
    )
    # Attempts begin at 1, 5, 9; a fourth would begin at 13, 12 s after the first.
    assert seconds(deliveries(trace)["started_at"]) == [1, 5, 9]


@pytest.mark.rule("H8")
@pytest.mark.parametrize(
    ("on_exhausted", "states", "handed_over"),
    [
        ("reject", CopyState.DISCARDED, 1),
        ("release", CopyState.AVAILABLE, 10),
        ("leave", CopyState.AVAILABLE, 2),
    ],
)
def test_what_becomes_of_a_message_after_the_last_attempt(on_exhausted, states, handed_over):
    trace = execute(
        world(
            duration=10,
            producer={"arrivals": at(0)},
            consumer={
                "service": "1s",
                "poison_probability": 1,
                "on_exhausted": on_exhausted,
                "subscription": {"lease_timeout": "5s"},
            },
        )
    )
    assert len(deliveries(trace)) == handed_over
    if on_exhausted == "reject":
        assert copies(trace)["state"].tolist() == [states]


@pytest.mark.rule("H8")
def test_a_partition_goes_on_behind_a_message_that_was_given_up():
    trace = execute(
        world(
            seed=5,
            messages=300,
            drain=True,
            producer={"rate": "100/s"},
            consumer={
                "service": "1ms",
                "error_probability": 0.5,
                "retry": "immediate(max_attempts=2)",
                "subscription": LEASE,
            },
        )
    )
    rows = copies(trace)
    given_up = rows["state"] == CopyState.DISCARDED
    assert binomial(given_up.mean(), 0.25, 300)
    assert (rows["state"][~given_up] == CopyState.ACKNOWLEDGED).all()
    assert (deliveries(trace)["settled_at"][given_up.to_numpy()] == -1).all()


@pytest.mark.rule("H8")
def test_settled_before_a_failure_loses_the_message_silently():
    trace = execute(
        world(
            messages=10,
            drain=True,
            producer={"rate": "1/s"},
            consumer={"service": "1ms", "poison_probability": 1, "settle": "before"},
        )
    )
    assert count(trace).lost == 10
    assert (messages(trace)["status"] == MessageStatus.CONFIRMED).all()


@pytest.mark.rule("H6")
def test_retries_in_place_are_a_longer_service():
    """Record feedback.0.6.0.2.W: M/M/1 with feedback, W = 5 s (Takacs 1963).

    The sum of a geometric number of exponential services is exponential again.
    """
    assert mean_sojourn("immediate(max_attempts=1000)", "in_place") == pytest.approx(5.0, rel=0.08)


@pytest.mark.rule("H7")
def test_requeued_at_once_a_message_needs_as_long_as_retried_in_place():
    """Record feedback.0.6.0.2.W again: the mean does not depend on who waits where."""
    assert mean_sojourn("immediate(max_attempts=1000)", "requeue") == pytest.approx(5.0, rel=0.08)


def mean_sojourn(retry, where):
    trace = execute(
        world(
            seed=6,
            messages=25_000,
            drain=True,
            drain_timeout="1d",
            producer={"rate": 0.6},
            consumer={
                "service": "exponential(1s)",
                "error_probability": 0.2,
                "retry": retry,
                "retry_where": where,
            },
        )
    )
    rows = copies(trace)
    return float(((rows["settled_at"] - rows["stored_at"]) / SECOND).mean())


@pytest.mark.rule("H6", "H8")
def test_limited_retries_in_place_are_an_mg1_queue():
    """Pollaczek-Khinchine with a service of 1, 2 or 3 exponentials; p^3 = 2.7 % are given up."""
    p, stages = 0.3, np.array([1, 2, 3])
    shares = np.array([1 - p, p * (1 - p), p * p])
    mean = float(shares @ stages)
    second = float(shares @ (stages * (stages + 1)))  # E[S^2] of an Erlang with rate 1
    expected = theory.mg1(
        arrival_rate=0.5, mean_service=mean, service_scv=second / mean**2 - 1
    ).mean_sojourn
    trace = execute(
        world(
            seed=7,
            messages=25_000,
            drain=True,
            drain_timeout="1d",
            producer={"rate": 0.5},
            consumer={
                "service": "exponential(1s)",
                "error_probability": p,
                "retry": "immediate(max_attempts=3)",
            },
        )
    )
    rows = copies(trace)
    sojourn = ((rows["settled_at"] - rows["stored_at"]) / SECOND).mean()
    assert sojourn == pytest.approx(expected, rel=0.08)
    assert binomial((rows["state"] == CopyState.DISCARDED).mean(), 0.027, 25_000)


@pytest.mark.rule("H9")
def test_a_budget_bounds_the_amplification():
    """Everything fails: without a budget 4 calls a message, with a tenth of a token 1.1."""
    calls = {}
    for budget in ("", ", budget_ratio=0.1"):
        trace = execute(
            world(
                seed=8,
                messages=2000,
                drain=True,
                producer={"rate": "10/s"},
                consumer={
                    "service": "1ms",
                    "error_probability": 1,
                    "retry": f"fixed(10ms, max_attempts=4{budget})",
                },
            )
        )
        calls[budget] = int(deliveries(trace)["tries"].sum())
    assert calls[""] == 8000
    # The bucket was full when it began, and what lies in it at the end is less than a token.
    assert calls[", budget_ratio=0.1"] == 2000 + 200 + 10 - 1


@pytest.mark.rule("H3")
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"retry_where": "requeue"}, "only with retry"),
        ({"retry": "immediate"}, "would never end"),
        ({"retry": "list([1s, 0s])"}, "would never end"),
        ({"retry": "fixed(1s)", "retry_where": "requeue", "subscription": LEASE}, "in order"),
        ({"retry": "fixed(1s)", "retry_where": "requeue", "settle": "before"}, "settle: after"),
        ({"retry_channel": "queue"}, "only with retry_where: channel"),
        ({"retry": "fixed(1s)", "retry_where": "channel"}, "is missing"),
        (
            {"retry": "fixed(1s)", "retry_where": "channel", "retry_channel": "other"},
            "must read 'other' too",
        ),
        ({"on_exhausted": "leave", "subscription": LEASE}, "needs leases on deliveries"),
        ({"on_exhausted": "release", "settle": "before"}, "settle: after"),
        ({"batch_max_messages": 5, "retry": "fixed(1s)"}, "not tried again in_place"),
        ({"circuit_breaker": {}, "on_exhausted": "release"}, "while_open: pause"),
        ({"error_probability": "120%"}, "from 0 to 1"),
        ({"timeout": "0s"}, "above 0s"),
        ({"circuit_breaker": {"failure_rate": 0}}, "above 0"),
    ],
)
def test_what_contradicts_itself_is_refused(changes, message):
    with pytest.raises(ScenarioError, match=message):
        world(duration=1, producer={"rate": 1}, consumer={"service": "1ms", **changes})

"""How a run ends: at its duration, when its messages are created, or when all of them are done."""

from __future__ import annotations

import gc
import itertools
import signal
import time
from typing import Any

import pytest

from eda_sim.engine.execute import execute
from eda_sim.engine.trace import CopyState, MessageStatus, Outcome
from eda_sim.spec import Scenario
from tests.engine.worlds import SECOND, at, copies, count, deliveries, messages, seconds, world


def regular(**settings: Any) -> Scenario:
    """Return a message every second, each of which takes 700 ms."""
    return world(
        producer={"arrivals": "constant(interval=1s)", **settings.pop("producer", {})},
        consumer={"service": "700ms", **settings.pop("consumer", {})},
        **settings,
    )


# Duration -----------------------------------------------------------------------------------------


@pytest.mark.rule("R7")
def test_what_falls_on_the_end_is_outside():
    trace = execute(regular(duration="5s"))
    assert trace.ended_at_ns == 5 * SECOND
    assert seconds(messages(trace)["created_at"]) == [1, 2, 3, 4]
    # Work that would be finished at the very end is not.
    late = execute(regular(duration="4.7s"))
    assert deliveries(late)["outcome"].tolist() == [Outcome.OK] * 3 + [Outcome.UNFINISHED]
    assert late.ended_at_ns == 4.7 * SECOND
    assert deliveries(execute(regular(duration="4700000001ns")))["effect"].tolist() == [1, 1, 1, 1]


@pytest.mark.rule("R7")
def test_what_is_unfinished_is_pending_and_not_lost():
    scenario = regular(duration="5.5s", consumer={"service": "2s"})
    trace = execute(scenario)
    counted = count(trace)
    # Done at 3 s and 5 s; one in work; two wait.
    assert (counted.once, counted.pending, counted.lost) == (2, 3, 0)
    assert copies(trace)["state"].tolist() == [
        CopyState.ACKNOWLEDGED,
        CopyState.ACKNOWLEDGED,
        CopyState.ACQUIRED,
        CopyState.AVAILABLE,
        CopyState.AVAILABLE,
    ]
    assert messages(trace)["created_at"].tolist()[-1] == 5 * SECOND


@pytest.mark.rule("R7")
def test_what_is_on_its_way_at_the_end_is_nowhere_yet():
    trace = execute(regular(duration="5.5s", producer={"link": {"latency": "2s"}}))
    table = messages(trace)
    assert seconds(table["stored_at"])[:3] == [3, 4, 5]
    assert table["copies"].tolist() == [1, 1, 1, 0, 0]
    assert table["status"].tolist()[3:] == [MessageStatus.IN_FLIGHT] * 2


@pytest.mark.rule("R7")
def test_the_series_ends_before_the_end():
    trace = execute(regular(duration="5s", sample_every="1s"))
    assert seconds(trace.series["time"]) == [0, 1, 2, 3, 4]


@pytest.mark.rule("R7")
def test_a_fault_that_outlives_the_run_has_no_end():
    scenario = regular(duration="5s", faults=[{"crash": "server", "at": "4s", "lasts": "1s"}])
    trace = execute(scenario)
    assert trace.faults["ended_at"].tolist() == [-1]
    after = scenario.replace({"faults.0.at": "5s"})
    assert len(execute(after).faults["fault"]) == 0


@pytest.mark.rule("R7")
def test_a_very_short_run_ends():
    # Its series would be sampled more often than once in a nanosecond.
    trace = execute(regular(duration="50ns"))
    assert trace.ended_at_ns == 50
    assert len(trace.messages["key"]) == 0
    assert len(trace.series["time"]) == 50


# Messages -----------------------------------------------------------------------------------------


@pytest.mark.rule("R7")
def test_without_draining_the_last_message_ends_the_run():
    trace = execute(regular(messages=4))
    assert trace.ended_at_ns == 4 * SECOND
    assert count(trace).pending == 1
    # It is taken up in the instant in which it is created.
    assert deliveries(trace)["started_at"].tolist()[-1] == 4 * SECOND


@pytest.mark.rule("R7")
def test_with_draining_the_last_effect_ends_the_run():
    trace = execute(regular(messages=4, drain=True))
    assert trace.ended_at_ns == 4.7 * SECOND
    assert count(trace).once == 4


@pytest.mark.rule("R7")
def test_messages_are_counted_over_all_producers():
    scenario = Scenario.model_validate(
        {
            "name": "two",
            "messages": 10,
            "drain": True,
            "producers": {
                "quick": {"to": "queue", "arrivals": "constant(interval=1s)"},
                "slow": {"to": "queue", "arrivals": "constant(interval=2500ms)"},
            },
            "channels": {"queue": {}, "out": {}},
            "consumers": {"server": {"reads": "queue", "service": "10ms", "emits": "out"}},
        }
    )
    trace = execute(scenario)
    sources = messages(trace)["source"].tolist()
    # In 7.5 s: seven of the one, three of the other. What consumers emit does not count.
    assert (sources.count(0), sources.count(1), sources.count(2)) == (7, 3, 10)


@pytest.mark.rule("R7")
@pytest.mark.parametrize(
    ("bounds", "created"),
    [
        ({"messages": 3}, [1, 2, 3]),
        ({"stop": "3s"}, [1, 2]),  # a message that falls on the stop is outside
        ({"start": "4s"}, [5, 6, 7, 8, 9]),
        ({"start": "4s", "stop": "6500ms"}, [5, 6]),
        ({"start": "4s", "stop": "9s", "messages": 1}, [5]),
        ({"stop": "500ms"}, []),
    ],
)
def test_a_producer_has_bounds_of_its_own(bounds, created):
    trace = execute(regular(duration="10s", producer=bounds))
    assert seconds(messages(trace)["created_at"]) == created
    assert trace.ended_at_ns == 10 * SECOND


@pytest.mark.rule("R7")
def test_a_run_ends_when_its_producers_can_create_no_more():
    # Asked for a hundred messages, but the producer stops after three.
    trace = execute(regular(messages=100, drain=True, producer={"messages": 3}))
    assert len(trace.messages["key"]) == 3
    assert trace.ended_at_ns == 3.7 * SECOND


@pytest.mark.rule("R7")
def test_the_earlier_of_two_bounds_counts():
    assert execute(regular(duration="10s", messages=4)).ended_at_ns == 4 * SECOND
    assert execute(regular(duration="3500ms", messages=4)).ended_at_ns == 3.5 * SECOND


# Draining -----------------------------------------------------------------------------------------


@pytest.mark.rule("R8")
def test_draining_goes_on_until_everything_is_done():
    scenario = regular(duration="10s", drain=True, consumer={"service": "2s"})
    trace = execute(scenario)
    # Messages 1 s to 9 s, two seconds each: done at 19 s.
    assert trace.ended_at_ns == 19 * SECOND
    assert count(trace).once == 9
    assert messages(trace)["created_at"].max() < 10 * SECOND


@pytest.mark.rule("R8")
def test_draining_waits_for_what_was_emitted():
    scenario = Scenario.model_validate(
        {
            "name": "chain",
            "messages": 2,
            "drain": True,
            "producers": {"source": {"to": "a", "arrivals": at(0, 1)}},
            "channels": {"a": {}, "b": {}},
            "consumers": {
                "front": {"reads": "a", "service": "1s", "emits": "b"},
                "back": {"reads": "b", "service": "5s"},
            },
        }
    )
    trace = execute(scenario)
    assert trace.ended_at_ns == 11 * SECOND
    assert count(trace, "back").once == 2


@pytest.mark.rule("R8")
def test_draining_waits_for_handlers_whose_message_is_settled():
    # Acknowledged before the work: settled at once, but the run goes on until the work is done.
    for scope in ("delivery", "partition"):
        scenario = world(
            messages=5,
            drain=True,
            producer={"arrivals": at(1, 1, 1, 1, 1)},
            consumer={
                "service": "1s",
                "settle": "before",
                "subscription": {"lease_scope": scope, "fetch_max_messages": 10},
            },
        )
        trace = execute(scenario)
        assert trace.ended_at_ns == 6 * SECOND
        assert count(trace).once == 5


@pytest.mark.rule("R8")
def test_draining_waits_for_a_second_handler():
    # The first one settles the message; the second one still makes it a duplicate.
    scenario = world(
        messages=1,
        drain=True,
        producer={"arrivals": at(0)},
        consumer={"service": "1s", "instances": 2, "subscription": {"lease_timeout": "700ms"}},
    )
    trace = execute(scenario)
    assert trace.ended_at_ns == 1.7 * SECOND
    assert count(trace).duplicated == 1


@pytest.mark.rule("R8")
def test_draining_without_consumers_waits_for_the_store():
    scenario = Scenario.model_validate(
        {
            "name": "sink",
            "messages": 3,
            "drain": True,
            "producers": {
                "source": {"to": "queue", "arrivals": at(1, 2, 3), "link": {"latency": "2s"}}
            },
            "channels": {"queue": {"append": {"per_message": "500ms"}}},
        }
    )
    trace = execute(scenario)
    assert trace.ended_at_ns == 5.5 * SECOND
    assert seconds(trace.messages["stored_at"]) == [3.5, 4.5, 5.5]


@pytest.mark.rule("R8")
@pytest.mark.parametrize("production_ends", [4, 10])
def test_draining_has_a_bound(production_ends):
    # Nothing is ever finished: leases of 1 s, work of 2 s, late acknowledgements refused. The bound
    # counts from the end of the duration, or of production without one.
    end = {"messages": 4} if production_ends == 4 else {"duration": "10s"}
    scenario = regular(
        **end,
        drain=True,
        drain_timeout="30s",
        consumer={
            "service": "2s",
            "subscription": {"lease_timeout": "1s", "late_acknowledgement": "refused"},
        },
    )
    trace = execute(scenario)
    assert trace.ended_at_ns == (production_ends + 30) * SECOND
    assert set(copies(trace)["settled_at"]) == {-1}


# Progress and interruption ------------------------------------------------------------------------

LONG = world(duration="200s", producer={"rate": "50/s"}, consumer={"service": "exponential(15ms)"})
RUNS = {
    "duration": LONG,
    "drain": LONG.replace({"drain": True, "producers.source.rate": "80/s"}),
    "messages": LONG.replace({"duration": None, "messages": 8000}),
    "both": LONG.replace({"messages": 4000}),
}


@pytest.mark.parametrize("kind", RUNS)
def test_progress_goes_from_nothing_to_one_and_changes_nothing(kind):
    shares: list[float] = []
    with_progress = execute(RUNS[kind], progress=shares.append)
    assert with_progress.digest() == execute(RUNS[kind]).digest()
    assert len(shares) > 5
    assert shares == sorted(shares)
    assert 0 <= shares[0] < 0.2
    assert shares[-1] == 1


def test_progress_follows_simulated_time():
    shares: list[float] = []
    execute(LONG, progress=shares.append)
    steps = [after - before for before, after in itertools.pairwise(shares)]
    assert max(steps) < 0.02


class Stop(Exception):
    """Raised by a test in the middle of a run."""


def test_a_run_can_be_stopped_from_its_progress():
    shares: list[float] = []

    def stop_halfway(share: float) -> None:
        shares.append(share)
        if share >= 0.5:
            raise Stop

    with pytest.raises(Stop):
        execute(LONG, progress=stop_halfway)
    assert shares[-1] == pytest.approx(0.5, abs=0.01)
    # The next run is whole again.
    assert execute(LONG).ended_at_ns == 200 * SECOND


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs a timer of the system")
def test_ctrl_c_reaches_the_caller_wherever_the_run_is():
    # The interrupt comes from outside, in the middle of whatever the engine is doing.
    endless = LONG.replace({"duration": "1d"})

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    execute(LONG)  # everything that is slow the first time is behind us
    # What is raised in a callback of the collector is swallowed, and libraries of tests have some.
    callbacks, gc.callbacks[:] = gc.callbacks[:], []
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        for after in (0.05, 0.11, 0.23):
            started = time.perf_counter()
            signal.setitimer(signal.ITIMER_REAL, after)
            with pytest.raises(KeyboardInterrupt):
                execute(endless)
            assert time.perf_counter() - started < after + 2
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        gc.callbacks[:] = callbacks

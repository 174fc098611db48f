"""Preemption: what is more urgent interrupts a handler, which goes on where it stopped."""

import pytest

from eda_sim.analysis.lag import busy_steps
from eda_sim.engine.execute import execute
from eda_sim.engine.trace import Outcome
from eda_sim.simulation import run
from eda_sim.spec import Scenario, ScenarioError
from tests.engine.breaking import broken_by
from tests.engine.worlds import at, deliveries, seconds
from tests.traces import tampered

pytestmark = pytest.mark.rule("H25")


def urgent(arrivals, *, subscription=None, consumer=None, **settings):
    """Return a world in which messages come at given times: {priority: times}."""
    return Scenario.model_validate(
        {
            "name": "urgent",
            "duration": "60s",
            "producers": {
                f"class{priority}": {"to": "queue", "arrivals": at(*times), "priority": priority}
                for priority, times in arrivals.items()
            },
            "channels": {"queue": {}},
            "consumers": {
                "server": {
                    "reads": "queue",
                    "service": "4s",
                    "preemptive": True,
                    "subscription": {"delivery": "push", "priorities": 3, **(subscription or {})},
                    **(consumer or {}),
                }
            },
            **settings,
        }
    )


def spans(trace):
    """Return when each delivery was begun and finished, and on which level, by hand-over."""
    rows = deliveries(trace)
    return list(
        zip(seconds(rows["started_at"]), seconds(rows["finished_at"]), rows["worker"], strict=True)
    )


def test_what_is_interrupted_goes_on_where_it_stopped():
    trace = execute(urgent({0: [1], 1: [2], 2: [3]}))
    # 1 s of the first, 1 s of the second, all of the third; then 3 s and 3 s that are left.
    assert spans(trace) == [(1.0, 13.0, 0), (2.0, 10.0, 1), (3.0, 7.0, 2)]


def test_only_a_higher_priority_interrupts():
    trace = execute(urgent({1: [1, 2], 0: [1.5]}))
    assert spans(trace) == [(1.0, 5.0, 0), (9.0, 13.0, 0), (5.0, 9.0, 0)]
    # A priority above the highest counts as the highest.
    assert spans(execute(urgent({2: [1], 7: [2]}))) == [(1.0, 5.0, 0), (5.0, 9.0, 0)]


def test_what_waits_goes_before_what_was_interrupted_only_if_it_is_more_urgent():
    trace = execute(urgent({0: [1], 2: [2], 1: [3]}))
    # The one of priority 1 waits for the second, and then goes before the first.
    assert spans(trace) == [(1.0, 13.0, 0), (2.0, 6.0, 1), (6.0, 10.0, 1)]
    same = execute(urgent({0: [1, 2], 2: [3]}))
    assert spans(same) == [(1.0, 9.0, 0), (9.0, 13.0, 0), (3.0, 7.0, 1)]


def test_only_what_has_been_sent_interrupts():
    two = {"max_outstanding": 2}
    trace = execute(urgent({0: [1, 1], 1: [2]}, subscription=two))
    # There is credit for two: the third comes when the first is done.
    assert spans(trace) == [(1.0, 5.0, 0), (9.0, 13.0, 0), (5.0, 9.0, 0)]


def test_what_comes_because_something_was_settled_before_interrupts_it():
    two = {"max_outstanding": 2}
    trace = execute(
        urgent({0: [1, 1, 1], 1: [1.5]}, subscription=two, consumer={"settle": "before"})
    )
    # Settling the second gives credit for the urgent one, which comes before any work is done.
    assert spans(trace) == [(1.0, 5.0, 0), (5.0, 13.0, 0), (13.0, 17.0, 0), (5.0, 9.0, 1)]


def test_an_interrupted_handler_goes_on_after_a_pause():
    pause = [{"pause": "server", "at": "3s", "lasts": "10s"}]
    trace = execute(urgent({0: [1], 1: [5]}, faults=pause))
    # 2 s done before the pause; what came meanwhile is begun first.
    assert spans(trace) == [(1.0, 19.0, 0), (13.0, 17.0, 1)]


def test_a_crash_loses_what_was_interrupted_too():
    crash = [{"crash": "server", "at": "3s", "lasts": "1s"}]
    trace = execute(urgent({0: [1], 1: [2]}, faults=crash))
    rows = deliveries(trace)
    assert (rows["outcome"] == Outcome.CRASHED).tolist() == [True, True, False, False]
    # Both come again, as new attempts: all of their work is to be done once more.
    assert spans(trace)[2:] == [(4.0, 8.0, 0), (8.0, 12.0, 0)]


def test_a_stop_lets_what_was_interrupted_finish():
    stop = [{"stop": "server", "at": "3s"}]
    rows = deliveries(execute(urgent({0: [1, 1.5], 1: [2]}, faults=stop)))
    assert seconds(rows["finished_at"][[0, 2]]) == [9.0, 6.0]
    # What nobody has begun is given back.
    assert rows["worker"].tolist() == [0, -1, 1]


def test_a_time_out_is_noticed_when_the_handler_goes_on():
    trace = execute(urgent({0: [1], 1: [2]}, consumer={"timeout": "4500ms"}))
    assert spans(trace) == [(1.0, 6.0, 0), (2.0, 6.0, 1)]
    assert deliveries(trace)["effect"].tolist() == [0, 1]


def test_a_lease_runs_on_while_its_handler_is_interrupted():
    clock = {"lease_timeout": "5s", "max_deliveries": 1}
    trace = execute(urgent({0: [1], 1: [2]}, subscription=clock))
    rows = deliveries(trace)
    assert seconds(rows["lease_ended_at"]) == [6.0, 6.0]
    assert rows["effect"].tolist() == [1, 1]


def test_a_worker_that_interrupts_itself_is_one_busy_worker():
    finished = run(urgent({0: [1], 1: [2], 2: [3]}, duration="20s", sample_every="5s"))
    assert finished.utilization()["utilization"].tolist() == [12 / 20]
    steps = busy_steps(finished.tables, "server")
    assert steps[["time", "busy"]].to_numpy().tolist() == [[1.0, 1.0], [13.0, 0.0]]
    busy = finished.trace.series["busy"].tolist()
    assert set(busy) == {0, 1}
    counted = run(urgent({0: [1], 1: [2], 2: [3]}, duration="20s"), record="summary")
    assert counted.utilization()["utilization"].tolist() == [12 / 20]


@pytest.mark.parametrize(
    ("consumer", "subscription", "message"),
    [
        ({}, {"delivery": "pull"}, "needs delivery: push"),
        ({}, {"priorities": 1}, "needs priorities of 2 or more"),
        ({}, {"max_outstanding": 1}, "needs max_outstanding of 2 or more"),
        ({"concurrency": 2}, {}, "needs concurrency 1"),
        ({"batch_max_messages": 2}, {}, "not with batch_max_messages"),
        ({"retry": "fixed(base=1s)"}, {}, "not with retry_where: in_place"),
        ({"circuit_breaker": {"window": 5, "open_for": "1s"}}, {}, "not with a circuit_breaker"),
        ({"preemptive": "yes"}, {}, "preemptive"),
    ],
)
def test_what_would_have_no_meaning_is_refused(consumer, subscription, message):
    with pytest.raises(ScenarioError, match=message) as refused:
        urgent({0: [1]}, consumer=consumer, subscription=subscription)
    assert str(refused.value).count("consumers.server.preemptive") == 1


def test_handlers_that_take_their_own_time_are_refused():
    def own_time(event, context):
        yield context.timeout(1.0)

    with pytest.raises(ValueError, match="that of 'server' is a generator function"):
        execute(urgent({0: [1]}), handlers={"server": own_time})
    seen = []
    execute(urgent({0: [1], 1: [2]}), handlers={"server": lambda event, _: seen.append(event)})
    assert len(seen) == 2


def test_what_ends_although_something_more_urgent_waits_is_caught():
    scenario = urgent({1: [1, 2]})
    broken = tampered(execute(scenario), "messages", "priority", 0, 0)
    assert broken_by(broken, scenario) == "the_more_urgent_interrupts"


def test_what_interrupts_something_as_urgent_is_caught():
    scenario = urgent({1: [1, 2]})
    broken = tampered(execute(scenario), "deliveries", "worker", 1, 1)
    assert broken_by(broken, scenario) == "the_more_urgent_interrupts"

"""Failures that come only from work: clocks that stand still while nobody handles anything."""

import pytest

from eda_sim.engine.execute import execute
from eda_sim.spec import ScenarioError
from tests.engine.worlds import SECOND, at, deliveries, seconds, world


def broken(*faults, arrivals, consumer=None, duration="60s"):
    return world(
        duration=duration,
        producer={"arrivals": at(*arrivals)},
        consumer={"service": "2s", **(consumer or {})},
        faults=[{"mtbf": "3s", "mttr": "1s", "mtbf_counts": "operation", **f} for f in faults],
    )


def begins(trace, fault=0):
    chosen = trace.faults["fault"] == fault
    return seconds(trace.faults["started_at"][chosen])


@pytest.mark.rule("F18")
def test_only_time_at_work_counts():
    trace = execute(broken({"pause": "server"}, arrivals=(1, 10, 20)))
    # 2 s from 1 s on, and 1 s from 10 s on. Then the clock begins anew: the second that is left of
    # the work and these 2 s; it fails at the moment at which it would finish.
    assert begins(trace) == [11.0, 22.0]
    assert seconds(deliveries(trace)["finished_at"]) == [3.0, 13.0, 23.0]


@pytest.mark.rule("F18")
def test_who_never_works_never_fails():
    trace = execute(broken({"crash": "server"}, arrivals=(59.5,)))
    assert begins(trace) == []


@pytest.mark.rule("F18")
@pytest.mark.parametrize("other", ["pause", "hang"])
def test_a_clock_stands_still_with_its_instance(other):
    still = {"at": "1s", "lasts": "5s", "mtbf": None, "mttr": None, "mtbf_counts": "time"}
    scenario = broken(
        {"slow": "server", "factor": 2},
        {other: "server", **still},
        arrivals=(0,),
        consumer={"service": "10s"},
    )
    assert begins(execute(scenario))[0] == 8.0


@pytest.mark.rule("F18")
def test_of_several_workers_one_is_enough_and_two_count_once():
    workers = {"concurrency": 2, "service": "2s"}
    scenario = broken({"hang": "server"}, arrivals=(1, 1.5, 10), consumer=workers)
    # From 1 s to 3.5 s, then 0.5 s more.
    assert begins(execute(scenario)) == [10.5]


@pytest.mark.rule("F18")
def test_an_instance_counts_its_own_work_and_a_consumer_that_of_all():
    two = {"instances": 2, "service": "2s"}
    one = broken({"bug": "server/1", "probability": 1}, arrivals=(1, 1, 5), consumer=two)
    assert begins(execute(one)) == []
    every = broken({"bug": "server", "probability": 1}, arrivals=(1, 3, 9), consumer=two)
    # Two seconds of one instance, and the first of another.
    assert begins(execute(every)) == [4.0]


@pytest.mark.rule("F18")
def test_after_a_crash_the_clock_begins_anew_and_the_work_too():
    trace = execute(broken({"crash": "server"}, arrivals=(0,), consumer={"service": "3500ms"}))
    # Each attempt is cut off after 3 s of work; the next begins after the repair.
    assert begins(trace)[:4] == [3.0, 7.0, 11.0, 15.0]
    rows = deliveries(trace)
    assert seconds(rows["started_at"])[:4] == [0.0, 4.0, 8.0, 12.0]
    assert (rows["effect"] == 0).all()


@pytest.mark.rule("F18")
def test_what_is_due_when_another_fault_stops_the_clock_comes_after_it():
    pause = {"at": "3s", "lasts": "1s", "mtbf": None, "mttr": None, "mtbf_counts": "time"}
    first = broken({"pause": "server", **pause}, {"slow": "server", "factor": 2}, arrivals=(0, 0))
    trace = execute(first)
    assert trace.faults["started_at"].tolist()[:2] == [3 * SECOND, 4 * SECOND + 1]
    last = broken({"slow": "server", "factor": 2}, {"pause": "server", **pause}, arrivals=(0, 0))
    assert execute(last).faults["started_at"].tolist()[:2] == [3 * SECOND, 3 * SECOND]


@pytest.mark.rule("F18")
@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"crash": "source"}, "operation needs a consumer that works; source is none"),
        ({"crash": "queue"}, "operation needs a consumer that works; queue is none"),
        ({"pause": "server", "mtbf": None, "mttr": None, "at": "1s"}, "only with mtbf"),
        ({"loss": "server", "probability": 0.5}, "mtbf_counts"),
        ({"pause": "server", "mtbf_counts": "busy"}, "time"),
    ],
)
def test_what_has_no_clock_of_operation_is_refused(fault, message):
    with pytest.raises(ScenarioError, match=message) as refused:
        broken(fault, arrivals=(1,))
    assert "mtbf_counts" in str(refused.value)

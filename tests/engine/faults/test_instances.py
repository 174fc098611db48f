"""What faults do to the instances of a consumer: stop, pause, hang, slow down, fail."""

import numpy as np
import pytest

from eda_sim.engine.execute import execute
from eda_sim.engine.trace import CopyState, Outcome
from tests.engine.worlds import SECOND, at, copies, count, deliveries, messages, seconds, world

GROUP = {
    "lease_scope": "partition",
    "lease_timeout": "10s",
    "heartbeat_interval": "3s",
    "rebalance_protocol": "none",
    "static_membership": False,
}
PREFETCH = {"delivery": "push", "max_outstanding": 10}


def steady(fault, *, rate="10/s", instances=2, **consumer):
    """Return a consumer that has enough to do for 40 seconds, and one fault."""
    return world(
        duration="40s",
        drain=True,
        producer={"arrivals": f"constant({rate})"},
        channel={"partitions": 4},
        consumer={"service": "100ms", "instances": instances, **consumer},
        faults=[fault],
    )


def between(rows, column, begin, end):
    return rows[(rows[column] > begin * SECOND) & (rows[column] < end * SECOND)]


# Stop ------------------------------------------------------------------------------------------


@pytest.mark.rule("F6")
@pytest.mark.parametrize("settle", ["after", "before"])
@pytest.mark.parametrize("lease", [{}, PREFETCH, GROUP], ids=["pull", "prefetch", "group"])
def test_a_clean_stop_costs_nothing(lease, settle):
    fault = {"stop": "server/0", "mtbf": "exponential(3s)", "mttr": "1s"}
    trace = execute(steady(fault, rate="15/s", subscription=lease, settle=settle))
    counted = count(trace)
    assert counted.once == counted.messages == 599
    assert not (deliveries(trace)["outcome"] == Outcome.CRASHED).any()
    assert len(trace.faults["kind"]) > 5


@pytest.mark.rule("F6")
def test_a_crash_costs_what_a_stop_does_not():
    fault = {"crash": "server/0", "mtbf": "exponential(3s)", "mttr": "1s"}
    counted = count(execute(steady(fault, rate="15/s", subscription=PREFETCH, settle="before")))
    assert counted.lost > 0


@pytest.mark.rule("F6")
def test_a_stopped_instance_finishes_and_gives_back_what_it_has_not_begun():
    scenario = world(
        duration="20s",
        producer={"arrivals": at(1, 1.1, 1.2)},
        consumer={"service": "4s", "instances": 1, "subscription": PREFETCH},
        faults=[{"stop": "server", "at": "2s", "lasts": "5s"}],
    )
    trace = execute(scenario)
    rows = deliveries(trace)
    assert seconds(rows["started_at"][:1]) == [1.0]
    assert rows["outcome"].iloc[0] == Outcome.OK
    back = rows[1:3]
    assert (back["started_at"] == -1).all()
    assert seconds(back["lease_ended_at"]) == [2.0, 2.0]
    assert seconds(rows["acquired_at"][3:]) == [7.0, 7.0]  # it comes up again
    up = trace.series["up"]
    time = trace.series["time"] / SECOND
    assert up[time < 5].min() == 1  # it is there as long as it has work
    assert set(up[(time >= 5) & (time < 7)]) == {0}


@pytest.mark.rule("F6")
def test_a_member_that_stops_is_not_waited_for():
    taken_over = {}
    for kind in ("stop", "crash"):
        fault = {kind: "server/0", "at": "10s"}
        rows = deliveries(execute(steady(fault, subscription=GROUP)))
        waits = between(rows, "available_at", 10, 12)
        taken_over[kind] = (waits["acquired_at"] - waits["available_at"]).max() / SECOND
    assert taken_over["stop"] < 1
    assert 5 < taken_over["crash"] <= 10


# Pause -----------------------------------------------------------------------------------------


@pytest.mark.rule("F7")
def test_a_paused_handler_goes_on_where_it_stood():
    scenario = world(
        duration="20s",
        producer={"arrivals": at(1, 2, 9)},
        consumer={"service": "4s", "instances": 1, "concurrency": 2},
        faults=[{"pause": "server", "at": "3s", "lasts": "2.5s"}],
    )
    rows = deliveries(execute(scenario))
    assert seconds(rows["finished_at"]) == [7.5, 8.5, 13.0]
    assert (rows["outcome"] == Outcome.OK).all()


@pytest.mark.rule("F7")
@pytest.mark.parametrize(("lasts", "is_missed"), [(5, False), (20, True)])
def test_a_pause_longer_than_the_session_costs_the_partitions(lasts, is_missed):
    fault = {"pause": "server/0", "at": "9.85s", "lasts": f"{lasts}s"}
    trace = execute(steady(fault, subscription=GROUP))
    rows = deliveries(trace)
    handed_over_again = rows[rows["attempt"] > 1]
    assert bool(len(handed_over_again)) == is_missed
    # A zombie: after the pause it takes effect what somebody else did meanwhile.
    assert bool(count(trace).duplicated) == is_missed
    own = rows[rows["instance"] == 0]
    assert between(own, "finished_at", 9.85, 9.85 + lasts).empty
    assert (between(own, "started_at", 10 + lasts, 40)["outcome"] == Outcome.OK).any()


@pytest.mark.rule("F7")
def test_a_time_out_is_noticed_after_the_pause():
    scenario = world(
        duration="20s",
        producer={"arrivals": at(1)},
        consumer={"service": "4s", "timeout": "5s"},
        faults=[{"pause": "server", "at": "2s", "lasts": "10s"}],
    )
    (row,) = deliveries(execute(scenario)).itertuples()
    assert (row.outcome, row.finished_at) == (Outcome.DEAD, 12 * SECOND)


@pytest.mark.rule("F10")
def test_work_is_counted_in_whole_nanoseconds():
    rows = []
    for faults in (
        [],
        [{"pause": "server", "mtbf": "exponential(70ms)", "mttr": "1ns"}],
        [{"slow": "server", "factor": 1, "mtbf": "exponential(70ms)", "mttr": "exponential(5ms)"}],
    ):
        scenario = world(
            duration="20s",
            producer={"arrivals": "constant(interval=100ms)"},
            consumer={"service": "exponential(30ms)", "concurrency": 20},
            faults=faults,
        )
        trace = execute(scenario)
        table = deliveries(trace)
        rows.append((table["finished_at"] - table["started_at"]).to_numpy())
        pauses = np.sort(trace.faults["started_at"])
    plain, paused, at_factor_one = rows
    assert (plain == at_factor_one).all()
    assert pauses.size > 100
    assert (paused >= plain).all()
    assert (paused - plain).max() <= 10  # as many as there were pauses of one nanosecond
    assert (paused > plain).sum() > 10


@pytest.mark.slow
@pytest.mark.rule("F10")
def test_breakdowns_at_any_time_make_a_queue_longer_as_they_should():
    # Oracle breakdown.mm1.anytime.0.6.0.1.2.0 (Avi-Itzhak & Naor 1963), preemptive resume.
    scenario = world(
        messages=30_000,
        drain=True,
        producer={"rate": "0.6/s"},
        consumer={"service": "exponential(1s)"},
        faults=[{"pause": "server", "mtbf": "exponential(10s)", "mttr": "exponential(2s)"}],
    )
    means = []
    for replication in range(6):
        trace = execute(scenario, replication=replication)
        rows = deliveries(trace)
        means.append((rows["finished_at"] - messages(trace)["created_at"]).mean() / SECOND)
    error = np.std(means, ddof=1) / np.sqrt(len(means))
    assert abs(np.mean(means) - 5.476190476190475) < max(4 * error, 0.05)
    assert error < 0.25


# Hang ------------------------------------------------------------------------------------------


@pytest.mark.rule("F8")
def test_nobody_misses_a_member_that_hangs_but_the_poll_interval():
    hang = {"hang": "server/0", "at": "10s", "lasts": "25s"}
    stuck = execute(steady(hang, subscription=GROUP))
    rows = deliveries(stuck)
    assert (rows["attempt"] == 1).all()  # heartbeats go on, so its partitions wait with it
    own = between(rows[rows["instance"] == 0], "started_at", 10, 35)
    assert own.empty
    found = execute(steady(hang, subscription={**GROUP, "max_poll_interval": "6s"}))
    again = deliveries(found)
    again = again[again["attempt"] > 1]
    assert len(again)
    assert 15 * SECOND < again["acquired_at"].min() < 18 * SECOND


@pytest.mark.rule("F8")
def test_a_lease_on_a_delivery_finds_a_handler_that_hangs():
    scenario = world(
        duration="30s",
        producer={"arrivals": at(1)},
        consumer={"service": "2s", "instances": 2, "subscription": {"lease_timeout": "5s"}},
        faults=[{"hang": "server/0", "at": "2s", "lasts": "10s"}],
    )
    first, second = deliveries(execute(scenario)).itertuples()
    assert (second.instance, second.acquired_at, second.effect) == (1, 6 * SECOND, 1)
    assert (first.finished_at, first.effect) == (13 * SECOND, 1)  # and then it wakes up


@pytest.mark.rule("F8")
def test_a_time_out_ends_a_handler_that_hangs():
    scenario = world(
        duration="20s",
        producer={"arrivals": at(1)},
        consumer={"service": "4s", "timeout": "5s"},
        faults=[{"hang": "server", "at": "2s", "lasts": "10s"}],
    )
    (row,) = deliveries(execute(scenario)).itertuples()
    assert (row.outcome, row.finished_at) == (Outcome.DEAD, 6 * SECOND)


# Slow ------------------------------------------------------------------------------------------


@pytest.mark.rule("F9")
def test_work_in_progress_slows_down_and_speeds_up():
    scenario = world(
        duration="30s",
        producer={"arrivals": at(1)},
        consumer={"service": "4s"},
        faults=[{"slow": "server", "factor": 3, "at": "2s", "lasts": "6s"}],
    )
    (row,) = deliveries(execute(scenario)).itertuples()
    # 1 s of work until 2 s, 2 s of work until 8 s, the last second until 9 s.
    assert row.finished_at == 9 * SECOND


@pytest.mark.rule("F9")
def test_capacity_is_workers_over_service_time():
    # RabbitMQ blog 2020-06-22: 200 consumers whose work takes 30 ms instead of 10 ms handle 6.6k
    # messages a second instead of 20k.
    trace = execute(
        world(
            duration="600ms",
            producer={"arrivals": "constant(25000/s)"},
            consumer={"service": "10ms", "instances": 200},
            faults=[{"slow": "server", "factor": 3, "at": "300ms"}],
        )
    )
    done = deliveries(trace)["finished_at"] / SECOND
    before = ((done > 0.1) & (done <= 0.3)).sum() / 0.2
    after = ((done > 0.36) & (done <= 0.6)).sum() / 0.24
    assert before == pytest.approx(20_000, rel=0.01)
    assert after == pytest.approx(20_000 / 3, rel=0.01)


@pytest.mark.rule("F9")
def test_one_slow_instance_of_many_is_a_tail():
    fault = {"slow": "server/0", "factor": 20, "at": "10s"}
    trace = execute(steady(fault, rate="30/s", instances=8))
    rows = deliveries(trace)
    took = (rows["finished_at"] - messages(trace)["created_at"].to_numpy()) / SECOND
    late = took[rows["started_at"] > 10 * SECOND]
    assert np.median(late) == pytest.approx(0.1)
    assert late.max() == pytest.approx(2.0)


@pytest.mark.rule("F9")
def test_slow_handlers_run_into_their_time_outs():
    fault = {"slow": "server", "factor": 3, "at": "10s", "lasts": "10s"}
    rows = deliveries(execute(steady(fault, rate="2/s", timeout="250ms")))
    failed = rows[rows["outcome"] == Outcome.DEAD]
    assert len(failed)
    assert failed["started_at"].between(9.9 * SECOND, 20 * SECOND).all()
    assert (failed["finished_at"] - failed["started_at"]).max() == SECOND // 4


# Bug -------------------------------------------------------------------------------------------


@pytest.mark.rule("F11")
def test_a_bug_lets_attempts_fail_while_it_is_there():
    fault = {"bug": "server/1", "probability": 0.5, "at": "10s", "lasts": "20s"}
    trace = execute(steady(fault, rate="30/s", instances=4))
    rows = deliveries(trace)
    failed = rows["outcome"] == Outcome.DEAD
    assert set(rows["instance"][failed]) == {1}
    assert rows["finished_at"][failed].between(10 * SECOND, 30 * SECOND).all()
    there = rows[(rows["instance"] == 1) & rows["finished_at"].between(10 * SECOND, 30 * SECOND)]
    assert (there["outcome"] == Outcome.DEAD).mean() == pytest.approx(0.5, abs=0.15)
    assert (copies(trace)["state"][failed.to_numpy()] == CopyState.DISCARDED).all()


# Outage ----------------------------------------------------------------------------------------


@pytest.mark.rule("F4", "F7")
@pytest.mark.parametrize("kind", ["crash", "pause"])
def test_an_outage_drains_as_fluid_does(kind):
    # Oracles drain.*: backlog rate * outage, drained in rate * outage / (capacity - rate), and the
    # mean delay is half the outage. Here rate 8/s, capacity 10/s, outage 60 s.
    scenario = world(
        duration="400s",
        producer={"arrivals": "constant(8/s)"},
        consumer={"service": "100ms"},
        faults=[{kind: "server", "at": "20s", "lasts": "60s"}],
        sample_every="1s",
    )
    trace = execute(scenario)
    lag = trace.series["available"] + trace.series["acquired"]
    time = trace.series["time"] / SECOND
    assert abs(lag[time == 80].max() - 480) <= 1
    rows = deliveries(trace)
    rows = rows[rows["outcome"] == Outcome.OK]
    created = messages(trace)["created_at"].loc[rows["message_id"]].to_numpy()
    took = (rows["finished_at"] - created) / SECOND
    drained = created[(took <= 0.11).to_numpy() & (created > 20 * SECOND)].min() / SECOND
    assert drained - 80 == pytest.approx(240, abs=2)
    assert took[(created >= 20 * SECOND) & (created < drained * SECOND)].mean() == pytest.approx(
        30, rel=0.01
    )

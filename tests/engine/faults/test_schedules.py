"""When faults happen: once or again and again, each by its own numbers, one in the other."""

import itertools

import numpy as np
import pandas as pd
import pytest

from eda_sim.engine.execute import execute
from eda_sim.engine.plan import make_plan
from eda_sim.engine.reference.model import Model
from eda_sim.engine.reference.schedules import FOREVER, Schedule
from eda_sim.engine.reference.users import UserCode
from eda_sim.engine.trace import NEVER
from tests.engine.worlds import SECOND, at, deliveries, seconds, world


def schedules(scenario, seed=None) -> list[Schedule]:
    plan = make_plan(scenario, seed=seed)
    return Model(plan, UserCode(plan.names, {}, {})).schedules


def faults(trace) -> pd.DataFrame:
    return pd.DataFrame(trace.faults)


def spans(scenario, **options) -> list[tuple[float, float]]:
    rows = faults(execute(scenario, **options))
    return list(zip(seconds(rows["started_at"]), seconds(rows["ended_at"]), strict=True))


def broken(*written, instances=2, **settings):
    return world(
        **{"duration": "100s", **settings},
        producer={"arrivals": "constant(10/s)"},
        consumer={"service": "10ms", "instances": instances},
        faults=list(written),
    )


@pytest.mark.rule("F1")
def test_once_at_a_time_for_a_while_or_for_ever():
    rows = faults(
        execute(
            broken(
                {"crash": "server/1", "at": "20s", "lasts": "5s"},
                {"slow": "server", "factor": 2, "at": "90s"},
                {"pause": "server", "at": "200s"},
            )
        )
    )
    assert seconds(rows["started_at"]) == [20.0, 90.0]
    assert rows["ended_at"].tolist() == [25 * SECOND, NEVER]
    assert rows["instance"].tolist() == [1, -1]
    assert rows["occurrence"].tolist() == [0, 0]


@pytest.mark.rule("F1")
def test_again_and_again_the_share_of_time_that_is_left_is_mtbf_over_mtbf_and_mttr():
    # Oracle avail.mtbf: up 720 h, down 1.5 h in the mean, so up 0.997920998 of the time.
    fault = {"crash": "server", "mtbf": "exponential(720h)", "mttr": "erlang(mean=1.5h, stages=2)"}
    (schedule,) = schedules(broken(fault))
    chosen = list(itertools.islice(schedule.occurrences(), 20_000))
    starts, ends = np.array(chosen[: len(chosen)], dtype=np.int64).T
    down = (ends - starts).sum()
    assert 1 - down / ends[-1] == pytest.approx(0.997920997920998, abs=1e-4)
    assert (starts[1:] > ends[:-1]).all()
    # Exponential times between faults: the standard deviation is the mean.
    up = np.diff(starts) - (ends - starts)[:-1]
    assert up.std() / up.mean() == pytest.approx(1, rel=0.05)


@pytest.mark.rule("F1")
def test_at_the_start_everything_is_up():
    # Oracle avail.inst: fail 0.01/s, repair 0.5/s; up 3 s after the start with 0.98463795.
    fault = {"mtbf": "exponential(100s)", "mttr": "exponential(2s)"}
    scenario = broken(*({"crash": f"server/{i}", **fault} for i in range(500)), instances=500)
    there = [
        schedule.is_there(3 * SECOND)
        for seed in range(24)
        for schedule in schedules(scenario, seed)
    ]
    expected = 1 - 0.9846379542610981
    assert np.mean(there) == pytest.approx(expected, abs=4 * np.sqrt(expected / len(there)))
    assert not any(schedule.is_there(0) for schedule in schedules(scenario))


@pytest.mark.rule("F1")
def test_a_schedule_can_be_asked_in_any_order():
    fault = {"crash": "server", "mtbf": "exponential(10s)", "mttr": "uniform(1s, 3s)"}
    (ahead,), (along,) = schedules(broken(fault)), schedules(broken(fault))
    ahead.over(10**13)
    for start, end in itertools.islice(along.occurrences(), 200):
        assert ahead.over(start - 1) == start - 1
        assert ahead.over(start) == ahead.over(end - 1) == end
        assert not ahead.is_there(end)
    (for_ever,) = schedules(broken({"crash": "server", "at": "1s"}))
    assert for_ever.over(SECOND) == FOREVER


@pytest.mark.rule("F2")
def test_another_fault_moves_neither_faults_nor_messages():
    again = {"mtbf": "exponential(20s)", "mttr": "exponential(2s)"}
    first = {"crash": "server/0", **again}
    alone = spans(broken(first))
    assert len(alone) > 2
    more = broken({"slow": "server/1", "factor": 2, **again}, first, {"crash": "server/1", **again})
    rows = faults(execute(more))
    rows = rows[rows["fault"] == 1]
    both = list(zip(seconds(rows["started_at"]), seconds(rows["ended_at"]), strict=True))
    np.testing.assert_array_equal(both, alone)
    twice = faults(execute(broken(first, first)))
    assert twice["started_at"].nunique() == len(twice)  # equals are two, not one


@pytest.mark.rule("F3")
@pytest.mark.parametrize("kind", ["crash", "stop", "pause", "hang"])
def test_one_in_the_other_lasts_until_the_last_one_ends(kind):
    trace = execute(
        broken(
            {kind: "server/0", "at": "10s", "lasts": "10s"},
            {kind: "server", "at": "15s", "lasts": "10s"},
            {kind: "server/0", "at": "12s", "lasts": "1s"},
            duration="40s",
        )
    )
    rows = deliveries(trace)
    taken = rows[rows["instance"] == 0]["started_at"]
    assert not ((taken > 10 * SECOND) & (taken < 25 * SECOND)).any()
    assert ((taken >= 25 * SECOND) & (taken < 26 * SECOND)).any()


@pytest.mark.rule("F3")
def test_slow_downs_multiply():
    scenario = world(
        duration="100s",
        producer={"arrivals": at(1, 21, 41, 61)},
        consumer={"service": "1s"},
        faults=[
            {"slow": "server", "factor": 2, "at": "20s", "lasts": "40s"},
            {"slow": "server/0", "factor": 3, "at": "40s", "lasts": "40s"},
        ],
    )
    rows = deliveries(execute(scenario))
    assert seconds(rows["finished_at"] - rows["started_at"]) == [1.0, 2.0, 6.0, 3.0]


@pytest.mark.rule("F3")
def test_probabilities_of_two_bugs_combine():
    scenario = world(
        messages=4000,
        drain=True,
        producer={"rate": "100/s"},
        consumer={"service": "1ms", "error_probability": 0.1},
        faults=[{"bug": "server", "probability": p, "at": "0s"} for p in (0.2, 0.25)],
    )
    rows = deliveries(execute(scenario))
    expected = 1 - 0.9 * 0.8 * 0.75
    assert (rows["effect"] == 0).mean() == pytest.approx(expected, abs=0.03)


@pytest.mark.rule("F16")
def test_a_row_for_each_occurrence():
    trace = execute(
        broken(
            {"crash": "server", "mtbf": "10s", "mttr": "1s"},
            {"partition": ["queue", "server/1"], "at": "3s", "lasts": "1s"},
            {"crash": "source", "at": "95s"},
        )
    )
    rows, names = faults(trace), trace.names
    assert (np.diff(rows["started_at"]) >= 0).all()
    crashes = rows[rows["fault"] == 0]
    assert crashes["occurrence"].tolist() == list(range(9))
    assert seconds(crashes["started_at"]) == [10.0 + 11 * i for i in range(9)]
    assert set(crashes["instance"]) == {-1}
    (cut,) = rows[rows["fault"] == 1].itertuples()
    assert (names.targets[cut.target], cut.instance, names.targets[cut.peer]) == (
        "server",
        1,
        "queue",
    )
    assert names.targets[rows[rows["fault"] == 2]["target"].iloc[0]] == "source"

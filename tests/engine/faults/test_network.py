"""What faults do to links: cut them, slow them down, lose what they carry."""

import numpy as np
import pytest

from eda_sim.engine.execute import execute
from eda_sim.engine.trace import CopyState
from tests.engine.worlds import (
    MILLISECOND,
    SECOND,
    at,
    copies,
    count,
    deliveries,
    messages,
    seconds,
    world,
)

GROUP = {"lease_scope": "partition", "lease_timeout": "10s", "heartbeat_interval": "3s"}


def linked(fault, *, producer=None, consumer=None, **settings):
    return world(
        **{"duration": "40s", "drain": True, **settings},
        producer={"arrivals": "constant(10/s)", "link": {"latency": "20ms"}, **(producer or {})},
        channel={"partitions": 4},
        consumer={
            "service": "10ms",
            "instances": 2,
            "link": {"latency": "5ms"},
            **(consumer or {}),
        },
        faults=[fault],
    )


@pytest.mark.rule("F12")
def test_what_a_producer_sends_through_a_cut_waits_and_then_comes_in_order():
    fault = {"partition": ["queue", "source"], "at": "10s", "lasts": "5s"}
    rows = messages(execute(linked(fault)))
    way = rows["stored_at"] - rows["created_at"]
    cut = rows["created_at"].between(10 * SECOND, 15 * SECOND - 1)
    assert set(way[~cut]) == {20 * MILLISECOND}
    assert (rows["stored_at"][cut] == 15 * SECOND + 20 * MILLISECOND).all()
    assert (np.diff(rows["stored_at"]) >= 0).all()
    # What was on its way when the cut came has arrived: only new things wait.
    on_its_way = rows["created_at"].between(10 * SECOND - 20 * MILLISECOND, 10 * SECOND - 1)
    assert (way[on_its_way] == 20 * MILLISECOND).all()


@pytest.mark.rule("F12")
def test_a_cut_within_a_cut_heals_when_the_last_one_does():
    cuts = [
        {"partition": ["source", "queue"], "at": f"{begin}s", "lasts": "5s"}
        for begin in (10, 13, 18)
    ]
    scenario = linked(cuts[0]).replace({"faults": cuts})
    rows = messages(execute(scenario))
    cut = rows["created_at"].between(10 * SECOND, 23 * SECOND - 1)
    assert (rows["stored_at"][cut] == 23 * SECOND + 20 * MILLISECOND).all()


@pytest.mark.rule("F12")
def test_a_cut_for_ever():
    fault = {"partition": ["source", "queue"], "at": "10s"}
    trace = execute(linked(fault, drain=False))
    rows = messages(trace)
    assert (rows["stored_at"][rows["created_at"] >= 10 * SECOND] == -1).all()


@pytest.mark.rule("F12")
def test_an_instance_that_is_cut_off_works_on_with_what_it_has():
    scenario = world(
        duration="30s",
        producer={"arrivals": at(1, 2)},
        consumer={"service": "4s"},
        faults=[{"partition": ["server", "queue"], "at": "3s", "lasts": "10s"}],
    )
    first, second = deliveries(execute(scenario)).itertuples()
    assert seconds([first.finished_at, first.settled_at]) == [5.0, 13.0]
    # The queue learns at 13 s that the worker is free again.
    assert seconds([second.acquired_at, second.finished_at]) == [13.0, 17.0]


@pytest.mark.rule("F12")
@pytest.mark.parametrize(("lasts", "is_missed"), [(5, False), (20, True)])
def test_heartbeats_do_not_get_through_a_cut(lasts, is_missed):
    fault = {"partition": ["server/0", "queue"], "at": "10s", "lasts": f"{lasts}s"}
    scenario = linked(fault, consumer={"subscription": GROUP, "service": "50ms"})
    rows = deliveries(execute(scenario))
    other = rows[(rows["instance"] == 1) & rows["started_at"].between(21 * SECOND, 29 * SECOND)]
    partitions = copies(execute(scenario)).set_index("copy_id").loc[other["copy_id"], "partition"]
    assert partitions.nunique() == (4 if is_missed else 2)
    back = rows[(rows["instance"] == 0) & (rows["started_at"] > (10 + lasts + 1) * SECOND)]
    assert len(back)  # it takes part again when the network has healed


@pytest.mark.rule("F12")
def test_a_cut_hits_one_instance_and_one_direction_of_work_only():
    fault = {"partition": ["server/0", "queue"], "at": "10s", "lasts": "5s"}
    rows = deliveries(execute(linked(fault)))
    during = rows[rows["received_at"].between(10 * SECOND + 1, 15 * SECOND)]
    during = during[during["acquired_at"] >= 10 * SECOND]
    assert set(during["instance"]) == {1}


@pytest.mark.rule("F13")
def test_a_delay_adds_to_the_latency_both_ways_and_in_order():
    delay = {"delay": "source", "latency": "exponential(100ms)", "at": "10s", "lasts": "10s"}
    plain, slow = (messages(execute(linked(f))) for f in ({**delay, "at": "50s"}, delay))
    more = (slow["stored_at"] - plain["stored_at"]) / SECOND
    there = slow["created_at"].between(10 * SECOND, 20 * SECOND - 1)
    assert (more[slow["created_at"] < 10 * SECOND] == 0).all()
    assert more[there].mean() > 0.08
    assert (np.diff(slow["stored_at"]) >= 0).all()
    back = (slow["confirmed_at"] - slow["stored_at"])[there]
    assert back.mean() > 80 * MILLISECOND
    constant = {**delay, "latency": "100ms"}
    more = messages(execute(linked(constant)))["stored_at"] - plain["stored_at"]
    assert (more[there] == 100 * MILLISECOND).all()


@pytest.mark.rule("F13")
def test_delays_of_two_faults_add_up():
    delays = [{"delay": "source", "latency": f"{ms}ms", "at": "0s"} for ms in (100, 30)]
    rows = messages(execute(linked(delays[0]).replace({"faults": delays})))
    assert set(rows["stored_at"] - rows["created_at"]) == {150 * MILLISECOND}


@pytest.mark.rule("F14")
def test_an_acknowledgement_that_is_lost_brings_the_message_again():
    fault = {"loss": "server", "probability": 0.2, "at": "10s", "lasts": "10s"}
    scenario = linked(fault, consumer={"subscription": {"lease_timeout": "1s"}})
    trace = execute(scenario)
    counted = count(trace)
    assert counted.lost == counted.pending == 0
    rows = deliveries(trace)
    lost = rows[rows["settled_at"] == -1]
    assert lost["finished_at"].between(10 * SECOND, 20 * SECOND).all()
    assert len(lost) == pytest.approx(0.2 * 10 * 10 * 1.25, rel=0.5)
    assert counted.duplicated == lost["message_id"].nunique()
    assert count(execute(scenario.replace({"consumers.server.dedup": {"count": 1000}}))).skipped


@pytest.mark.rule("F14")
def test_a_commit_that_is_lost_is_made_good_by_the_next_one():
    fault = {"loss": "server", "probability": 0.5, "at": "0s", "lasts": "30s"}
    trace = execute(linked(fault, consumer={"subscription": GROUP}))
    counted = count(trace)
    assert counted.once == counted.messages
    assert set(copies(trace)["state"]) == {CopyState.ACKNOWLEDGED}
    late = copies(trace)["settled_at"] - copies(trace)["stored_at"]
    assert late.max() > 5 * late.min()


@pytest.mark.rule("F14")
@pytest.mark.parametrize("scope", ["delivery", "partition"])
def test_a_link_that_loses_is_a_loss_without_end(scope):
    def run(**part):
        return world(
            seed=5,
            duration="30s",
            producer={"rate": "20/s"},
            consumer={
                "service": "1ms",
                "subscription": {"lease_scope": scope, "lease_timeout": "9s"}
                if scope == "partition"
                else {"lease_timeout": "500ms"},
                **part,
            },
        )

    lossy = execute(run(link={"latency": "1ms", "loss_probability": 0.3}))
    hit = run(link={"latency": "1ms"}).replace(
        {"faults": [{"loss": "server", "probability": 0.3, "at": 0}]}
    )
    fault = execute(hit)
    for table in ("copies", "deliveries"):
        for name, column in getattr(lossy, table).items():
            assert (column == getattr(fault, table)[name]).all(), (table, name)
    if scope == "delivery":
        assert (deliveries(lossy)["attempt"] > 1).mean() == pytest.approx(0.3, abs=0.06)

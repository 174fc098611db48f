"""A rebuild takes what the closed form says; its slowest partition limits what partitions gain."""

import math

import pytest

import eda_sim as es
from eda_sim.analysis.replications import mean_over_replications
from eda_sim.patterns.sourcing import rebuild, snapshots

WORLD = {"history": 1e6, "replay_rate": 5000, "event_rate": 2500}


def times(replications=8, **changes):
    """Catch-up times of some runs, and the tables of the last one."""
    world = rebuild.scenario(**{**WORLD, **changes})
    found = []
    for number in range(replications):
        run = es.run(world, replication=number)
        table = rebuild.caught_up(run.messages, run.deliveries)
        found.append(table["seconds"].max(skipna=False))
    return found, table


def test_one_reader_takes_what_the_closed_form_says():
    found, table = times()
    law = es.theory.catch_up_time(**WORLD)
    assert law == 400
    interval = mean_over_replications(found, confidence=0.999)
    assert interval.low < law < interval.high
    assert (interval.high - interval.low) < 0.15 * law
    assert table["share"].tolist() == [1.0]


def test_partitions_gain_until_the_largest_share_decides():
    found, table = times(4, partitions=4, messages=4000)
    largest = table["share"].max()
    law = es.theory.catch_up_time(
        history=1e6 * largest, replay_rate=5000, event_rate=2500 * largest
    )
    assert found[-1] == pytest.approx(law, rel=0.1)
    # More than four times as fast: events that come meanwhile are shared, too.
    assert 400 / found[-1] > 4


def test_partitions_gain_nothing_where_all_events_have_one_key():
    found, table = times(4, partitions=4, key="uniform(n=1)", duration=1200)
    assert table["share"].tolist() == [1.0]
    assert sum(found) / 4 == pytest.approx(400, rel=0.1)


def test_without_new_events_it_is_exact():
    found, _ = times(1, event_rate=0)
    assert found == [pytest.approx(200)]


def test_what_never_catches_up_is_said():
    with pytest.raises(es.theory.UnstableQueueError):
        rebuild.scenario(**{**WORLD, "event_rate": 5000})
    found, _ = times(1, event_rate=6000, duration=300)
    assert math.isnan(found[0])


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"history": 0}, "history 0: must be positive"),
        ({"replay_rate": -1}, "replay_rate -1: must be positive"),
        ({"event_rate": -1}, "event_rate -1: must not be negative"),
        ({"partitions": 0}, "partitions 0: must be positive"),
        ({"messages": 0}, "messages 0: must be positive"),
    ],
)
def test_numbers_that_cannot_be_are_refused(changes, complaint):
    with pytest.raises(ValueError, match=complaint):
        rebuild.scenario(**{**WORLD, **changes})


def test_the_cheapest_distance_of_the_runs_holds_that_of_the_law():
    world = snapshots.scenario(event_rate=2.0, load_rate=2.0, duration=2000, seed=4)
    runs = [es.run(world, replication=number).messages for number in range(8)]
    found = snapshots.cheapest(
        runs, every=range(5, 120), snapshot_cost=9, replay_cost=0.02, confidence=0.999
    )
    assert found.low < 30 < found.high
    assert found.high - found.low < 20
    replayed = snapshots.loads(runs[0], every=30)["replayed"]
    assert (replayed.min(), replayed.max()) == (0, 29)
    never = snapshots.loads(runs[0])
    assert (never["replayed"] == never["version"]).all()
    with pytest.raises(ValueError, match="every 0"):
        snapshots.loads(runs[0], every=0)

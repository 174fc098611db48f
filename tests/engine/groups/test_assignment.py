"""Assignors, as pure functions of members and topics."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eda_sim.engine.reference.assignment import (
    assign_range,
    assign_round_robin,
    assign_sticky,
)

pytestmark = pytest.mark.rule("G10")


def topics_of(*sizes):
    return [
        SimpleNamespace(
            partitions=[
                SimpleNamespace(number=n, owner=None, last_owner=None, target=None)
                for n in range(size)
            ]
        )
        for size in sizes
    ]


def targets(topics):
    return [[partition.target for partition in topic.partitions] for topic in topics]


# Kafka's own examples, in the javadoc of RangeAssignor and RoundRobinAssignor.
def test_range_gives_consecutive_partitions_of_each_topic():
    topics = topics_of(3, 3)
    assign_range(["C0", "C1"], topics)
    assert targets(topics) == [["C0", "C0", "C1"], ["C0", "C0", "C1"]]


def test_round_robin_deals_over_topics():
    topics = topics_of(3, 3)
    assign_round_robin(["C0", "C1"], topics)
    assert targets(topics) == [["C0", "C1", "C0"], ["C1", "C0", "C1"]]


def test_members_beyond_the_partitions_get_nothing():
    topics = topics_of(2)
    assign_range(["C0", "C1", "C2"], topics)
    assert targets(topics) == [["C0", "C1"]]


def test_sticky_moves_only_what_it_must():
    # KIP-54: three members, one leaves; its partitions go to the others, theirs stay.
    topics = topics_of(6)
    partitions = topics[0].partitions
    for partition, owner in zip(partitions, ["A", "B", "C", "A", "B", "C"], strict=True):
        partition.owner = owner
    assign_sticky(["A", "C"], topics)
    assert targets(topics) == [["A", "A", "C", "A", "C", "C"]]


@given(
    sizes=st.lists(st.integers(1, 12), min_size=1, max_size=4),
    members=st.integers(1, 8),
    owners=st.randoms(use_true_random=False),
)
def test_sticky_is_balanced_and_keeps_what_fits(sizes, members, owners):
    names = [f"M{n}" for n in range(members)]
    topics = topics_of(*sizes)
    partitions = [partition for topic in topics for partition in topic.partitions]
    for partition in partitions:
        partition.owner = owners.choice([*names, None, "gone"])
    held = {name: sum(p.owner == name for p in partitions) for name in names}
    assign_sticky(names, topics)
    counts = {name: sum(p.target == name for p in partitions) for name in names}
    assert sum(counts.values()) == len(partitions)
    assert max(counts.values()) - min(counts.values()) <= 1
    share = len(partitions) // members
    for name in names:
        kept = sum(p.owner == name == p.target for p in partitions)
        assert kept >= min(held[name], share)


def test_sticky_remembers_who_owned_what_before_everybody_revoked():
    topics = topics_of(4)
    for partition, owner in zip(topics[0].partitions, ["A", "A", "B", "B"], strict=True):
        partition.last_owner = owner
    assign_sticky(["A", "B"], topics)
    assert targets(topics) == [["A", "A", "B", "B"]]

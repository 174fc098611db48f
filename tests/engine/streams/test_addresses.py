"""Addresses are part of every stored result: they must never change."""

import pytest

from eda_sim.engine.streams.addresses import (
    DRAWS_PER_VARIATE,
    Stream,
    entities_of,
    entity_of,
)


def test_streams_keep_their_numbers():
    first = ["ARRIVAL", "KEY", "SIZE", "SERVICE", "PUBLISH_LINK", "DELIVERY_LINK"]
    first += ["SETTLE_LINK", "DETECTION", "OUTCOME"]
    assert [Stream(number).name for number in range(1, 10)] == first
    assert len({int(stream) for stream in Stream}) == len(Stream.__members__)


def test_entities_keep_their_words():
    assert entity_of("consumers.billing") == 3767061317
    assert entity_of("producers.checkout") == 1744173693


@pytest.mark.parametrize("path", ["", "consumers.billing", "ä" * 1000])
def test_an_entity_is_one_word(path):
    assert 0 <= entity_of(path) < 2**32


def test_entities_of_a_scenario():
    assert entities_of(["a", "b"]) == {"a": entity_of("a"), "b": entity_of("b")}
    assert entities_of(["a", "a"]) == {"a": entity_of("a")}
    assert entities_of([]) == {}


def test_two_names_on_one_word_are_refused():
    """Found by trying 121,850 names: one pair in 2**32 collides, many names make many pairs."""
    unlucky = ["consumers.service-121849", "consumers.service-68420"]
    assert entity_of(unlucky[0]) == entity_of(unlucky[1])
    with pytest.raises(ValueError, match="share one random stream by chance; rename one of them"):
        entities_of(unlucky)


def test_an_attempt_has_room_for_the_longest_variate():
    assert DRAWS_PER_VARIATE >= 1 + 1000

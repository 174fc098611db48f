"""Loops of emissions and dead letters: those that die out are scenarios, the others are errors."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import eda_sim as es
from eda_sim.spec import Scenario, ScenarioError, json_schema


def ring(consumers, **settings):
    """Return consumers that read the channel of their name and emit to others'."""
    return Scenario.model_validate(
        {
            "name": "ring",
            "messages": 5,
            "producers": {"source": {"to": next(iter(consumers)), "rate": 1}},
            "channels": {name: {} for name in consumers},
            "consumers": {
                name: {"reads": name, "service": 0, **consumer}
                for name, consumer in consumers.items()
            },
            **settings,
        }
    )


def problem(consumers, **settings):
    with pytest.raises(ScenarioError) as caught:
        ring(consumers, **settings)
    (found,) = caught.value.problems
    return str(found)


def back(probability, to="a", **more):
    return {"emits": [{"to": to, "probability": probability, **more}]}


def test_a_loop_that_dies_out_is_a_scenario():
    scenario = ring({"a": {"emits": "b"}, "b": back("99%")})
    assert scenario.consumers["b"].emits[0].probability == 0.99
    assert es.load(es.dump(scenario)) == scenario


def test_the_loop_over_which_most_comes_back_is_named():
    line = problem(
        {
            "a": {"emits": ["b", {"to": "a", "probability": 0.1}]},
            "b": {"emits": [{"to": "a", "probability": 0.7}, {"to": "a", "probability": 0.4}]},
        }
    )
    assert line == (
        "consumers.b.emits: a cycle that never ends: a -> b -> b -> a -> a; a message comes back "
        "1.1 times on average, which must be less than 1: give an emission in it a lower "
        "probability"
    )


def test_loops_that_end_alone_and_not_together_are_named():
    line = problem(
        {
            "a": {"emits": [{"to": name, "probability": 0.8} for name in "bc"]},
            "b": {"emits": "a"},
            "c": {"emits": "a"},
        }
    )
    assert line.startswith(
        "consumers.b.emits: cycles that never end: a -> b -> b -> a -> a, over which a message "
        "comes back 0.8 times on average, and others that meet it; together they make 1.26491 "
        "messages of each with every step, which must be less than 1"
    )


def test_two_loops_that_do_not_meet_are_two_mistakes():
    with pytest.raises(ScenarioError) as caught:
        ring({"a": {"emits": "a"}, "b": {"emits": "b"}})
    assert [found.path for found in caught.value.problems] == [
        ("consumers", "a", "emits"),
        ("consumers", "b", "emits"),
    ]


@pytest.mark.parametrize(
    ("consumer", "most"),
    [
        ({}, 1.0),
        ({"error_probability": 0.5}, 2.0),
        ({"poison_probability": 0.5}, 2.0),
        ({"error_probability": 0.5, "retry": "fixed(base=1s, max_attempts=2)"}, 1.0),
        ({"error_probability": 0.5, "on_exhausted": "release"}, 1.0),
        ({"link": {"duplicate_probability": 0.6}}, 1 / 1.6),
    ],
)
def test_what_fails_does_not_come_back_and_what_is_duplicated_comes_twice(consumer, most):
    service = {"service": "1s"}
    ring({"a": {**back(min(1.0, most - 1e-6)), **consumer, **service}})
    if most <= 1.0:
        problem({"a": {**back(min(1.0, most + 1e-6)), **consumer, **service}})


@pytest.mark.parametrize(
    ("consumer", "is_refused"),
    [
        ({"error_probability": 0.9}, False),
        ({"error_probability": 0.9, "retry": "fixed(base=1s, max_attempts=3)"}, False),
        ({"error_probability": 1}, True),
        ({"error_probability": 0.9, "timeout": "1s"}, True),
    ],
)
def test_failures_come_back_as_often_as_they_are(consumer, is_refused):
    loop = {"a": {**back(1, on="failure"), **consumer, "service": "1s"}}
    if is_refused:
        problem(loop)
    else:
        ring(loop)


def test_faults_may_let_more_come_back():
    loop = {"a": {**back(1, on="failure"), "error_probability": 0.5}}
    bug = {"bug": "consumers.a", "at": 1, "probability": 0.1}
    twice = {"duplication": "consumers.a", "at": 1, "probability": 0.1}
    ring(loop)
    assert "comes back 1 times" in problem(loop, faults=[bug])
    assert "comes back 1.2 times" in problem({"a": back(0.6)}, faults=[twice])


def test_a_dead_letter_that_is_emitted_again_dies_out_with_the_emission():
    def hospital(probability):
        return {
            "a": {"error_probability": 0.1, "subscription": {"dead_letter": "b"}},
            "b": back(probability),
        }

    ring(hospital(0.9))
    assert "a -> b -> b -> a -> a; a message comes back 1 times" in problem(hospital(1))


def test_a_join_in_a_loop_is_refused():
    line = problem({"a": {"emits": {"to": "b", "join": 2}}, "b": back(0.1)})
    assert line == (
        "consumers.a.emits.0.join: a join within a cycle: a -> b -> b -> a -> a; all messages with "
        "one correlation id are joined once, however often they go round: join behind the cycle"
    )
    ring({"a": {"emits": [{"to": "a", "probability": 0.5}, {"to": "b", "join": 2}]}, "b": {}})


@given(
    st.lists(
        st.lists(st.sampled_from([0.0, 0.0, 0.1, 0.3, 0.6, 1.0]), min_size=4, max_size=4),
        min_size=4,
        max_size=4,
    )
)
def test_what_is_refused_is_what_grows(rows):
    # Without eigenvalues: all that follows from a message is I + M + M^2 + ... = (I - M)^-1, which
    # has no negative entry if it is finite, and has one (or is not there) if it is not.
    rest = np.eye(4) - np.array(rows)
    ends = abs(np.linalg.det(rest)) > 1e-9 and np.linalg.inv(rest).min() >= -1e-9
    consumers = {
        name: {"emits": [{"to": to, "probability": p} for to, p in zip("abcd", row, strict=True)]}
        for name, row in zip("abcd", rows, strict=True)
    }
    if ends:
        ring(consumers)
    else:
        with pytest.raises(ScenarioError, match="never end"):
            ring(consumers)


# Choices ------------------------------------------------------------------------------------------


def ways(*shares, **more):
    return {
        "emits": [
            {"to": to, "probability": share, "choice": "way", **more}
            for to, share in zip("bcd", shares, strict=False)
        ]
    }


def test_a_choice_adds_up_to_at_most_one():
    ends = {"b": {}, "c": {}, "d": {}}
    assert ring({"a": ways(0.1, 0.2, 0.7), **ends})
    line = problem({"a": ways(0.1, 0.2, 0.8), **ends})
    assert (
        line == "consumers.a.emits: the probabilities of choice 'way' add up to 1.1: must be at "
        "most 1"
    )


def test_a_choice_is_made_on_one_occasion_and_not_of_what_is_joined():
    ends = {"b": {}, "c": {}, "d": {}}
    mixed = ways(0.1, 0.2)
    mixed["emits"][1]["on"] = "failure"
    assert "the entries of choice 'way' must have the same on" in problem({"a": mixed, **ends})
    assert "consumers.a.emits.0.choice: not with join" in problem({"a": ways(0.5, join=2), **ends})


def test_a_probability_is_one():
    assert "probability: 1.5 is not valid" in problem({"a": back(1.5, "b"), "b": {}})
    assert "emits.0.choice: 'no way' is not a name" in problem(
        {"a": back(0.5, "b", choice="no way"), "b": {}}
    )


def test_the_schema_knows_probability_and_choice():
    schema = json.loads(json.dumps(json_schema()))
    emission = schema["$defs"]["Emission"]["properties"]
    assert emission["probability"]["default"] == 1.0
    assert emission["choice"]["default"] is None


# The wait queue: a loop that only a time to live keeps going ----------------------------------


def wait_queue(*, channel=None, consumer=None, **settings):
    """Return a consumer whose dead letters wait in a queue that nobody reads, and come again."""
    letters = {"dead_letter_expired": True}
    consumers = {
        "a": {"error_probability": 0.5, "subscription": {"dead_letter": "b", "max_deliveries": 1}},
        "b": {"subscription": {"dead_letter": "a", **letters}, **(consumer or {})},
    }
    channels = {"a": {}, "b": {"message_ttl": "10s", **(channel or {})}}
    return consumers, {"channels": channels, **settings}


def test_dead_letters_that_wait_may_come_again():
    consumers, settings = wait_queue()
    assert ring(consumers, **settings)


@pytest.mark.parametrize(
    "changes",
    [
        {"channel": {"message_ttl": None}},
        {"channel": {"max_messages": 5}},
        {"channel": {"max_age": "5s"}},
        {"consumer": {"error_probability": 0.1}},
        {"consumer": {"subscription": {"dead_letter": "a"}}},
        {"faults": [{"bug": "consumers.b", "probability": 0.5, "at": "1s"}]},
    ],
    ids=["no time to live", "overflow", "retention", "errors", "not expired", "bugs"],
)
def test_dead_letters_that_need_not_wait_may_not(changes):
    consumers, settings = wait_queue(**changes)
    line = problem(consumers, **settings)
    assert "a -> b -> b -> a -> a; a message comes back 1 times on average" in line


def test_a_wait_queue_tries_again_after_its_time_on_both_engines():
    # RabbitMQ users retry so: x-message-ttl on a queue without readers, back by its dead letters.
    consumers, settings = wait_queue(faults=[{"crash": "consumers.b", "at": "0s"}])
    scenario = ring(consumers, **settings).replace(
        {"messages": 2000, "producers.source.rate": "20/s", "drain": True, "seed": 3}
    )
    run = es.check(scenario)
    done = run.deliveries[run.deliveries["consumer"] == "a"]
    tries = done.groupby("message_id")["started_at"].agg(["size", "min", "max"])
    # Each try succeeds with probability 1/2: geometric, and 10 s lie between two of them.
    assert tries["size"].mean() == pytest.approx(2, abs=3 * np.sqrt(2 / 2000))
    waited = (tries["max"] - tries["min"]) / 10
    assert waited.to_numpy() == pytest.approx(tries["size"].to_numpy() - 1, abs=1e-6)
    assert done.groupby("message_id")["effect"].sum().eq(1).all()

"""Each promise of publishing: what breaks it, and what keeps it, at equal random numbers."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from eda_sim.engine.execute import execute
from eda_sim.engine.trace import NEVER, MessageStatus
from eda_sim.spec import Scenario
from tests.engine.worlds import deliveries, messages, world

PATIENT = {"request_timeout": "500ms", "retry": "fixed(100ms)"}
NUMBERED = {**PATIENT, "idempotent": True, "max_in_flight": 5}
REMEMBERS = {"deduplication": {"by": "producer_sequence", "size": 5}}
LOSSY = {"latency": "5ms", "loss_probability": 0.1}


@dataclass(frozen=True)
class Kept:
    """Messages that took no effect although confirmed; more than one; and out of order."""

    lost: int
    duplicated: int
    disordered: int


def outcome(scenario: Scenario, seed: int = 1) -> Kept:
    trace = execute(scenario, seed=seed)
    sent, made = messages(trace), deliveries(trace)
    made = made[made["effect"] == 1]
    effects = made.groupby("message_id").size().reindex(sent.index, fill_value=0)
    first = made.groupby("message_id")["finished_at"].min().reindex(sent.index, fill_value=NEVER)
    disordered = 0
    for _, own in first[first > 0].groupby(sent["partition"]):
        disordered += int((own.diff() < 0).sum())
    confirmed = sent["confirmed_at"] >= 0
    return Kept(int((confirmed & (effects == 0)).sum()), int((effects > 1).sum()), disordered)


def line(publishing: dict, channel: dict, link: dict | None = None, **settings) -> Scenario:
    return world(
        duration="60s",
        drain=True,
        producer={
            "arrivals": "constant(interval=20ms)",
            "link": link or {"latency": "5ms"},
            "publishing": publishing,
        },
        channel=channel,
        consumer={"service": "1ms", "subscription": {"lease_scope": "partition"}},
        **settings,
    )


# Links that lose ----------------------------------------------------------------------------------


@pytest.mark.rule("P7", "P8", "P18")
def test_fire_and_forget_loses_what_it_believes_to_be_sent():
    kept = outcome(line({"acks": "none"}, {}, LOSSY))
    assert 200 < kept.lost < 400  # a tenth of 3000
    assert kept.duplicated == kept.disordered == 0


@pytest.mark.rule("P12", "P13", "P15")
def test_retries_lose_nothing_but_double_and_reorder():
    kept = outcome(line(PATIENT, {}, LOSSY))
    assert kept.lost == 0
    assert kept.duplicated > 200
    assert kept.disordered > 100


@pytest.mark.rule("P20")
def test_ids_at_the_channel_stop_the_doubling_but_not_the_reordering():
    memory = {"deduplication": {"by": "message_id", "window": "2min"}}
    kept = outcome(line(PATIENT, memory, LOSSY))
    assert kept.lost == kept.duplicated == 0
    assert kept.disordered > 100


@pytest.mark.rule("P20")
def test_a_memory_shorter_than_the_retry_does_not_help():
    memory = {"deduplication": {"by": "message_id", "window": "300ms"}}
    assert outcome(line(PATIENT, memory, LOSSY)).duplicated > 200


@pytest.mark.rule("P21")
def test_numbers_keep_count_and_order():
    kept = outcome(line(NUMBERED, REMEMBERS, LOSSY))
    assert kept == Kept(0, 0, 0)


@pytest.mark.rule("P10", "P15")
def test_one_request_in_flight_keeps_the_order_without_numbers():
    alone = {**PATIENT, "max_in_flight": 1, "batch_max_messages": 1000}
    kept = outcome(line(alone, {}, LOSSY))
    assert (kept.lost, kept.disordered) == (0, 0)
    assert kept.duplicated > 0


# Failovers ----------------------------------------------------------------------------------------

FAILOVER = {"faults": [{"crash": "queue/0", "at": "20s", "lasts": "20s"}]}


def replicas(**more) -> dict:
    return {"replication": {"factor": 3, "lag": "200ms", **more}}


@pytest.mark.rule("P8", "P27")
def test_acks_of_the_leader_lose_the_tail_in_a_failover():
    # What was confirmed in the last 200 ms before the crash: ten messages of 50 a second.
    kept = outcome(line({**PATIENT, "acks": "leader"}, replicas(), **FAILOVER))
    assert 8 <= kept.lost <= 12


@pytest.mark.rule("P8", "P22", "P25")
def test_acks_of_all_lose_nothing_in_a_failover():
    kept = outcome(line({**PATIENT, "acks": "all"}, replicas(), **FAILOVER))
    assert kept.lost == 0


@pytest.mark.rule("P21", "P27")
def test_acks_of_all_and_numbers_keep_everything_in_a_failover():
    kept = outcome(line(NUMBERED, {**REMEMBERS, **replicas()}, **FAILOVER))
    assert kept == Kept(0, 0, 0)


ONE_BY_ONE = {
    "faults": [
        {"crash": "queue/1", "at": "5s", "lasts": "100s"},
        {"crash": "queue/2", "at": "5s", "lasts": "20s"},
        {"crash": "queue/0", "at": "20s", "lasts": "100s"},
    ],
    "drain_timeout": "60s",
}
"""Both followers die, the leader goes on alone and dies; then one follower comes back."""


@pytest.mark.rule("P24", "P26")
@pytest.mark.parametrize(
    ("minimum", "unclean", "loses"),
    [(1, True, True), (1, False, False), (2, True, False)],
    ids=["alone and unclean", "alone and clean", "never alone"],
)
def test_a_leader_on_its_own_is_what_an_unclean_election_loses(minimum, unclean, loses):
    channel = replicas(min_insync=minimum, unclean_leader_election=unclean)
    # In batches: what is refused is tried again, all of it at once.
    publishing = {**PATIENT, "acks": "all", "max_in_flight": 5, "batch_max_messages": 100}
    trace = execute(line(publishing, channel, **ONE_BY_ONE))
    truncated = (messages(trace)["status"] == MessageStatus.TRUNCATED).sum()
    # Confirmed by the leader alone, from 12 to 14 s on until it dies at 20 s.
    assert (truncated > 200) == loses
    assert (truncated == 0) == (not loses)


@pytest.mark.rule("P28")
@pytest.mark.parametrize(
    ("flush", "loses"),
    [
        ({"flush": "os"}, True),
        ({"flush": "interval", "flush_interval": "2min"}, True),
        ({"flush": "before_ack", "flush_time": "1ms"}, False),
    ],
    ids=["page cache", "every two minutes", "before the answer"],
)
def test_only_a_flush_before_the_answer_survives_a_power_loss(flush, loses):
    # The power of all nodes fails at once. Consumers are slow, so that most has not been read yet.
    faults = [{"power_loss": "queue", "at": "40s", "lasts": "5s"}]
    scenario = line({**PATIENT, "acks": "all"}, replicas(**flush), faults=faults)
    scenario = scenario.replace({"consumers.server.service": "1s", "drain": False})
    trace = execute(scenario)
    truncated = (messages(trace)["status"] == MessageStatus.TRUNCATED).sum()
    assert (truncated > 1000) == loses
    assert (truncated == 0) == (not loses)

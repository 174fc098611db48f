"""What faults do to the links that publish: requests lost, answers lost, requests twice."""

import numpy as np
import pytest

from eda_sim.engine.execute import execute
from eda_sim.engine.trace import NEVER, MessageStatus
from eda_sim.spec import Scenario
from tests.engine.worlds import MILLISECOND, SECOND, count, deliveries, messages, world

RATE = 50
AGAIN = {"request_timeout": "500ms", "retry": "fixed(100ms)"}
NUMBERED = {**AGAIN, "max_in_flight": 5, "idempotent": True}
REMEMBERS = {"by": "producer_sequence", "size": 5}


def publishing(*faults, channel=None, link=None, **settings):
    """Return a producer of 50 messages a second for 40 seconds, and what happens to its link."""
    return world(
        duration="40s",
        drain=True,
        producer={
            "arrivals": f"constant({RATE}/s)",
            "key": "uniform(n=20)",
            "link": {"latency": "10ms", **(link or {})},
            "publishing": settings,
        },
        channel={"partitions": 4, **(channel or {})},
        consumer={"service": "1ms"},
        faults=list(faults),
    )


def lasting(kind, probability, begin=10, lasts=20):
    return {kind: "source", "probability": probability, "at": f"{begin}s", "lasts": f"{lasts}s"}


def sent_between(rows, begin, end):
    return rows["created_at"].between(begin * SECOND, end * SECOND - 1)


def near(share, probability, size):
    """Return whether a share of ``size`` draws is within four standard errors."""
    return abs(share - probability) < 4 * np.sqrt(probability * (1 - probability) / size)


def answered(trace):
    """Return which messages would be answered before the run ends: it does not wait for answers."""
    return messages(trace)["created_at"] < 39.9 * SECOND


# A producer --------------------------------------------------------------------------------------


@pytest.mark.rule("F14")
def test_a_request_that_is_lost_is_gone_where_nobody_asks_for_it():
    trace = execute(publishing(lasting("loss", 0.2)))
    rows = messages(trace)
    gone = rows["status"] == MessageStatus.LOST
    there = sent_between(rows, 10, 30)
    assert not gone[~there].any()
    assert near(gone[there].mean(), 0.2, there.sum())
    assert (rows["stored_at"][gone] == NEVER).all()
    assert (rows["copies"][gone] == 0).all()
    assert (rows["status"][~gone & answered(trace)] == MessageStatus.CONFIRMED).all()


@pytest.mark.rule("F14")
def test_what_is_lost_is_sent_again_after_the_time_out():
    trace = execute(publishing(lasting("loss", 0.2), **AGAIN))
    rows = messages(trace)
    assert (rows["status"] == MessageStatus.CONFIRMED).all()
    assert (rows["copies"] == 1).all()  # what was lost was not stored: nothing comes twice
    again = rows["attempts"] > 1
    assert again.any()
    assert (rows["created_at"][again] >= 9 * SECOND).all()
    late = (rows["stored_at"] - rows["created_at"])[again]
    assert late.min() >= 610 * MILLISECOND
    assert count(trace).once == len(rows)


@pytest.mark.rule("F14")
def test_a_loss_for_ever_leaves_nobody_any_the_wiser():
    forever = {"loss": "source", "probability": 1, "at": "10s"}
    rows = messages(execute(publishing(forever, delivery_timeout="5s", **AGAIN)))
    silent = rows["created_at"] >= 10 * SECOND
    assert (rows["status"][silent] == MessageStatus.UNKNOWN).all()
    assert (rows["stored_at"][silent] == NEVER).all()


@pytest.mark.rule("F14")
def test_an_answer_that_is_lost_makes_a_second_copy():
    fault = lasting("ack_loss", 0.2)
    trace = execute(publishing(fault, **AGAIN))
    rows = messages(trace)
    assert (rows["status"] == MessageStatus.CONFIRMED).all()
    twice = rows["copies"] > 1
    first = rows["stored_at"] + 10 * MILLISECOND  # the answers that fell into the fault
    assert first[twice].between(10 * SECOND, 31 * SECOND).all()
    there = sent_between(rows, 10, 29)
    assert near(twice[there].mean(), 0.2, there.sum())
    assert (rows["copies"] == rows["attempts"]).all()
    effects = deliveries(trace).groupby("message_id")["effect"].sum()
    assert (effects == rows["copies"]).all()  # each copy has its effect
    # A store that remembers sequence numbers drops the second copy and answers it.
    numbered = publishing(fault, channel={"deduplication": REMEMBERS}, **NUMBERED)
    rows = messages(execute(numbered))
    assert (rows["attempts"] > 1).sum() > 100
    assert (rows["copies"] == 1).all()
    assert (rows["status"] == MessageStatus.CONFIRMED).all()


@pytest.mark.rule("F14")
def test_without_a_time_out_an_answer_that_is_lost_is_never_missed():
    trace = execute(publishing(lasting("ack_loss", 0.2)))
    rows = messages(trace)[answered(trace)]
    unheard = rows["confirmed_at"] == NEVER
    assert (rows["status"][unheard] == MessageStatus.COMMITTED).all()
    assert (rows["attempts"] == 1).all()
    there = rows["stored_at"].between(10 * SECOND, 30 * SECOND - 1)
    assert not unheard[~there].any()
    assert near(unheard[there].mean(), 0.2, there.sum())


@pytest.mark.rule("F14")
def test_a_request_that_is_doubled_is_stored_twice():
    fault = lasting("duplication", 0.2)
    rows = messages(execute(publishing(fault)))
    there = sent_between(rows, 10, 30)
    assert (rows["attempts"] == 1).all()
    assert (rows["copies"][~there] == 1).all()
    assert near((rows["copies"][there] == 2).mean(), 0.2, there.sum())
    for known in ({"by": "message_id", "window": "1min"}, REMEMBERS):
        numbered = known is REMEMBERS
        settings = NUMBERED if numbered else {}
        trace = execute(publishing(fault, channel={"deduplication": known}, **settings))
        assert (messages(trace)["copies"] == 1).all()
        assert count(trace).once == len(messages(trace))


@pytest.mark.rule("F14", "F3")
def test_the_probabilities_of_faults_and_of_the_link_combine():
    link = {"loss_probability": 0.1, "acknowledgement_loss_probability": 0}
    faults = [lasting("loss", 0.2, 0, 40), lasting("loss", 0.25, 0, 40)]
    rows = messages(execute(publishing(*faults, link=link)))
    lost = (rows["status"] == MessageStatus.LOST).mean()
    assert near(lost, 1 - 0.9 * 0.8 * 0.75, len(rows))


@pytest.mark.rule("F14", "F2")
def test_more_loss_loses_what_less_loss_loses_and_more():
    lost = []
    for probability in (0.1, 0.3):
        rows = messages(execute(publishing(lasting("loss", probability, 0, 40))))
        lost.append(set(np.flatnonzero(rows["status"] == MessageStatus.LOST)))
    assert lost[0] < lost[1]


@pytest.mark.rule("F17")
def test_with_sequence_numbers_nothing_goes_far_ahead_of_what_is_open():
    # The answer to the first request is lost; 0.5 s later it is sent again. Meanwhile 25 more have
    # come. A channel that remembers five would not know the first one any more, were they stored.
    fault = {"ack_loss": "source", "probability": 1, "at": "10s", "lasts": "35ms"}
    rows = messages(
        execute(
            publishing(fault, channel={"partitions": 1, "deduplication": REMEMBERS}, **NUMBERED)
        )
    )
    again = np.flatnonzero(rows["attempts"] > 1)
    assert again.size
    assert (rows["status"] == MessageStatus.CONFIRMED).all()
    assert (rows["copies"] == 1).all()
    # No more than four have left beside the first one, until that was answered.
    first = rows.iloc[again[0]]
    answered = first["confirmed_at"]
    beside = rows["sent_at"].between(first["sent_at"] + 1, answered - 1)
    assert beside.sum() == 4
    assert (np.diff(rows["stored_at"]) >= 0).all()


@pytest.mark.rule("F12")
def test_a_request_that_a_cut_holds_back_runs_into_its_time_out():
    cut = {"partition": ["source", "queue"], "at": "10s", "lasts": "3s"}
    numbered = {"channel": {"deduplication": REMEMBERS}, **NUMBERED}
    for settings, most in ((AGAIN, 6), (numbered, 1)):
        rows = messages(execute(publishing(cut, **settings)))
        assert (rows["status"] == MessageStatus.CONFIRMED).all()
        held = sent_between(rows, 10, 12)
        assert (rows["attempts"][held] > 1).any()
        assert (rows["stored_at"][held] >= 13 * SECOND).all()
        # Nothing is lost, so all that was sent in vain arrives, one after the other.
        assert rows["copies"].max() == most


# A producer that crashes --------------------------------------------------------------------------


@pytest.mark.rule("F5")
def test_a_crash_takes_what_was_not_sent_and_what_was_not_answered_is_unknown():
    # Batches linger for 200 ms, the way is 100 ms each way; the crash comes at 10.09 s.
    crash = {"crash": "source", "at": "10090ms", "lasts": "5s"}
    scenario = publishing(crash, link={"latency": "100ms"}, linger="200ms", **AGAIN)
    rows = messages(execute(scenario))
    unsent = rows["status"] == MessageStatus.LOST
    assert unsent.any()
    assert (rows["sent_at"][unsent] == NEVER).all()
    assert (rows["copies"][unsent] == 0).all()
    assert rows["created_at"][unsent].between(9890 * MILLISECOND, 10090 * MILLISECOND).all()
    unheard = rows["status"] == MessageStatus.UNKNOWN
    assert unheard.any()
    assert rows["sent_at"][unheard].between(9890 * MILLISECOND, 10090 * MILLISECOND).all()
    assert (rows["confirmed_at"][unheard] == NEVER).all()
    assert (rows["copies"][unheard] == 1).all()  # it had left: it arrives, and nobody knows
    assert (rows["attempts"][unheard] == 1).all()  # and nobody is there to send it again
    rest = rows[~unsent & ~unheard]
    assert (rest["status"] == MessageStatus.CONFIRMED).all()
    assert (rest["created_at"] > 15 * SECOND).any()


@pytest.mark.rule("F5")
def test_a_crash_takes_what_waited_for_room():
    crash = {"crash": "source", "at": "10s", "lasts": "5s"}
    scenario = publishing(
        crash,
        channel={"partitions": 1, "append": {"per_request": "25ms"}},
        buffer_max_bytes="10KB",
        max_in_flight=1,
    )
    rows = messages(execute(scenario))
    early = rows[rows["created_at"] < 10 * SECOND]
    lost = early["status"] == MessageStatus.LOST
    assert lost.sum() > 50  # 50/s come, 40/s or fewer are stored, ten fit into the buffer
    assert (early["stored_at"][lost] == NEVER).all()
    assert lost[lost.idxmax() :].iloc[1:].all()  # the youngest ones, all of them


# A consumer that publishes ------------------------------------------------------------------------


def chain(*faults, **settings):
    """Return a consumer of two instances that emits what it has handled."""
    return Scenario.model_validate(
        {
            "name": "chain",
            "duration": "40s",
            "drain": True,
            "producers": {"source": {"to": "queue", "arrivals": f"constant({RATE}/s)"}},
            "channels": {"queue": {}, "results": {}},
            "consumers": {
                "server": {
                    "reads": "queue",
                    "service": "10ms",
                    "instances": 2,
                    "emits": "results",
                    "link": {"latency": "5ms"},
                    "publishing": settings,
                },
                "sink": {"reads": "results", "service": "1ms"},
            },
            "faults": list(faults),
        }
    )


def emitted(trace):
    """Return what the server published, with the instance that did."""
    rows = messages(trace)
    rows = rows[rows["causation_id"] != NEVER]
    done = deliveries(trace).query("effect == 1").set_index("message_id")
    return rows.assign(instance=done.loc[rows["causation_id"], "instance"].to_numpy())


@pytest.mark.rule("F14")
@pytest.mark.parametrize("kind", ["loss", "ack_loss", "duplication"])
def test_the_publishing_of_one_instance_is_hit_and_no_other(kind):
    fault = {kind: "server/1", "probability": 0.3, "at": "10s", "lasts": "20s"}
    trace = execute(chain(fault))
    rows = emitted(trace)[answered(trace)[messages(trace)["causation_id"] != NEVER]]
    hit = {
        "loss": rows["status"] == MessageStatus.LOST,
        "ack_loss": rows["confirmed_at"] == NEVER,
        "duplication": rows["copies"] == 2,
    }[kind]
    there = (rows["instance"] == 1) & sent_between(rows, 10, 30)
    assert not hit[~there & ~sent_between(rows, 9, 31)].any()
    assert not hit[rows["instance"] == 0].any()
    assert near(hit[there].mean(), 0.3, there.sum())
    counted = count(trace)
    assert counted.lost == counted.duplicated == 0  # the work itself was done, once


@pytest.mark.rule("F14")
def test_an_instance_sends_again_what_was_lost():
    fault = {"loss": "server", "probability": 0.3, "at": "10s", "lasts": "20s"}
    trace = execute(chain(fault, **AGAIN))
    rows = emitted(trace)
    assert (rows["attempts"] > 1).any()
    assert (rows["status"] == MessageStatus.CONFIRMED).all()
    assert count(trace, "sink").once == len(rows)


@pytest.mark.rule("F12")
def test_a_cut_from_what_an_instance_publishes_does_not_stop_what_it_reads():
    fault = {"partition": ["server/0", "results"], "at": "10s", "lasts": "5s"}
    trace = execute(chain(fault))
    work = deliveries(trace)
    own = work[(work["instance"] == 0) & work["finished_at"].between(11 * SECOND, 14 * SECOND)]
    assert len(own) > 50
    rows = emitted(trace)
    held = (rows["instance"] == 0) & sent_between(rows, 10, 15)
    assert (rows["stored_at"][held] == 15 * SECOND + 5 * MILLISECOND).all()
    other = (rows["instance"] == 1) & sent_between(rows, 10, 15)
    assert (rows["stored_at"] - rows["created_at"])[other].max() == 5 * MILLISECOND


@pytest.mark.rule("F13")
def test_a_delay_holds_for_what_an_instance_publishes():
    fault = {"delay": "server/0", "latency": "200ms", "at": "10s", "lasts": "5s"}
    rows = emitted(execute(chain(fault)))
    way = rows["stored_at"] - rows["created_at"]
    there = (rows["instance"] == 0) & sent_between(rows, 10, 15)
    assert there.any()
    assert (way[there] == 205 * MILLISECOND).all()
    assert (way[rows["instance"] == 1] == 5 * MILLISECOND).all()


@pytest.mark.rule("F4")
def test_a_crash_of_an_instance_takes_its_unsent_batches():
    fault = {"crash": "server/0", "at": "10s", "lasts": "5s"}
    trace = execute(chain(fault, linger="1s"))
    rows = emitted(trace)
    lost = rows["status"] == MessageStatus.LOST
    assert lost.any()
    assert set(rows["instance"][lost]) == {0}
    assert rows["created_at"][lost].between(9 * SECOND, 10 * SECOND).all()
    # The effects are there, what should have followed from them is not.
    assert count(trace).once == RATE * 40 - 1
    assert count(trace, "sink").once == len(rows) - lost.sum()

"""Effects: batches, deduplication with and without a transaction, and what is emitted."""

import numpy as np
import pytest

import eda_sim as es
from eda_sim.engine.execute import execute
from eda_sim.engine.trace import Outcome
from eda_sim.spec.errors import ScenarioError
from tests.engine.worlds import SECOND, at, copies, count, deliveries, messages, seconds, world

LEASE = {"lease_scope": "partition", "lease_timeout": "10s"}


# Batches ------------------------------------------------------------------------------------------


@pytest.mark.rule("H11")
@pytest.mark.parametrize(
    ("how", "starts", "ends"),
    [
        # The worker is idle when the first message comes and takes it alone; then three, then one.
        ("pull", [1, 3, 3, 3, 5], [3, 5, 5, 5, 7]),
        ("push", [1, 3, 3, 3, 5], [3, 5, 5, 5, 7]),
        # Its next fetch leaves at once, finds the second message alone, and brings that.
        ("partition", [1, 3, 5, 5, 5], [3, 5, 7, 7, 7]),
    ],
)
def test_a_batch_is_what_is_there_and_takes_one_service_time(how, starts, ends):
    subscription = {
        "pull": {"fetch_max_messages": 3},
        "push": {"delivery": "push"},
        "partition": {**LEASE, "fetch_max_messages": 3},
    }[how]
    trace = execute(
        world(
            duration=20,
            sample_every=1,
            producer={"arrivals": at(1, 1, 1, 1, 1)},
            consumer={"service": "2s", "batch_max_messages": 3, "subscription": subscription},
        )
    )
    rows = deliveries(trace)
    assert seconds(rows["started_at"]) == starts
    assert seconds(rows["finished_at"]) == ends
    assert trace.series["busy"][[2, 4, 6, 8]].tolist() == [1, 1, 1, 0]


@pytest.mark.rule("H11")
@pytest.mark.parametrize(
    ("rate", "most", "wait", "size"),
    [
        (8.0, 10, 2.9073615624537963, 8.041020334143145),
        (1.5, 2, 2.7700696888632166, 1.6771243444677049),
    ],
)
def test_bulk_service_is_that_of_theory(rate, most, wait, size):
    """Records bulk.l8.0K10 and bulk.l1.5K2: M/M^[1,K]/1, exponential batches with rate 1."""
    scenario = world(
        messages=round(2_500 * rate),
        producer={"rate": rate},
        consumer={
            "service": "exponential(1s)",
            "batch_max_messages": most,
            "subscription": {"fetch_max_messages": most},
        },
    )
    waits, sizes = [], []
    for replication in range(4):
        rows = deliveries(execute(scenario, replication=replication))
        rows = rows[rows["started_at"] >= 0]
        waits.append(((rows["started_at"] - rows["available_at"]) / SECOND).mean())
        sizes.append(rows.groupby("started_at").size().mean())
    assert np.mean(waits) == pytest.approx(wait, rel=0.08)
    assert np.mean(sizes) == pytest.approx(size, rel=0.03)


@pytest.mark.rule("H11")
def test_each_message_of_a_batch_has_its_own_outcome():
    trace = execute(
        world(
            seed=1,
            messages=3000,
            drain=True,
            producer={"rate": "1000/s"},
            consumer={
                "service": "10ms",
                "batch_max_messages": 50,
                "error_probability": 0.2,
                "retry": "fixed(100ms, max_attempts=30)",
                "retry_where": "requeue",
                "subscription": {"fetch_max_messages": 50},
            },
        )
    )
    rows = deliveries(trace)
    assert count(trace).once == 3000
    failed = rows["outcome"] == Outcome.FAILED
    per_batch = failed.groupby(rows["started_at"]).agg(["sum", "size"])
    assert ((per_batch["sum"] > 0) & (per_batch["sum"] < per_batch["size"])).any()
    assert failed.mean() == pytest.approx(0.2, abs=0.03)


# The course of a call -----------------------------------------------------------------------------


@pytest.mark.rule("H1")
def test_look_up_then_service_then_effect_and_a_known_message_is_skipped():
    # Handed over at 1 s, there at 2 s; the acknowledgement of 3.1 s comes at 4.1 s, and the lease
    # ran out at 3.5 s.
    trace = execute(
        world(
            duration=20,
            producer={"arrivals": at(1)},
            consumer={
                "service": "1s",
                "concurrency": 2,
                "dedup": {"count": 10, "lookup": "100ms"},
                "link": {"latency": "1s"},
                "subscription": {"lease_timeout": "2.5s"},
            },
        )
    )
    rows = deliveries(trace)
    assert seconds(rows["started_at"]) == [2, 4.5]
    assert seconds(rows["finished_at"]) == pytest.approx([3.1, 4.6])
    assert rows["outcome"].tolist() == [Outcome.OK, Outcome.SKIPPED]
    assert rows["effect"].tolist() == [1, 0]


@pytest.mark.rule("H1")
def test_a_crash_ends_a_call_without_an_effect():
    scenario = world(
        duration=20,
        producer={"arrivals": at(1)},
        consumer={"service": "1s", "timeout": "2s"},
        faults=[{"crash": "server", "at": 1.5, "lasts": 1}],
    )
    rows = deliveries(execute(scenario))
    assert rows["outcome"].tolist() == [Outcome.CRASHED, Outcome.OK]
    assert rows["effect"].tolist() == [0, 1]
    assert seconds(rows["finished_at"]) == [1.5, 3.5]


# Deduplication ------------------------------------------------------------------------------------


def impatient(**dedup):
    """A visibility timeout that a tenth of the handlers outlive: two run one message."""
    return world(
        seed=2,
        messages=5000,
        drain=True,
        producer={"rate": "50/s"},
        consumer={
            "service": "exponential(100ms)",
            "concurrency": 20,
            "dedup": {"window": "1h", **dedup},
            "subscription": {"lease_timeout": "230ms"},
        },
    )


@pytest.mark.rule("H12", "H13")
def test_only_a_transaction_stops_the_second_of_two_handlers_of_one_message():
    plain = count(execute(impatient()))
    transactional = count(execute(impatient(transactional=True)))
    assert plain.duplicated > 100  # both looked before either was done
    assert transactional.duplicated == 0
    assert plain.lost == transactional.lost == 0
    assert transactional.once == 5000


@pytest.mark.rule("H13")
def test_a_transaction_that_finds_an_effect_has_done_its_work_for_nothing():
    rows = deliveries(execute(impatient(transactional=True)))
    skipped = rows[rows["outcome"] == Outcome.SKIPPED]
    looked = skipped["finished_at"] == skipped["started_at"]  # known when the worker took it up
    assert (~looked).sum() > 100
    assert (skipped["tries"][~looked] == 1).all()
    assert (skipped["tries"][looked] == 0).all()


@pytest.mark.rule("H13")
def test_a_plain_handler_is_not_called_where_a_transaction_finds_an_effect():
    called = []
    scenario = impatient(transactional=True)
    execute(scenario, handlers={"server": lambda event, context: called.append(event.message_id)})
    assert len(called) == len(set(called)) == 5000


@pytest.mark.rule("H13")
def test_a_window_that_is_shorter_than_the_redelivery_lets_duplicates_through():
    found = count(execute(impatient(transactional=True, window="10ms")))
    assert found.duplicated > 10


@pytest.mark.rule("H12")
@pytest.mark.parametrize(("scope", "duplicated"), [("consumer", 0), ("instance", 40)])
def test_a_memory_in_the_instance_does_not_know_what_another_has_done(scope, duplicated):
    # Every message takes effect and is delivered again, to the other instance, because the
    # acknowledgement comes too late.
    trace = execute(
        world(
            messages=40,
            drain=True,
            producer={"arrivals": {"type": "constant", "interval": "1s"}},
            consumer={
                "service": "10ms",
                "instances": 2,
                "dedup": {"window": "1h", "scope": scope},
                "link": {"latency": "60ms"},
                "subscription": {"lease_timeout": "100ms"},
            },
            drain_timeout="10s",
        )
    )
    assert count(trace).duplicated == duplicated


# Emits --------------------------------------------------------------------------------------------


def topology(consumers, **settings):
    """A producer that sends three orders, and consumers that emit."""
    channels = {"orders"}
    for consumer in consumers.values():
        reads, emits = consumer["reads"], consumer.get("emits", [])
        channels |= set([reads] if isinstance(reads, str) else reads)
        emits = [emits] if isinstance(emits, str) else emits
        channels |= {emit if isinstance(emit, str) else emit["to"] for emit in emits}
    return es.Scenario.model_validate(
        {
            "name": "topology",
            "seed": 1,
            "duration": 60,
            "producers": {"shop": {"to": "orders", "arrivals": at(1, 2, 3)}},
            "channels": {channel: {} for channel in sorted(channels)},
            "consumers": {
                name: {"service": "100ms", **consumer} for name, consumer in consumers.items()
            },
            **settings,
        }
    )


@pytest.mark.rule("H19")
def test_correlation_and_causation_follow_a_chain():
    trace = execute(
        topology(
            {
                "billing": {"reads": "orders", "emits": "invoices"},
                "shipping": {"reads": "invoices", "emits": "parcels"},
                "mail": {"reads": "parcels"},
            }
        )
    )
    rows = messages(trace)
    assert len(rows) == 9
    orders = rows[rows["source"] == 0]
    assert (orders["correlation_id"] == orders.index).all()
    assert (orders["causation_id"] == -1).all()
    emitted = rows[rows["source"] != 0]
    causes = rows.loc[emitted["causation_id"]]
    assert (emitted["correlation_id"].to_numpy() == causes["correlation_id"].to_numpy()).all()
    assert (rows["correlation_id"].value_counts() == 3).all()


@pytest.mark.rule("H20")
def test_fan_in_waits_for_all_siblings():
    trace = execute(
        topology(
            {
                "splitter": {"reads": "orders", "emits": ["left", "right"]},
                "lefty": {"reads": "left", "service": "50ms", "emits": "parts"},
                "righty": {"reads": "right", "service": "400ms", "emits": "parts"},
                "joiner": {
                    "reads": "parts",
                    "service": "10ms",
                    "emits": {"to": "whole", "join": 2},
                },
                "reader": {"reads": "whole"},
            }
        )
    )
    rows = messages(trace)
    whole = rows[rows["channel"] == trace.names.channels.index("whole")]
    orders = rows[rows["source"] == 0]
    assert len(deliveries(trace, "joiner")) == 6
    assert whole["correlation_id"].tolist() == orders.index.tolist()
    assert ((whole["created_at"].to_numpy() - orders["created_at"].to_numpy()) / SECOND) == (
        pytest.approx([0.1 + 0.4 + 0.01] * 3)
    )


@pytest.mark.rule("H20")
def test_the_draws_behind_a_join_do_not_depend_on_who_came_last():
    found = []
    for slow in ("lefty", "righty"):
        consumers = {
            "splitter": {"reads": "orders", "emits": ["left", "right"]},
            "lefty": {"reads": "left", "service": "50ms", "emits": "parts"},
            "righty": {"reads": "right", "service": "50ms", "emits": "parts"},
            "joiner": {"reads": "parts", "emits": {"to": "whole", "join": 2}},
            "reader": {"reads": "whole", "service": "exponential(1s)"},
        }
        consumers[slow]["service"] = "400ms"
        rows = deliveries(execute(topology(consumers)), "reader")
        found.append((rows["finished_at"] - rows["started_at"]).tolist())
    assert found[0] == found[1]


@pytest.mark.rule("H19")
def test_on_failure_emits_when_the_consumer_gives_up():
    trace = execute(
        topology(
            {
                "billing": {
                    "reads": "orders",
                    "poison_probability": 1,
                    "retry": "fixed(100ms, max_attempts=3)",
                    "emits": [{"to": "failed", "on": "failure"}, "invoices"],
                },
                "support": {"reads": "failed"},
            }
        )
    )
    rows = messages(trace)
    assert trace.names.channels[rows["channel"].iloc[-1]] == "failed"
    assert len(rows) == 6
    assert seconds(rows[rows["source"] == 1]["created_at"]) == pytest.approx([1.5, 2.5, 3.5])
    assert (deliveries(trace, "support")["effect"] == 1).all()


@pytest.mark.rule("H19")
def test_an_effect_that_takes_place_twice_emits_twice():
    scenario = impatient(window="1ms").replace(
        {
            "channels.results": {},
            "consumers.server.emits": "results",
            "consumers.reader": {"reads": "results", "service": "0s"},
        }
    )
    trace = execute(scenario)
    effects = int(deliveries(trace)["effect"].sum())
    assert effects > 5100
    assert len(copies(trace, "reader")) == effects
    rows = messages(trace)
    emitted = rows[rows["source"] == 1]
    assert np.bincount(emitted["causation_id"]).max() > 1


def test_a_join_of_failures_is_refused():
    with pytest.raises(ScenarioError, match="only with on: effect"):
        topology({"a": {"reads": "orders", "emits": {"to": "x", "on": "failure", "join": 2}}})

"""Synchronous calls: a caller that waits, against events that do not."""

import functools

import numpy as np
import pytest

import eda_sim as es
from eda_sim.engine.execute import execute
from eda_sim.engine.user import CallFailed, CallTimeout, Failure, HandlerError
from tests.engine.worlds import at, deliveries, messages


def services(count, *, duration=60, seed=1, **consumer):
    """``s1`` to ``s<count>``, each behind a channel of its own, and a producer without readers."""
    names = [f"s{number}" for number in range(1, count + 1)]
    return es.Scenario.model_validate(
        {
            "name": "services",
            "seed": seed,
            "duration": duration,
            "producers": {"nobody": {"to": "silence", "arrivals": at(duration - 1)}},
            "channels": {"silence": {}, **{f"to-{name}": {} for name in names}},
            "consumers": {name: {"reads": f"to-{name}", **consumer} for name in names},
        }
    )


def forwarding(count, **options):
    """Handlers of which each calls the next service, and the last one answers."""

    def handler(event, context, name):
        yield context.timeout(context.service_time())
        if name < count:
            answer = yield from context.call(f"s{name + 1}", **options)
            return [name, *answer]
        return [name]

    return {f"s{name}": functools.partial(handler, name=name) for name in range(1, count + 1)}


@pytest.mark.rule("H18")
def test_the_answer_is_what_the_handler_returned_and_comes_with_its_effect():
    answers = []

    def client(context):
        yield context.timeout(1)
        answers.append((yield from context.call("s1", payload=20, timeout=5)))
        answers.append(context.now)
        answers.append((yield from context.call("s2")))

    def double(event, context):
        return 2 * event.payload

    execute(services(2, service="500ms"), handlers={"s1": double}, processes=[client])
    assert answers == [40, 1.5, None]


@pytest.mark.rule("H18")
def test_a_synchronous_chain_takes_the_sum_of_its_services():
    took = []

    def client(context):
        for _ in range(3):
            began = context.now
            assert (yield from context.call("s1")) == [1, 2, 3, 4, 5]
            took.append(context.now - began)

    scenario = services(5, service="20ms", link={"latency": "1ms"})
    execute(scenario, handlers=forwarding(5), processes=[client])
    # A request reaches its worker over the link of the service, and the answer comes back over it.
    # (A worker that is idle has its own request at the broker already, except after the first.)
    assert took == pytest.approx([5 * (20 + 2) / 1000] * 3, abs=0.002 * 5)


@pytest.mark.rule("H18")
def test_events_return_at_once_where_a_call_waits_for_the_whole_chain():
    waited = {"call": [], "event": []}

    def caller(context):
        began = context.now
        yield from context.call("s1")
        waited["call"].append(context.now - began)
        began = context.now
        context.publish("to-s5")
        waited["event"].append(context.now - began)

    execute(services(5, service="20ms"), handlers=forwarding(5), processes=[caller])
    assert waited == {"call": [pytest.approx(0.1)], "event": [0.0]}


@pytest.mark.rule("H18")
def test_availability_of_a_synchronous_chain_is_the_product():
    """Record avail.sync5: 0.999^5 = 0.99501."""
    outcomes = []

    def client(context, calls):
        for _ in range(calls):
            try:
                yield from context.call("s1")
            except CallFailed:
                outcomes.append(0)
            else:
                outcomes.append(1)

    scenario = services(
        5, duration=10_000, service="1ms", error_probability=0.001, concurrency=10, seed=2
    )
    clients = [functools.partial(client, calls=800) for _ in range(10)]
    execute(scenario, handlers=forwarding(5), processes=clients)
    expected = 0.995009990004999
    spread = np.sqrt(expected * (1 - expected) / len(outcomes))
    assert len(outcomes) == 8_000
    assert np.mean(outcomes) == pytest.approx(expected, abs=3 * spread)


@pytest.mark.rule("H18")
def test_availability_with_independent_tries():
    """Record avail.retry: 1 - (1 - A)^r, here with A = 0.7 and 3 tries: 0.973."""
    outcomes = []

    def client(context):
        for _ in range(5000):
            try:
                yield from context.call("s1", retry="immediate(max_attempts=3)")
            except CallFailed:
                outcomes.append(0)
            else:
                outcomes.append(1)

    scenario = services(1, duration=10_000, service="1ms", error_probability=0.3)
    execute(scenario, processes=[client])
    spread = np.sqrt(0.973 * 0.027 / 5000)
    assert np.mean(outcomes) == pytest.approx(0.973, abs=3 * spread)


@pytest.mark.rule("H18")
def test_retries_in_five_layers_multiply_to_243():
    """Amazon Builders' Library: 5 layers with 3 tries each are 3^5 calls at the bottom."""

    def client(context):
        with pytest.raises(CallFailed):
            yield from context.call("s1", retry="immediate(max_attempts=3)")

    scenario = services(5, service="1ms").replace({"consumers.s5.poison_probability": 1.0})
    trace = execute(
        scenario, handlers=forwarding(5, retry="immediate(max_attempts=3)"), processes=[client]
    )
    assert [len(deliveries(trace, f"s{layer}")) for layer in range(1, 6)] == [3, 9, 27, 81, 243]


@pytest.mark.rule("H18")
def test_retried_at_a_single_point_the_load_triples_only():
    def client(context):
        with pytest.raises(CallFailed):
            yield from context.call("s1", retry="immediate(max_attempts=3)")

    scenario = services(5, service="1ms").replace({"consumers.s5.poison_probability": 1.0})
    trace = execute(scenario, handlers=forwarding(5), processes=[client])
    assert [len(deliveries(trace, f"s{layer}")) for layer in range(1, 6)] == [3] * 5


@pytest.mark.rule("H18")
def test_a_timeout_ends_the_waiting_and_not_the_work():
    seen = []

    def client(context):
        with pytest.raises(CallTimeout, match=r"s1 did not answer in time \(attempt 2\)"):
            yield from context.call("s1", timeout=0.3, retry="fixed(200ms, max_attempts=2)")
        seen.append(context.now)

    trace = execute(services(1, service="1s"), processes=[client])
    assert seen == [pytest.approx(0.8)]
    rows = deliveries(trace, "s1")
    assert rows["effect"].tolist() == [1, 1]
    sent = messages(trace)
    assert sent[sent["source"] == 2]["created_at"].tolist() == [0, 500_000_000]


@pytest.mark.rule("H18")
def test_an_answer_that_comes_at_the_very_moment_of_the_timeout_counts():
    def client(context):
        yield from context.call("s1", timeout=1.0)
        context.state["answered"] = True
        yield context.timeout(0)
        raise ValueError(context.now)

    with pytest.raises(HandlerError, match=r"ValueError: 1\.0"):
        execute(services(1, service="1s"), processes=[client])


@pytest.mark.rule("H18")
def test_a_service_that_is_down_answers_when_it_is_back_or_not_in_time():
    results = []

    def client(context, timeout):
        yield context.timeout(1)
        try:
            yield from context.call("s1", timeout=timeout)
        except Failure as failure:
            results.append((timeout, type(failure).__name__, context.now))
        else:
            results.append((timeout, "answered", context.now))

    scenario = services(1, service="100ms").replace(
        {"faults": [{"crash": "s1", "at": 0.5, "lasts": 4.5}]}
    )
    clients = [functools.partial(client, timeout=timeout) for timeout in (2, 10)]
    execute(scenario, processes=clients)
    assert results == [(2, "CallTimeout", 3.0), (10, "answered", pytest.approx(5.2))]


@pytest.mark.rule("H18")
def test_requests_of_a_handler_belong_to_its_event():
    def client(context):
        yield from context.call("s1")

    trace = execute(services(3, service="1ms"), handlers=forwarding(3), processes=[client])
    rows = messages(trace)
    calls = rows[rows["channel"] > 0]
    assert calls["correlation_id"].tolist() == [0, 0, 0]
    assert calls["causation_id"].tolist() == [-1, 0, 1]


@pytest.mark.rule("H18")
def test_calls_are_deterministic():
    def client(context):
        for _ in range(100):
            yield context.timeout(context.sample("exponential(100ms)", "think"))
            try:
                yield from context.call(
                    "s1", timeout=0.05, retry="exponential(10ms, jitter=full, max_attempts=4)"
                )
            except CallFailed:
                context.state["failed"] = context.state.get("failed", 0) + 1

    scenario = services(1, service="exponential(40ms)", error_probability=0.1)
    digests = {execute(scenario, processes=[client, client]).digest() for _ in range(2)}
    assert len(digests) == 1

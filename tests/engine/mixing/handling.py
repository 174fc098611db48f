"""Strategies for consumers that can be run: how they handle, fail, remember, and emit."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.engine.mixing.drawing import (
    CHANNELS,
    DELAY,
    LONG,
    SHORT,
    Data,
    Draw,
    Focus,
    milliseconds,
    options,
    retry_policies,
    service_times,
    sometimes,
)
from tests.engine.mixing.publishing import latencies, links, publishings
from tests.engine.mixing.subscriptions import dead_letters, groups, queues


@st.composite
def consumers(draw: Draw, reads: list[str], focus: Focus) -> Data:
    settle = draw(st.sampled_from(("after", "after", "after", "before", "auto")))
    consumer: Data = {
        "reads": reads,
        "instances": draw(st.integers(1, 3)),
        "concurrency": draw(st.integers(1, 2)),
        "service": draw(service_times()),
        "settle": settle,
    }
    if focus is not Focus.BROKERS:
        shares = {Focus.QUEUES: 8, Focus.GROUPS: 1}
        if draw(st.integers(0, 9)) < shares.get(focus, 6):
            consumer["subscription"] = draw(queues(settle))
            if "letters" not in reads:
                consumer["subscription"] |= draw(dead_letters())
        else:
            consumer["subscription"] = draw(groups())
    consumer |= options(draw, {"link": links(lossy=False)})
    if consumer.get("subscription", {}).get("outstanding_scope") == "instance":
        # A window counts what is on its way, so it matters most on a link that takes time.
        consumer["link"] = {"latency": draw(latencies()), **consumer.get("link", {})}
    if sometimes(draw, 3):
        consumer["dedup"] = draw(memories())
    if sometimes(draw, 2 if focus is Focus.FAILURES else 3):
        consumer |= draw(failures(consumer, ends=focus is Focus.BROKERS))
    if sometimes(draw, 3):
        _let_it_interrupt(draw, consumer)
    behind = [name for name in CHANNELS if CHANNELS.index(name) > _last(reads)]
    if behind and sometimes(draw, 3):
        emission = st.fixed_dictionaries(
            {"to": st.sampled_from(behind)},
            optional={
                "key": st.just("none"),
                "size": st.just("100B"),
                "on": st.just("failure"),
                "probability": st.sampled_from((0.1, 0.5, "75%")),
            },
        )
        joined = st.fixed_dictionaries({"to": st.sampled_from(behind), "join": st.just(2)})
        chosen = st.fixed_dictionaries(
            {
                "to": st.sampled_from(behind),
                "probability": st.sampled_from((0.2, 0.5)),
                "choice": st.just("way"),
            }
        )
        consumer["emits"] = draw(st.lists(emission | joined | chosen, min_size=1, max_size=2))
        one_in = 2 if focus is Focus.PUBLISHING else 4
        consumer |= options(draw, {"publishing": publishings()}, one_in=one_in)
    if sometimes(draw, 4) and (focus is not Focus.BROKERS or "emits" not in consumer):
        back = {
            "to": draw(st.sampled_from(reads)),
            "probability": draw(st.sampled_from((0.2, 0.6))),
        }
        consumer["emits"] = [*consumer.get("emits", ()), back]
    return consumer


def _let_it_interrupt(draw: Draw, consumer: Data) -> None:
    """Let a consumer be preemptive, where something is sent to it; leave out what that forbids."""
    queue = consumer.get("subscription", {})
    if queue.get("delivery") != "push" or queue.get("lease_scope") == "group":
        return
    consumer |= {"preemptive": True, "concurrency": 1, "instances": 1}
    queue["priorities"] = draw(st.integers(2, 3))
    if queue.get("requeue_position") == "tail":
        del queue["requeue_position"]
    # With work that takes its time, and enough of it, something comes that interrupts.
    consumer["service"] = draw(st.sampled_from(("3ms", "10ms", "exponential(4ms)")))
    if queue.get("max_outstanding", 3) < 3:
        queue["max_outstanding"] = 3
    unfit = ["batch_max_messages", "circuit_breaker"]
    unfit += ["retry", "retry_where"] * (consumer.get("retry_where") == "in_place")
    for name in unfit:
        consumer.pop(name, None)


def _last(names: list[str]) -> int:
    return max(CHANNELS.index(name) for name in names)


@st.composite
def memories(draw: Draw) -> Data:
    bound = st.fixed_dictionaries({"window": LONG}) | st.fixed_dictionaries(
        {"count": st.integers(1, 20)}
    )
    settings = {
        "scope": st.just("instance"),
        "lookup": SHORT,
        "transactional": st.just(True),
    }
    return {**draw(bound), **options(draw, settings)}


@st.composite
def failures(draw: Draw, consumer: Data, *, ends: bool) -> Data:
    """How the handlers of a consumer fail, and what they do about it."""
    partition = consumer.get("subscription", {}).get("lease_scope") == "partition"
    after = consumer["settle"] == "after"
    breaker = st.fixed_dictionaries(
        {
            "window": st.integers(1, 5),
            "minimum_calls": st.integers(1, 3),
            "open_for": DELAY,
            "half_open_calls": st.integers(1, 2),
            "while_open": st.sampled_from(("fail", "pause")),
        }
    )
    settings = {
        "error_probability": st.sampled_from((0.1, 0.5, 1)),
        "poison_probability": st.sampled_from((0.1, 0.5)),
        "timeout": milliseconds(3, 5, 8),
        "circuit_breaker": breaker,
    }
    failing = options(draw, settings, one_in=2)
    if sometimes(draw):
        failing["retry"] = draw(retry_policies(ends=ends or sometimes(draw)))
        where = ["in_place"]
        if after:
            where += ["channel"] if partition else ["requeue", "channel"]
        failing["retry_where"] = draw(st.sampled_from(where))
        if failing["retry_where"] == "channel":
            failing["retry_channel"] = draw(st.sampled_from(consumer["reads"]))
    if failing.get("retry_where") != "in_place":
        failing |= options(draw, {"batch_max_messages": st.integers(2, 4)}, one_in=4)
    pauses = failing.get("circuit_breaker", {}).get("while_open") != "fail"
    if after and not partition:
        ends = ["leave"] + ["release"] * (pauses and consumer["service"] != "0s")
        failing |= options(draw, {"on_exhausted": st.sampled_from(ends)})
    return failing

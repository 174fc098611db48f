"""Strategies for what lies before a subscription: producers, links, publishers, channels, nodes."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.engine.mixing.drawing import (
    DELAY,
    LONG,
    SHORT,
    Data,
    Draw,
    Focus,
    latencies,
    milliseconds,
    options,
    retry_policies,
    sometimes,
)

CHANCE = st.sampled_from((0.1, 0.5))

NAMED = {"type": "trace", "keys": ["21", "key-2", "order-7", "21"]}


@st.composite
def producers(draw: Draw, to: str, focus: Focus) -> Data:
    arrivals = st.sampled_from(
        (
            "constant(interval=2ms)",
            "constant(interval=5ms)",
            "poisson(rate=300/s)",
            "renewal(interval=uniform(low=0s, high=8ms))",
            "mmpp(rates=[0/s, 800/s], mean_durations=[10ms, 20ms])",
            "piecewise(rates=[500/s, 50/s], durations=[20ms, 50ms])",
            "trace(times=[0s, 0s, 5ms, 5ms, 10ms, 50ms])",
        )
    )
    settings = {
        "key": st.sampled_from(("uniform(n=3)", "zipf(s=1.1, n=5)", "uniform(n=50)", NAMED)),
        "bulk": st.sampled_from((3, "uniform(low=1, high=4)")),
        "size": st.sampled_from(("10B", "exponential(2KB)")),
        "priority": st.sampled_from((1, "uniform(low=0, high=3)")),
        "start": SHORT,
        "stop": LONG,
        "messages": st.integers(1, 30),
    }
    producer = {"to": to, "arrivals": draw(arrivals), **options(draw, settings)}
    often = focus in (Focus.PUBLISHING, Focus.STORES)
    one_in = 1 if focus is Focus.PUBLISHING else 2 if often else 4
    producer |= options(draw, {"publishing": publishings()}, one_in=one_in)
    return producer | options(draw, {"link": links(lossy=often)}, one_in=2 if often else 3)


@st.composite
def links(draw: Draw, *, lossy: bool) -> Data:
    link = options(draw, {"latency": latencies()}, one_in=2)
    chances = {
        "loss_probability": CHANCE,
        "duplicate_probability": CHANCE,
        "acknowledgement_loss_probability": CHANCE | st.just(0),
        "bandwidth": st.sampled_from(("100KB/s", "1MB/s", "80Mbit/s")),
    }
    return link | options(draw, chances, one_in=3 if lossy else 8)


@st.composite
def publishings(draw: Draw) -> Data:
    """Batches, window, buffer, time-outs and retries."""
    acks = draw(st.sampled_from(("all", "all", "leader", "none")))
    publishing: Data = {"acks": acks}
    settings = {
        "linger": SHORT,
        "batch_max_messages": st.integers(1, 5),
        "batch_max_bytes": st.sampled_from(("500B", "2500B")),
        "buffer_max_bytes": st.sampled_from(("1500B", "5000B")),
        "keyless": st.sampled_from(("round_robin", "sticky", "random")),
    }
    publishing |= options(draw, settings)
    if "buffer_max_bytes" in publishing:
        publishing |= options(draw, {"max_block": milliseconds(0, 5, 20)}, one_in=2)
    if acks != "none":
        waiting = {
            "max_in_flight": st.integers(1, 3),
            "request_timeout": DELAY,
            "retry": retry_policies(),
            "idempotent": st.just(True),
        }
        publishing |= options(draw, waiting, one_in=2)
    return publishing | options(draw, {"delivery_timeout": milliseconds(60, 100, 200)})


@st.composite
def channels(draw: Draw, focus: Focus) -> Data:
    append = {
        "per_message": st.sampled_from(("0s", "1ms", "100us")),
        "per_byte": st.just("1us"),
        "per_request": st.sampled_from(("200us", "2ms")),
    }
    settings = {
        "partitions": st.integers(1, 5),
        "partitioner": st.sampled_from(("murmur2", "crc32", "sticky", "round_robin")),
        "delay": SHORT,
        "append": st.fixed_dictionaries({}, optional=append),
    }
    channel = options(draw, settings)
    one_in = {Focus.STORES: 2, Focus.PUBLISHING: 3}.get(focus, 6)
    parts = {"deduplication": memories_of_channels(), "replication": replications()}
    channel |= options(draw, parts, one_in=one_in)
    return channel | (draw(stores()) if sometimes(draw, one_in) else {})


@st.composite
def memories_of_channels(draw: Draw) -> Data:
    by = draw(st.sampled_from(("producer_sequence", "message_id")))
    memory = {"by": by, **options(draw, {"window": DELAY, "size": st.integers(1, 20)}, one_in=2)}
    if by == "message_id" and len(memory) == 1:
        memory["window"] = draw(LONG)
    return memory


@st.composite
def stores(draw: Draw) -> Data:
    """What a channel keeps, what it drops, and who waits when it is full."""
    store = options(draw, {"retention": st.sampled_from(("work_queue", "interest"))})
    limits = {
        "max_age": DELAY,
        "max_messages": st.integers(1, 10),
        "max_bytes": st.sampled_from(("1500B", "5KB")),
        "message_ttl": st.sampled_from(("5ms", "20ms", "exponential(20ms)")),
    }
    store |= options(draw, limits, one_in=2)
    if "max_messages" in store or "max_bytes" in store:
        full = st.sampled_from(("drop_head", "reject_publish", "block"))
        store["overflow"] = draw(full)
    if len(store.keys() & {"max_age", "max_messages", "max_bytes"}):
        store |= options(draw, {"retention_check_interval": DELAY}, one_in=4)
    if "message_ttl" in store:
        store |= options(draw, {"ttl_at_head_only": st.just(True)}, one_in=2)
    return store


@st.composite
def replications(draw: Draw) -> Data:
    """Nodes whose failures are noticed soon."""
    factor = draw(st.integers(1, 3))
    rule = draw(st.sampled_from(("isr", "isr", "quorum", "leader")))
    replication: Data = {
        "factor": factor,
        "commit_rule": rule,
        "failure_detection": draw(st.sampled_from(("5ms", "uniform(2ms, 10ms)", "20ms"))),
    }
    settings = {"lag": latencies(), "election": SHORT}
    if rule == "isr":
        settings |= {"min_insync": st.integers(1, factor), "replica_lag_max": SHORT}
    if rule != "quorum":
        settings["unclean_leader_election"] = st.just(True)
    replication |= options(draw, settings, one_in=2)
    flush = draw(st.sampled_from(("os", "interval", "before_ack")))
    replication["flush"] = flush
    if flush == "interval":
        replication["flush_interval"] = draw(DELAY)
    elif flush == "before_ack":
        replication |= options(draw, {"flush_time": SHORT}, one_in=2)
    return replication

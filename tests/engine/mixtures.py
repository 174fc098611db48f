"""Hypothesis strategies for scenarios that mix whatever the engine can do, small enough to run.

``tests.strategies`` covers every field in every spelling; its scenarios are there to be written and
compared. Here every scenario is there to be *run*: settings that only matter together are drawn
together, times lie on a coarse grid of milliseconds (so that many things happen at one instant),
and a run has at most some hundred messages and a second of simulated time.

A ``Focus`` says what a family of scenarios is about; everything else is still there, less often.
"""

from __future__ import annotations

import enum
from typing import Any

from hypothesis import reject
from hypothesis import strategies as st

from eda_sim.spec import Scenario, ScenarioError
from eda_sim.spec.presets.catalogue import brokers
from tests.strategies import faults

Data = dict[str, Any]
Draw = st.DrawFn

# In the order in which messages may pass them: emissions and dead letters only go forward.
CHANNELS = ("orders", "retries", "events", "letters")
MESSAGES = (3, 10, 20, 40, 60, 100)


class Focus(enum.Enum):
    """What a scenario is about."""

    ANYTHING = enum.auto()
    QUEUES = enum.auto()
    GROUPS = enum.auto()
    FAILURES = enum.auto()
    BROKERS = enum.auto()


def milliseconds(*choices: int) -> st.SearchStrategy[str]:
    return st.sampled_from([f"{choice}ms" for choice in choices])


SHORT = milliseconds(1, 2, 3, 5, 10)
DELAY = milliseconds(5, 8, 10, 20, 50)
LONG = milliseconds(20, 30, 50, 100, 200)


def sometimes(draw: Draw, one_in: int = 2) -> bool:
    """Shrinks to no."""
    return draw(st.integers(0, one_in - 1)) == one_in - 1


def options(draw: Draw, choices: dict[str, st.SearchStrategy[Any]], *, one_in: int = 3) -> Data:
    """Some of the settings; a setting that is left out has its default."""
    chosen: Data = {}
    for name, values in choices.items():
        if sometimes(draw, one_in):
            chosen[name] = draw(values)
    return chosen


def service_times() -> st.SearchStrategy[str]:
    return SHORT | st.sampled_from(
        (
            "0s",
            "exponential(4ms)",
            "uniform(low=1ms, high=9ms)",
            "lognormal(mean=5ms, cv=1)",
            "erlang(mean=6ms, stages=3)",
            "hyperexponential(mean=5ms, cv=2)",
            "20ms",
        )
    )


def latencies() -> st.SearchStrategy[str]:
    return st.sampled_from(("0s", "1ms", "2ms", "5ms", "exponential(2ms)", "uniform(0ms, 6ms)"))


@st.composite
def retry_policies(draw: Draw, *, ends: bool = False) -> Data:
    """A policy that takes time, or ends."""
    kind = draw(st.sampled_from(("immediate", "fixed", "linear", "exponential", "list", "phased")))
    policy: Data = {"type": kind}
    if kind == "phased":
        phase = {"type": "phase", "count": draw(st.integers(1, 3)), "delay_min": draw(DELAY)}
        policy["phases"] = [phase]
    elif kind == "list":
        policy["delays"] = draw(st.lists(DELAY, min_size=1, max_size=3))
    elif kind != "immediate":
        policy["base"] = draw(DELAY)
    if kind in ("linear", "exponential"):
        policy |= options(draw, {"cap": LONG})
    if kind != "immediate":
        jitter = ["none", "proportional", "full", "equal"]
        jitter += ["decorrelated"] if kind == "exponential" else []
        policy |= options(draw, {"jitter": st.sampled_from(jitter)})
    if ends or kind == "immediate" or sometimes(draw):
        policy["max_attempts"] = draw(st.integers(1, 4))
    bounds = {"max_elapsed": LONG, "budget_ratio": st.sampled_from((0.1, 1.0))}
    return policy | options(draw, bounds, one_in=6)


# Producers and channels ---------------------------------------------------------------------------


@st.composite
def producers(draw: Draw, to: str) -> Data:
    arrivals = st.sampled_from(
        (
            "constant(interval=2ms)",
            "constant(interval=10ms)",
            "poisson(rate=300/s)",
            "renewal(interval=uniform(low=0s, high=8ms))",
            "mmpp(rates=[0/s, 800/s], mean_durations=[20ms, 20ms])",
            "piecewise(rates=[500/s, 50/s], durations=[20ms, 50ms])",
            "trace(times=[0s, 0s, 5ms, 5ms, 10ms, 50ms])",
        )
    )
    settings = {
        "key": st.sampled_from(("uniform(n=3)", "zipf(s=1.1, n=5)", "uniform(n=50)")),
        "bulk": st.sampled_from((3, "uniform(low=1, high=4)")),
        "size": st.sampled_from(("10B", "exponential(2KB)")),
        "priority": st.sampled_from((1, "uniform(low=0, high=3)")),
        "start": SHORT,
        "stop": LONG,
        "messages": st.integers(1, 30),
        "link": latencies().map(lambda latency: {"latency": latency}),
    }
    return {"to": to, "arrivals": draw(arrivals), **options(draw, settings)}


@st.composite
def channels(draw: Draw) -> Data:
    partitioners = ("murmur2", "crc32", "sticky", "round_robin")
    append = {"per_message": st.sampled_from(("0s", "1ms", "100us")), "per_byte": st.just("1us")}
    settings = {
        "partitions": st.integers(1, 5),
        "partitioner": st.sampled_from(partitioners),
        "delay": SHORT,
        "append": st.fixed_dictionaries({}, optional=append),
    }
    return options(draw, settings)


# Subscriptions ------------------------------------------------------------------------------------


@st.composite
def queues(draw: Draw, settle: str) -> Data:
    """A subscription with a lease on each delivery, without its dead letters."""
    scope = draw(st.sampled_from(("delivery", "delivery", "connection", "group")))
    ways = ("pull", "push", "endpoint") if scope == "delivery" else ("pull", "push")
    delivery = draw(st.sampled_from(ways))
    endpoint, closes = delivery == "endpoint", scope == "connection" or delivery == "endpoint"
    queue: Data = {"lease_scope": scope, "delivery": delivery}
    if delivery == "pull":
        queue |= draw(pulls())
    if not endpoint and settle != "auto" and sometimes(draw):
        shared = delivery == "pull" or sometimes(draw)
        queue["max_outstanding"] = draw(st.integers(1, 5))
        queue["outstanding_scope"] = "subscription" if shared else "instance"
    queue |= draw(clocks(closes))
    if not endpoint and queue.get("on_disconnect") != "hold":
        queue |= options(draw, {"connection_timeout": DELAY}, one_in=4)
    if not closes:
        late = st.sampled_from(("honoured", "refused"))
        queue |= options(draw, {"late_acknowledgement": late}, one_in=2)
    if endpoint or sometimes(draw):
        queue["redelivery"] = draw(retry_policies())
    queue |= options(draw, {"nack_redelivery": retry_policies()}, one_in=4)
    if scope != "group" and not endpoint:
        queue |= options(draw, {"priorities": st.integers(2, 3)}, one_in=4)
        positions = ["original", "head"] + ["tail"] * ("priorities" not in queue)
        queue |= options(draw, {"requeue_position": st.sampled_from(positions)})
    return queue | draw(limits())


@st.composite
def pulls(draw: Draw) -> Data:
    pull = options(draw, {"fetch_max_messages": st.integers(1, 5)}, one_in=2)
    wait = draw(st.sampled_from((None, "0s", "5ms", "20ms")))
    if wait is not None:
        pull["fetch_max_wait"] = wait
        if wait == "0s" or sometimes(draw):
            pull["poll_interval"] = draw(SHORT)
        if wait != "0s" and sometimes(draw):
            pull["fetch_min_messages"] = draw(st.integers(1, pull.get("fetch_max_messages", 1)))
    return pull


@st.composite
def clocks(draw: Draw, closes: bool) -> Data:
    """How the leases of a queue run out."""
    kinds = ("none", "timeout") if closes else ("none", "timeout", "timeout", "backoff")
    kind = draw(st.sampled_from(kinds))
    if kind == "none":
        return {}
    if kind == "backoff":
        clock: Data = {"lease_backoff": draw(st.lists(DELAY, min_size=1, max_size=3))}
    else:
        clock = {"lease_timeout": draw(milliseconds(5, 8, 10, 20, 50))}
    if closes:
        return clock
    if kind == "timeout":
        renewal = st.fixed_dictionaries({"interval": milliseconds(2, 4)}, optional={"limit": DELAY})
        clock |= options(draw, {"lease_renewal": renewal})
        if sometimes(draw, 3):
            clock |= {"lease_ended_by": "client_sweep", "sweep_interval": draw(DELAY)}
    return clock | options(draw, {"on_disconnect": st.just("hold")})


@st.composite
def limits(draw: Draw) -> Data:
    """How often a copy comes back."""
    causes = st.lists(
        st.sampled_from(("timeout", "nack", "reject", "disconnect")),
        min_size=1,
        max_size=3,
        unique=True,
    )
    limit = options(draw, {"delivery_count_on": st.just("deliver") | causes})
    if sometimes(draw):
        limit["max_deliveries"] = draw(st.integers(1, 4))
        counts = limit.get("delivery_count_on", "deliver")
        if counts == "deliver" or "reject" in counts:
            limit |= options(draw, {"on_reject": st.just("requeue")})
    return limit


@st.composite
def dead_letters(draw: Draw) -> Data:
    """What becomes of what a queue gives up."""
    end = draw(st.sampled_from((None, "drop", "park", "dead_letter", "dead_letter")))
    if end != "dead_letter":
        return {} if end is None else {"on_exhausted": end}
    where: Data = {"dead_letter": "letters"}
    where |= options(draw, {"dead_letter_expired": st.just(True)})
    if sometimes(draw, 3):
        when = draw(st.sampled_from(({"at": "50ms"}, {"at": "150ms"}, {"every": "40ms"})))
        ways = {"rate": st.just("200/s"), "to": st.sampled_from(("events", "letters"))}
        where["redrive"] = when | options(draw, ways)
    return where


@st.composite
def groups(draw: Draw) -> Data:
    """A subscription with a lease on each partition."""
    settings = {
        "rebalance_protocol": st.sampled_from(("eager", "cooperative", "incremental")),
        "assignor": st.sampled_from(("round_robin", "sticky", "uniform")),
        "static_membership": st.just(False),
        "fetch_max_messages": st.integers(1, 5),
        "fetch_max_wait": SHORT,
        "fetch_min_bytes": st.sampled_from((1, 1500, 5000)),
        "rebalance_timeout": DELAY,
        "initial_rebalance_delay": SHORT,
        "assignment_interval": DELAY,
        "max_poll_interval": DELAY,
        "auto_commit_interval": DELAY,
        "auto_commit_of": st.just("delivered"),
        "start_position": st.just("latest"),
    }
    return {
        "lease_scope": "partition",
        "heartbeat_interval": draw(milliseconds(2, 3, 5)),
        "lease_timeout": draw(milliseconds(10, 20, 50)),
        **options(draw, settings),
    }


# Consumers ----------------------------------------------------------------------------------------


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
    consumer |= options(draw, {"link": latencies().map(lambda value: {"latency": value})})
    if sometimes(draw, 3):
        consumer["dedup"] = draw(memories())
    if sometimes(draw, 2 if focus is Focus.FAILURES else 3):
        consumer |= draw(failures(consumer))
    behind = [name for name in CHANNELS if CHANNELS.index(name) > _last(reads)]
    if behind and sometimes(draw, 3):
        emission = st.fixed_dictionaries(
            {"to": st.sampled_from(behind)},
            optional={
                "key": st.just("none"),
                "size": st.just("100B"),
                "on": st.just("failure"),
            },
        )
        joined = st.fixed_dictionaries({"to": st.sampled_from(behind), "join": st.just(2)})
        consumer["emits"] = draw(st.lists(emission | joined, min_size=1, max_size=2))
    return consumer


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
def failures(draw: Draw, consumer: Data) -> Data:
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
        failing["retry"] = draw(retry_policies(ends=sometimes(draw)))
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


# Scenarios ----------------------------------------------------------------------------------------


@st.composite
def mixtures(draw: Draw, focus: Focus = Focus.ANYTHING) -> Scenario:
    """A valid scenario that a run finishes in a moment."""
    data: Data = {
        "name": "generated",
        "seed": draw(st.integers(0, 2**32 - 1)),
        "duration": draw(milliseconds(50, 100, 200)),
        "messages": draw(st.sampled_from(MESSAGES)),
        "producers": {"source": draw(producers("orders"))},
        "channels": {name: draw(channels()) for name in CHANNELS},
        "consumers": {},
    }
    if sometimes(draw, 3):
        data["producers"]["second"] = draw(producers(draw(st.sampled_from(CHANNELS[:3]))))
    if sometimes(draw, 3):
        del data["duration"]
    if sometimes(draw) or focus is Focus.BROKERS:
        data |= {"drain": True, "drain_timeout": draw(milliseconds(100, 300, 600))}
    data |= options(draw, {"sample_every": milliseconds(3, 10, 50)}, one_in=2)
    if focus is Focus.BROKERS:
        _put_brokers(draw, data)
    lists = [["orders"], ["orders"], ["orders", "retries"], ["events"], ["letters"]]
    if focus is Focus.BROKERS:
        lists = [reads for reads in lists if len(reads) == 1]
    for number in range(draw(st.integers(1, 3))):
        reads = ["orders"] if number == 0 and sometimes(draw) else draw(st.sampled_from(lists))
        data["consumers"][f"consumer{number}"] = draw(consumers(reads, focus))
    if sometimes(draw) or focus is Focus.FAILURES:
        data["faults"] = draw(st.lists(faults(True, data), min_size=1, max_size=3))
    try:
        return Scenario.model_validate(data)
    except ScenarioError:
        # Settings that contradict each other in a way that the strategies do not see.
        reject()


def _put_brokers(draw: Draw, data: Data) -> None:
    """Let channels have the defaults of brokers, whose time-outs are long."""
    for name in ("orders", "events", "letters"):
        data["channels"][name] = {"broker": draw(st.sampled_from(sorted(brokers())))}
    data["drain_timeout"] = draw(st.sampled_from(("10s", "60s", "3min")))
    if "sample_every" in data:
        data["sample_every"] = "500ms"

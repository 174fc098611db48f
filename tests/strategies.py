"""Hypothesis strategies for scenarios.

``scenarios(small=True)`` gives scenarios that a run finishes in a moment: at most 40 messages from
producers, few entities, and times from a coarse grid, so that many things happen at one instant.
``scenarios(small=False)`` uses the whole range of every field; such a scenario is there to be
written, read and compared, not to be run.

Both use every field, and values come in the spellings of a file as often as as plain numbers.
"""

from __future__ import annotations

import math
from typing import Any

from hypothesis import strategies as st

from eda_sim.spec import Scenario
from eda_sim.spec.distributions.fitted import NORMAL_QUANTILES
from eda_sim.spec.measures import MAXIMUM_BYTES, MAXIMUM_DURATION, MAXIMUM_RATE, MINIMUM_RATE
from eda_sim.spec.quantities import Dimension, format_quantity

Draw = st.DrawFn
Data = dict[str, Any]

GRID_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1)
GRID_BYTES = (1.0, 100.0, 1000.0, 1024.0, 1_000_000.0)
MOST_MESSAGES_OF_A_SMALL_RUN = 40


def maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


def spelt(values: st.SearchStrategy[float], dimension: Dimension) -> st.SearchStrategy[Any]:
    """Numbers, some of them written with a unit."""
    return values.flatmap(lambda value: st.sampled_from((value, format_quantity(value, dimension))))


def times(small: bool, *, positive: bool = False) -> st.SearchStrategy[float]:
    if small:
        return st.sampled_from(GRID_S if positive else (0.0, *GRID_S))
    return st.floats(
        0, MAXIMUM_DURATION, exclude_min=positive, allow_subnormal=False
    ) | st.sampled_from(GRID_S)


def amounts(small: bool, dimension: Dimension) -> st.SearchStrategy[float]:
    """Positive parameters of a distribution."""
    if dimension == "bytes":
        return st.sampled_from(GRID_BYTES) if small else st.floats(1e-3, MAXIMUM_BYTES)
    return st.sampled_from(GRID_S) if small else st.floats(1e-9, MAXIMUM_DURATION)


@st.composite
def lognormals(draw: Draw, small: bool, dimension: Dimension) -> Data:
    by_mean = draw(st.booleans())
    scale = draw(amounts(small, dimension)) / 4  # room for the quantile above it
    by = draw(st.sampled_from(("cv", "p50", "p90", "p95", "p99", "p999")))
    if by == "cv":
        return {"mean" if by_mean else "median": scale, "cv": draw(st.floats(0.1, 3))}
    if by == "p50":
        return {"mean": scale, "p50": scale * draw(st.floats(0.1, 0.99))}
    if by_mean:
        largest = math.exp(NORMAL_QUANTILES[by] ** 2 / 2)
        return {"mean": scale, by: scale * draw(st.floats(1.01, min(3.9, 0.99 * largest)))}
    return {"median": scale, by: scale * draw(st.floats(1.01, 3.9))}


@st.composite
def simple_distributions(draw: Draw, small: bool, dimension: Dimension) -> Data:
    """Any family but a mixture, as an object in canonical units."""
    value = amounts(small, dimension)
    families: dict[str, st.SearchStrategy[Data]] = {
        "constant": st.fixed_dictionaries({"value": st.just(0.0) | value}),
        "uniform": st.tuples(value, value).map(lambda two: {"low": min(two), "high": max(two)}),
        "exponential": st.fixed_dictionaries({"mean": value}),
        "lognormal": lognormals(small, dimension),
        "erlang": st.fixed_dictionaries({"mean": value, "stages": st.integers(1, 8)}),
        "hyperexponential": st.fixed_dictionaries({"mean": value, "cv": st.floats(1, 5)})
        | st.fixed_dictionaries(
            {"means": st.tuples(value, value).map(list), "probabilities": st.just([0.25, 0.75])}
        ),
        "weibull": st.fixed_dictionaries({"mean": value, "cv": st.floats(0.1, 3)})
        | st.fixed_dictionaries({"scale": value, "shape": st.floats(0.5, 5)}),
        "pareto": st.fixed_dictionaries({"mean": value, "shape": st.floats(1.1, 5)})
        | st.fixed_dictionaries({"minimum": value, "shape": st.floats(0.5, 5)}),
        "empirical": st.fixed_dictionaries({"values": st.lists(value, min_size=1, max_size=5)}),
    }
    name = draw(st.sampled_from(tuple(families)))
    return {"type": name, **draw(families[name])}


@st.composite
def distributions(draw: Draw, small: bool, dimension: Dimension = "time") -> Any:
    """Any distribution, in any spelling."""
    form = draw(st.sampled_from(("quantity", "object", "call", "mixture")))
    if form == "quantity":
        return draw(spelt(st.just(0.0) | amounts(small, dimension), dimension))
    if form == "call":
        value = format_quantity(draw(amounts(small, dimension)), dimension)
        return draw(
            st.sampled_from(
                (f"constant({value})", f"exponential(mean={value})", f"erlang({value}, stages=3)")
            )
        )
    components = simple_distributions(small, dimension)
    if form == "object":
        return draw(components)
    count = draw(st.integers(1, 3))
    return {
        "type": "mixture",
        "components": draw(st.lists(components, min_size=count, max_size=count)),
        "weights": draw(st.lists(st.integers(1, 9), min_size=count, max_size=count)),
    }


def names(small: bool) -> st.SearchStrategy[str]:
    if small:
        return st.sampled_from(("alpha", "beta", "gamma", "delta", "null", "a-b", "c_1"))
    # Words that YAML could take for something else are names like any other.
    odd = st.sampled_from(("null", "true", "no", "on", "y", "NaN", "e1", "self", "type"))
    return odd | st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,63}", fullmatch=True)


def sets_of_names(small: bool, least: int, most: int) -> st.SearchStrategy[list[str]]:
    return st.lists(names(small), min_size=least, max_size=most, unique=True)


@st.composite
def arrivals(draw: Draw, small: bool) -> Data:
    """``rate`` or ``arrivals`` of a producer."""
    if small:
        rates: st.SearchStrategy[float] = st.sampled_from((10.0, 50.0, 100.0, 200.0, 1000.0))
    else:
        rates = st.floats(MINIMUM_RATE, MAXIMUM_RATE)
    rate = draw(spelt(rates, "rate"))
    moments = st.lists(times(small), min_size=1, max_size=8)
    interval = distributions(small).filter(lambda value: value not in (0.0, "0s"))
    kinds: dict[str, Any] = {
        "rate": st.just({"rate": rate}),
        "poisson": st.just({"arrivals": {"type": "poisson", "rate": rate}}),
        "constant": st.sampled_from(
            ({"arrivals": f"constant({rate})"}, {"arrivals": {"type": "constant", "rate": rate}})
        ),
        "interval": times(small, positive=True).map(
            lambda value: {"arrivals": {"type": "constant", "interval": value}}
        ),
        "renewal": interval.filter(_advances).map(
            lambda value: {"arrivals": {"type": "renewal", "interval": value}}
        ),
        "trace": moments.map(lambda value: {"arrivals": {"type": "trace", "times": value}}),
    }
    return draw(kinds[draw(st.sampled_from(tuple(kinds)))])


def _advances(interval: Any) -> bool:
    """Whether a distribution is above 0 on average."""
    if not isinstance(interval, dict):
        return True
    parts = interval.get("components", [interval])
    return any(part["type"] != "constant" or part["value"] > 0 for part in parts)


@st.composite
def producers(draw: Draw, small: bool, channels: list[str]) -> Data:
    start = draw(times(small))
    many = 50 if small else 1_000_000
    producer: Data = {
        "to": draw(st.sampled_from(channels)),
        **draw(arrivals(small)),
        "key": draw(
            st.sampled_from(("none", f"uniform(n={many})", f"zipf(s=1.1, n={many})"))
            | st.lists(st.text(min_size=1, max_size=5), min_size=1, max_size=4).map(
                lambda keys: {"type": "trace", "keys": keys}
            )
            | st.builds(lambda s: {"type": "zipf", "s": s, "n": 7}, st.floats(0, 20))
        ),
        "size": draw(distributions(small, "bytes")),
        "start": start,
        "messages": draw(maybe(st.integers(1, 20 if small else 10**9))),
        "link": {"latency": draw(distributions(small))},
    }
    if draw(st.booleans()):
        stop = start + draw(times(small, positive=True))
        if start < stop <= MAXIMUM_DURATION:
            producer["stop"] = stop
    return producer


@st.composite
def subscriptions(draw: Draw, small: bool) -> Data:
    subscription: Data = {
        "lease_scope": draw(st.sampled_from(("delivery", "partition"))),
        "late_acknowledgement": draw(st.sampled_from(("honoured", "refused"))),
        "on_disconnect": draw(st.sampled_from(("release", "hold"))),
    }
    if subscription["lease_scope"] == "partition":
        beat = draw(maybe(times(small, positive=True)))
        if beat is not None:
            subscription["heartbeat_interval"] = beat
            subscription["lease_timeout"] = draw(st.integers(2, 5)) * beat
        if (subscription.get("lease_timeout") or 0) > MAXIMUM_DURATION:
            subscription["lease_timeout"] = MAXIMUM_DURATION
        if beat is not None and subscription["lease_timeout"] <= beat:
            del subscription["lease_timeout"], subscription["heartbeat_interval"]
    else:
        subscription["max_deliveries"] = draw(maybe(st.integers(1, 5)))
        needs_timeout = subscription["on_disconnect"] == "hold"
        timeout = times(small, positive=True)
        subscription["lease_timeout"] = draw(timeout if needs_timeout else maybe(timeout))
        subscription["delivery"] = draw(st.sampled_from(("pull", "push")))
    if subscription.get("delivery") == "push":
        subscription["max_outstanding"] = draw(maybe(st.integers(1, 5)))
    else:
        subscription["fetch_max_messages"] = draw(maybe(st.integers(1, 5)))
    return subscription


@st.composite
def consumers(draw: Draw, small: bool, channels: list[str]) -> Data:
    """A consumer that emits to channels behind those it reads, and hardly ever to others.

    What comes back dies out: at most two messages go forward, each may be duplicated, and there are
    three consumers, so a hundredth going back is less than all.
    """
    order = {name: number for number, name in enumerate(channels)}
    reads = draw(st.lists(st.sampled_from(channels), min_size=1, max_size=2, unique=True))
    behind = channels[max(order[name] for name in reads) + 1 :]
    consumer: Data = {
        "reads": reads[0] if len(reads) == 1 and draw(st.booleans()) else reads,
        "instances": draw(st.integers(1, 3)),
        "concurrency": draw(st.integers(1, 2)),
        "service": draw(distributions(small)),
        "settle": draw(st.sampled_from(("after", "before"))),
        "link": {"latency": draw(distributions(small))},
        "subscription": draw(subscriptions(small)),
    }
    memory = draw(st.sampled_from((None, "window", "count")))
    if memory is not None:
        size = times(small, positive=True) if memory == "window" else st.integers(1, 10)
        consumer["dedup"] = {
            memory: draw(size),
            "scope": draw(st.sampled_from(("consumer", "instance"))),
            "lookup": draw(times(small)),
        }
    if behind and draw(st.booleans()):
        consumer["emits"] = draw(
            st.sampled_from(behind)
            | st.lists(
                st.fixed_dictionaries(
                    {"to": st.sampled_from(behind), "key": st.sampled_from(("same", "none"))},
                    optional={
                        "size": distributions(small, "bytes"),
                        "probability": st.sampled_from((0, 0.3, "50%", 1.0)),
                    },
                ),
                max_size=2,
            )
        )
    elif draw(st.booleans()):
        chances = {"probability": st.sampled_from((0.001, 0.005, "0.4%"))}
        way = st.fixed_dictionaries(
            {"to": st.sampled_from(channels), **chances}, optional={"choice": names(small)}
        )
        consumer["emits"] = draw(st.lists(way, max_size=2))
    return consumer


@st.composite
def channels(draw: Draw, small: bool) -> Data | None:
    if draw(st.booleans()):
        return draw(st.sampled_from((None, {})))
    per_byte = 1e-9 if small else draw(times(small))
    return {
        "partitions": draw(st.integers(1, 4 if small else 100_000)),
        "partitioner": draw(st.sampled_from(("murmur2", "crc32", "sticky", "round_robin"))),
        "append": {"per_message": draw(times(small)), "per_byte": per_byte},
    }


SERVICE_FAULTS = ("crash", "stop", "pause", "hang", "slow", "bug")
LINK_FAULTS = ("loss", "ack_loss", "duplication", "delay")


@st.composite
def whens(draw: Draw, small: bool) -> Data:
    """When a fault happens: once, once and for ever, or again and again."""
    at = {"at": draw(spelt(times(small), "time"))}
    form = draw(st.sampled_from(("once", "once", "for ever", "again")))
    if form == "once":
        return {**at, "lasts": draw(spelt(times(small, positive=True), "time"))}
    if form == "for ever":
        return at
    # Not too often: each occurrence is a row.
    pause = draw(st.sampled_from((0.02, 0.05, 0.1)))
    return {"mtbf": f"exponential({pause}s)", "mttr": draw(spelt(st.sampled_from(GRID_S), "time"))}


def _nodes(data: Data) -> dict[str, int]:
    """How many nodes each channel has that can lose some."""
    return {
        name: channel["replication"]["factor"]
        for name, channel in data["channels"].items()
        if channel and "replication" in channel
    }


def _peers(part: Data) -> list[str]:
    """The channels to which a producer or consumer has a link."""
    found: list[str] = []
    for field in ("to", "reads", "emits"):
        names = part.get(field, [])
        names = [names] if isinstance(names, str) else names
        found += [name if isinstance(name, str) else name["to"] for name in names]
    return found


@st.composite
def faults(draw: Draw, small: bool, data: Data) -> Data:
    """Any fault of a scenario that has no faults yet."""
    sections = ("consumers", "producers", "channels")

    def written(section: str, name: str, *, whole: bool = False) -> str:
        alone = sum(name in data[other] for other in sections) == 1
        target = name if alone and draw(st.booleans()) else f"{section}.{name}"
        if section != "consumers" or whole or draw(st.booleans()):
            return target
        return f"{target}/{draw(st.integers(0, data[section][name]['instances'] - 1))}"

    def any_of(*chosen: str) -> tuple[str, str]:
        there = [(section, name) for section in chosen for name in data[section]]
        return draw(st.sampled_from(there))

    nodes = _nodes(data)
    kinds = [*LINK_FAULTS, "partition", "crash of a producer"]
    kinds += SERVICE_FAULTS if data["consumers"] else ()
    kinds += 2 * ["crash of a node", "power_loss"] if nodes else ()
    kind = draw(st.sampled_from(kinds))
    fault: Data = {}
    if kind == "partition":
        section, name = any_of("consumers", "producers")
        channel = draw(st.sampled_from(_peers(data[section][name])))
        pair = [written(section, name), written("channels", channel)]
        fault[kind] = draw(st.permutations(pair))
    elif kind == "crash of a producer":
        fault["crash"] = written(*any_of("producers"))
    elif kind in ("crash of a node", "power_loss"):
        name = draw(st.sampled_from(sorted(nodes)))
        node = draw(st.none() | st.integers(0, nodes[name] - 1))
        target = written("channels", name) + ("" if node is None else f"/{node}")
        fault["crash" if kind == "crash of a node" else kind] = target
    elif kind in LINK_FAULTS:
        fault[kind] = written(*any_of("consumers", "producers"))
    else:
        fault[kind] = written(*any_of("consumers"))
    needed: dict[str, st.SearchStrategy[Any]] = {}
    if kind in ("bug", "loss", "ack_loss", "duplication"):
        needed["probability"] = st.sampled_from((0.1, 0.5, 1, "25%"))
    elif kind == "slow":
        needed["factor"] = st.sampled_from((1, 1.5, 3, 10))
    elif kind == "delay":
        needed["latency"] = distributions(small)
    when = draw(whens(small))
    if "mtbf" in when and kind in SERVICE_FAULTS:
        # Often enough to come up in the little that is done.
        operation = {"mtbf_counts": st.just("operation"), "mtbf": st.just("exponential(3ms)")}
        when |= draw(st.just({}) | st.fixed_dictionaries(operation))
    return {**fault, **draw(st.fixed_dictionaries(needed)), **when}


@st.composite
def scenario_data(draw: Draw, small: bool = True) -> Data:
    """A valid scenario as plain data, as it could stand in a file."""
    ordered = draw(sets_of_names(small, 1, 3))
    served = {name: draw(consumers(small, ordered)) for name in draw(sets_of_names(small, 0, 3))}
    duration = draw(maybe(times(small, positive=True).map(lambda value: 10 * value)))
    if duration is not None and duration > MAXIMUM_DURATION:
        duration = MAXIMUM_DURATION
    data: Data = {
        "name": draw(names(small)),
        "description": draw(st.text(max_size=40)),
        "seed": draw(st.integers(0, 2**32 - 1)),
        "duration": duration,
        "drain": draw(st.booleans()),
        "warmup": draw(st.just(0) if duration is None else st.just(duration / 10)),
        "sample_every": draw(maybe(times(small, positive=True))),
        "producers": {
            name: draw(producers(small, ordered)) for name in draw(sets_of_names(small, 1, 2))
        },
        "channels": {name: draw(channels(small)) for name in ordered},
        "consumers": served,
    }
    if small or duration is None or draw(st.booleans()):
        data["messages"] = draw(st.integers(1, MOST_MESSAGES_OF_A_SMALL_RUN if small else 10**9))
    if data["drain"]:
        data["drain_timeout"] = draw(spelt(times(small, positive=True), "time"))
    data["faults"] = draw(st.lists(faults(small, data), max_size=3))
    return data


def scenarios(*, small: bool = True) -> st.SearchStrategy[Scenario]:
    """Valid scenarios; small ones can be run."""
    return scenario_data(small=small).map(Scenario.model_validate)

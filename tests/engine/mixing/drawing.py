"""What all strategies for runnable scenarios share: time scales, chances, retry policies."""

from __future__ import annotations

import enum
from typing import Any

from hypothesis import strategies as st

Data = dict[str, Any]
Draw = st.DrawFn

# In the order in which messages may pass them: emissions and dead letters go forward, but for those
# that lead back with a low probability.
CHANNELS = ("orders", "retries", "events", "letters")


class Focus(enum.Enum):
    """What a scenario is about; everything else is still there, less often."""

    ANYTHING = enum.auto()
    PUBLISHING = enum.auto()
    STORES = enum.auto()
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

"""Hypothesis strategies for scenarios that mix whatever the engine can do, small enough to run.

``tests.strategies`` covers every field in every spelling; its scenarios are there to be written and
compared. Here every scenario is there to be *run*: settings that only matter together are drawn
together, times lie on a coarse grid of milliseconds (so that many things happen at one instant),
and a run has at most some hundred messages and a second of simulated time.

A ``Focus`` says what a family of scenarios is about; everything else is still there, less often.
"""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import reject
from hypothesis import strategies as st

from eda_sim.spec import Scenario, ScenarioError
from eda_sim.spec.presets.catalogue import brokers
from tests.engine.mixing.drawing import (
    CHANNELS,
    Data,
    Draw,
    Focus,
    milliseconds,
    options,
    sometimes,
)
from tests.engine.mixing.handling import consumers
from tests.engine.mixing.publishing import channels, producers
from tests.strategies import faults

__all__ = ["Focus", "mixtures"]

MESSAGES = (5, 20, 40, 60, 100, 150)
FAULTY = (Focus.FAILURES, Focus.STORES)


@st.composite
def mixtures(draw: Draw, focus: Focus = Focus.ANYTHING) -> Scenario:
    """A valid scenario that a run finishes in a moment."""
    data: Data = {
        "name": "generated",
        "seed": draw(st.integers(0, 2**32 - 1)),
        "duration": draw(milliseconds(100, 200, 300)),
        "messages": draw(st.sampled_from(MESSAGES)),
        "producers": {"source": draw(producers("orders", focus))},
        "channels": {name: draw(channels(focus)) for name in CHANNELS},
        "consumers": {},
    }
    if sometimes(draw, 3):
        to = draw(st.sampled_from(CHANNELS[:3]))
        data["producers"]["second"] = draw(producers(to, focus))
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
    _reconcile(data)
    if any(consumer.get("preemptive") for consumer in data["consumers"].values()):
        for producer in data["producers"].values():
            producer.setdefault("priority", "uniform(low=0, high=3)")
    if sometimes(draw) or focus in FAULTY:
        data["faults"] = draw(st.lists(faults(True, data), min_size=1, max_size=3))
    try:
        return Scenario.model_validate(data)
    except ScenarioError:
        # Settings that contradict each other in a way that the strategies do not see.
        reject()


def _reconcile(data: Data) -> None:
    """Let channels have what those around them need."""
    for publishing, names in _publishers(data):
        if publishing.get("idempotent"):
            for name in names:
                memory = data["channels"][name].setdefault("deduplication", {})
                memory["by"] = "producer_sequence"
    for name, channel in data["channels"].items():
        readers = [one for one in data["consumers"].values() if name in one["reads"]]
        if channel.get("retention") == "work_queue" and len(readers) > 1:
            channel["retention"] = "interest"


def _publishers(data: Data) -> Iterator[tuple[Data, list[str]]]:
    for producer in data["producers"].values():
        yield producer.get("publishing", {}), [producer["to"]]
    for consumer in data["consumers"].values():
        emitted = [emission["to"] for emission in consumer.get("emits", ())]
        yield consumer.get("publishing", {}), emitted


def _put_brokers(draw: Draw, data: Data) -> None:
    """Let channels have the defaults of brokers, whose time-outs are long."""
    for name in ("orders", "events", "letters"):
        broker = draw(st.sampled_from(sorted(brokers())))
        channel: Data = {"broker": broker, **options(draw, {"partitions": st.integers(1, 3)})}
        fields = {default.field for default in brokers()[broker].defaults}
        if "channel.replication.factor" in fields and sometimes(draw):
            channel["replication"] = {"factor": draw(st.integers(1, 3))}
        data["channels"][name] = channel
    data["drain_timeout"] = draw(st.sampled_from(("10s", "30s")))
    if "sample_every" in data:
        data["sample_every"] = "500ms"

"""The topology of a scenario: who sends to whom.

A scenario is a directed graph. Producers publish to channels, channels deliver to consumers, and
consumers may emit to channels again. Most are layered, some have cycles (a retry channel, rework).
"""

from __future__ import annotations

import pandas as pd

from eda_sim.spec.scenario import Scenario


def topology(scenario: Scenario) -> pd.DataFrame:
    """Return the edges of a scenario's graph.

    Parameters
    ----------
    scenario : Scenario
        What is or would be run.

    Returns
    -------
    DataFrame
        One row per edge: ``source``, ``source_kind``, ``target``, ``target_kind`` (kinds are
        ``producer``, ``channel``, ``consumer``), ``relation`` (``publishes``, ``delivers``,
        ``emits``, ``gives up to``, ``redrives``), ``probability`` (of an emission; 1 for all
        else), ``source_label``, ``target_label`` (the name and its most telling number).
    """
    rows: list[tuple[str, str, str, str, str]] = []
    probabilities: dict[int, float] = {}
    for name, producer in scenario.producers.items():
        rows.append((name, "producer", producer.to, "channel", "publishes"))
    for name, consumer in scenario.consumers.items():
        rows += [(channel, "channel", name, "consumer", "delivers") for channel in consumer.reads]
        for emission in consumer.emits:
            probabilities[len(rows)] = emission.probability
            rows.append((name, "consumer", emission.to, "channel", "emits"))
        letters, redrive = consumer.subscription.dead_letter, consumer.subscription.redrive
        if letters is not None:
            rows.append((name, "consumer", letters, "channel", "gives up to"))
        if letters is not None and redrive is not None:
            back = consumer.reads if redrive.to is None else (redrive.to,)
            rows += [(letters, "channel", channel, "channel", "redrives") for channel in back]
    columns = ["source", "source_kind", "target", "target_kind", "relation"]
    table = pd.DataFrame(rows, columns=columns)
    table["probability"] = [probabilities.get(row, 1.0) for row in range(len(table))]
    labels = _labels(scenario)
    for end in ("source", "target"):
        table[f"{end}_label"] = [
            labels[kind, name] for kind, name in zip(table[f"{end}_kind"], table[end], strict=True)
        ]
    return table


def _labels(scenario: Scenario) -> dict[tuple[str, str], str]:
    labels = {}
    for name, producer in scenario.producers.items():
        labels["producer", name] = f"{name}\n{producer.arrivals.rate:.4g}/s"
    for name, channel in scenario.channels.items():
        labels["channel", name] = f"{name}\n{_count(channel.partitions, 'partition')}"
    for name, consumer in scenario.consumers.items():
        size = _count(consumer.instances, "instance")
        if consumer.concurrency > 1:
            size += f"\nof {consumer.concurrency} workers"
        labels["consumer", name] = f"{name}\n{size}"
    return labels


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"

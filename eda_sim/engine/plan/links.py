"""Links as columns: the way between each source and its channels."""

from __future__ import annotations

from typing import NamedTuple

from eda_sim.engine.plan.columns import Floats, Integers, Numbering, columns
from eda_sim.spec.consumers import Consumer
from eda_sim.spec.producers import Producer


class LinkColumns(NamedTuple):
    """One row per source: the producers, then the consumers.

    ``latency`` is a row of the distributions; ``s_per_byte`` is 0 for a link that is wide enough.
    """

    latency: Integers
    s_per_byte: Floats
    loss: Floats
    duplication: Floats
    acknowledgement_loss: Floats


def lower_links(numbering: Numbering) -> LinkColumns:
    """Lower the links of a scenario."""
    scenario = numbering.scenario
    parts: list[Producer | Consumer] = [
        *scenario.producers.values(),
        *scenario.consumers.values(),
    ]
    rows: list[dict[str, float]] = [
        {
            "latency": numbering.row(part.link.latency),
            "s_per_byte": 0.0 if part.link.bandwidth is None else 1.0 / part.link.bandwidth,
            "loss": part.link.loss_probability,
            "duplication": part.link.duplicate_probability,
            "acknowledgement_loss": part.link.acknowledgement_loss_probability,
        }
        for part in parts
    ]
    return columns(LinkColumns, rows)

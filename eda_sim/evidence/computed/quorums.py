"""Computed answers about partial quorums, and how the published ones were found.

The paper's fits to the latencies of a production store, in milliseconds (its table 3): on solid
state disks all four messages are alike; on spinning disks writes take longer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eda_sim import theory
from eda_sim.analysis.estimates import Estimate
from eda_sim.evidence.families import Family
from eda_sim.evidence.records import Params

_FAST = theory.Leg(
    pareto_share=0.9122, pareto_least=0.235, pareto_index=10.0, exponential_rate=1.66
)
_WRITES = {
    "linkedin-ssd": _FAST,
    "linkedin-disk": theory.Leg(
        pareto_share=0.38, pareto_least=1.05, pareto_index=1.51, exponential_rate=0.183
    ),
}


@dataclass(frozen=True, kw_only=True)
class Store:
    """A store, and the questions of the paper that are not those of the theory."""

    quorum: theory.Quorum
    trials: int = 0
    step: float = 0.0

    def stale_probability(self, time: float) -> float:
        """Return P(a read so long after the acknowledgement lacks the write)."""
        return self.quorum.stale_probability(time)

    def consistent_probability(self, time: float) -> float:
        """Return P(a read so long after the acknowledgement has the write)."""
        return 1.0 - self.quorum.stale_probability(time)

    def visible_after(self, share: float) -> float:
        """Return the time after which a share of reads has the write."""
        return self.quorum.visible_after(share)

    def read_quantile(self, share: float) -> float:
        """Return a quantile of the time that a read takes."""
        return self.quorum.read_quantile(share)

    def write_quantile(self, share: float) -> float:
        """Return a quantile of the time that a write takes."""
        return self.quorum.write_quantile(share)

    def first_crossing(self, share: float) -> Estimate:
        """Return the median and the 95 % range of the paper's search for a quantile.

        The search makes new trials at 0, one step, two steps, ... and stops at the first time at
        which at least that share of them has the write. It stops too early more often than too
        late, because it has many chances.
        """
        from scipy.special import bdtrc

        needed = int(np.ceil(self.trials * share - 1e-9))
        still = 1.0
        found: list[float] = []
        number = 0
        marks = [0.975, 0.5, 0.025]  # of going on
        while len(found) < len(marks):
            time = number * self.step
            stops = float(bdtrc(needed - 1, self.trials, self.consistent_probability(time)))
            still *= 1.0 - stops
            while len(found) < len(marks) and still <= marks[len(found)]:
                found.append(time)
            number += 1
        return Estimate(found[1], found[0], found[2])


def _store(params: Params) -> Store:
    return Store(
        quorum=theory.Quorum(
            replicas=params["replicas"],
            reads=params["reads"],
            writes=params["writes"],
            write=_WRITES[params["legs"]],
            acknowledge=_FAST,
            read=_FAST,
            respond=_FAST,
        ),
        trials=params.get("trials", 0),
        step=params.get("step", 0.0),
    )


def _exponential(params: Params) -> Store:
    other = theory.Leg(exponential_rate=params["other_rate"])
    return Store(
        quorum=theory.Quorum(
            replicas=params["replicas"],
            reads=params["reads"],
            writes=params["writes"],
            write=theory.Leg(exponential_rate=params["write_rate"]),
            acknowledge=other,
            read=other,
            respond=other,
        )
    )


QUORUMS = {
    "pbs": Family(title="Partial quorums, fitted latencies (PBS)", compute=_store),
    "pbs_table": Family(title="Partial quorums, a published table", compute=_store),
    "pbs_text": Family(title="Partial quorums, published in a text", compute=_store),
    "pbs_exponential": Family(title="Partial quorums, exponential latencies", compute=_exponential),
    "pbs_versions": Family(
        title="Reads of random quorums: how many versions old",
        compute=lambda p: theory.quorum_read_is_recent(**p),
    ),
    "pbs_monotonic": Family(
        title="Reads of random quorums: older than the last read",
        compute=lambda p: theory.monotonic_read_violation(**p),
    ),
}
"""Families about partial quorums, by name."""

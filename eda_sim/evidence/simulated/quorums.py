"""Partial quorums: stores whose writes and reads are simulated, message by message.

The paper's times are in milliseconds, those of a run in seconds.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

import numpy as np
import pandas as pd

from eda_sim.analysis.estimates import Estimate
from eda_sim.evidence.families import Simulation
from eda_sim.evidence.records import Params, Record
from eda_sim.evidence.simulated.building import (
    WARMUP_SHARE,
    exponential,
    seconds,
    with_own_seed,
)
from eda_sim.evidence.simulated.measuring import Values, quantile
from eda_sim.patterns.projections import quorums
from eda_sim.spec import Scenario

if TYPE_CHECKING:
    from eda_sim.simulation import Run

MILLISECONDS = 1000.0
"""In a second."""
FAR_APART = 10.0
"""Seconds between two writes of the paper's stores, which take some milliseconds."""
WRITES, RUNS = 100_000, 10
"""Writes of a run, and runs."""
RUNS_FOR_LONG_TAILS = 40
"""Runs for rare quantiles on spinning disks: one write in a thousand decides them."""
PAIRINGS = 2
"""Reads that each write is paired with."""
SEARCHES = 4_000
"""Of the paper's search for a quantile, whose result is a matter of chance."""

_WRITE = {"linkedin-ssd": quorums.LINKEDIN_FAST, "linkedin-disk": quorums.LINKEDIN_DISK_WRITE}


# Stores -----------------------------------------------------------------------------------------


def _production(params: Params) -> Scenario:
    """Return a store with the times that the paper fitted to a production system."""
    fast = quorums.LINKEDIN_FAST
    return _with_warmup(
        quorums.scenario(
            write=_WRITE[params["legs"]],
            acknowledge=fast,
            read=fast,
            respond=fast,
            replicas=params["replicas"],
            writes=WRITES,
            writes_per_read=5.0,
            interval_s=FAR_APART,
        )
    )


def _exponential(params: Params) -> Scenario:
    """Return a store whose times are exponential; its rates are per second here."""
    other = exponential(params["other_rate"])
    return _with_warmup(
        quorums.scenario(
            write=exponential(params["write_rate"]),
            acknowledge=other,
            read=other,
            respond=other,
            replicas=params["replicas"],
            writes=WRITES,
            writes_per_read=5.0,
            interval_s=100.0 / min(params["write_rate"], params["other_rate"]),
        )
    )


def _random_quorums(params: Params) -> Scenario:
    """Return a store whose replicas are alike, so that chance decides which are the fastest."""
    law = exponential(1.0)
    return _with_warmup(
        quorums.scenario(
            write=law,
            acknowledge=law,
            read=law,
            respond=law,
            replicas=params["replicas"],
            writes=20_000,
            writes_per_read=float(params.get("writes_per_read", 1.0)),
            interval_s=100.0,
        )
    )


def _with_warmup(scenario: Scenario) -> Scenario:
    """Return a scenario with a warm-up, like all of them, and a seed that nobody chose."""
    duration = scenario.duration or 0.0
    return with_own_seed(scenario.replace({"warmup": seconds(WARMUP_SHARE * duration)}))


# What is measured -------------------------------------------------------------------------------


class _Store:
    """What is measured in one run."""

    def __init__(self, run: Run) -> None:
        self.legs = quorums.legs(run.tables)
        self._visible: dict[tuple[int, int], Values] = {}

    def visible_after(self, params: Params) -> Values:
        """Return the seconds after the commit from which on the pairs of the run are consistent."""
        reads, writes = params["reads"], params["writes"]
        if (reads, writes) not in self._visible:
            pairs = quorums.visibility(self.legs, reads=reads, writes=writes, pairings=PAIRINGS)
            self._visible[reads, writes] = pairs["visible_after_s"].to_numpy()
        return self._visible[reads, writes]

    def latencies(self, request: quorums.Request, needed: int) -> Values:
        """Return the seconds until so many replicas have replied."""
        found = quorums.latencies(self.legs, request=request, needed=needed)
        return found["seconds"].to_numpy()

    def versions(self, params: Params, most: int) -> pd.DataFrame:
        """Return how far behind reads are, of those that have a read before them."""
        reads, writes = params["reads"], params["writes"]
        return quorums.versions(self.legs, reads=reads, writes=writes, most=most).dropna()


@functools.lru_cache(maxsize=1)
def _store(run: Run) -> _Store:
    """Return the store of a run; that of the run before is forgotten."""
    return _Store(run)


def _of_store(unit: float) -> dict[str, Simulation]:
    """Return the simulations of a store whose times are told in a unit: so many to a second."""
    scenario = _production if unit == MILLISECONDS else _exponential

    def stale(run: Run, record: Record) -> float:
        after = unit * _store(run).visible_after(record.params)
        return float((after > (record.at or 0.0)).mean())

    def visible_after(run: Run, record: Record) -> float:
        return unit * quantile(_store(run).visible_after(record.params), record.at)

    def read_quantile(run: Run, record: Record) -> float:
        took = _store(run).latencies("read", record.params["reads"])
        return unit * quantile(took, record.at)

    def write_quantile(run: Run, record: Record) -> float:
        took = _store(run).latencies("write", record.params["writes"])
        return unit * quantile(took, record.at)

    shares = {
        "stale_probability": stale,
        "consistent_probability": lambda run, record: 1.0 - stale(run, record),
    }
    quantiles = {
        "visible_after": visible_after,
        "read_quantile": read_quantile,
        "write_quantile": write_quantile,
    }
    return {
        metric: Simulation(scenario=scenario, measure=measure, replications=RUNS)
        for metric, measure in shares.items()
    } | {
        metric: Simulation(scenario=scenario, measure=measure, replications=_runs_for_quantiles)
        for metric, measure in quantiles.items()
    }


def _runs_for_quantiles(params: Params) -> int:
    return RUNS_FOR_LONG_TAILS if params.get("legs") == "linkedin-disk" else RUNS


# The paper's search -----------------------------------------------------------------------------


class _Consistent(float):
    """How often reads at 0, one step, two steps, ... after the commit were consistent, in one run.

    The number itself is the last of these shares.
    """

    counts: Values
    trials: int

    @classmethod
    def at_steps(cls, visible_after: Values, step: float, steps: int) -> Self:
        """Count what is visible after each number of steps."""
        places = np.ceil(visible_after / step - 1e-9).astype(np.int64)
        counts = np.cumsum(np.bincount(np.minimum(places, steps), minlength=steps + 1))[:steps]
        found = cls(counts[-1] / visible_after.size)
        found.counts, found.trials = counts.astype(np.float64), visible_after.size
        return found


def _at_steps(run: Run, record: Record) -> float:
    after, step = MILLISECONDS * _store(run).visible_after(record.params), record.params["step"]
    # Far beyond the share that is looked for, where no search arrives.
    steps = int(2.0 * np.quantile(after, record.at or 0.0) / step) + 2
    return _Consistent.at_steps(after, step, steps)


def _first_crossing(values: Sequence[float], record: Record) -> Estimate:
    """Return median and 95 % range of the first step at which enough of new trials agree.

    The search makes ``trials`` new trials at each step and stops as soon as at least the share
    in question has the write. Here they are drawn from all trials of all runs.
    """
    counted = [value for value in values if isinstance(value, _Consistent)]
    steps = min(value.counts.size for value in counted)
    together = np.sum([value.counts[:steps] for value in counted], axis=0)
    shares = together / sum(value.trials for value in counted)
    trials = record.params["trials"]
    random = np.random.default_rng(1)
    successes = random.binomial(trials, shares, size=(SEARCHES, steps))
    enough = successes >= int(np.ceil(trials * (record.at or 0.0) - 1e-9))
    found = np.argmax(enough, axis=1) * record.params["step"]
    low, middle, high = np.quantile(found, [0.025, 0.5, 0.975])
    return Estimate(float(middle), float(low), float(high))


# Random quorums ---------------------------------------------------------------------------------


def _recent(run: Run, record: Record) -> float:
    most = record.params["versions"]
    return float((_store(run).versions(record.params, most)["behind"] < most).mean())


def _goes_back(run: Run, record: Record) -> float:
    """Return the share of reads that lack what was the newest version at the read before."""
    found = _store(run).versions(record.params, int(record.params["writes_per_read"]) + 1)
    return float((found["behind"] > found["written_since"]).mean())


def _is_whole(params: Params) -> bool:
    """Return whether there are equally many writes between any two reads."""
    each = params["writes_per_read"]
    return bool(each >= 1 and float(each).is_integer())


_PRODUCTION = _of_store(MILLISECONDS)

SIMULATED = {
    "pbs": _PRODUCTION,
    "pbs_table": {
        **_PRODUCTION,
        "first_crossing": Simulation(
            scenario=_production,
            measure=_at_steps,
            estimate=_first_crossing,
            replications=_runs_for_quantiles,
        ),
    },
    "pbs_text": _PRODUCTION,
    "pbs_exponential": _of_store(1.0),
    "pbs_versions": {"recent_probability": Simulation(scenario=_random_quorums, measure=_recent)},
    "pbs_monotonic": {
        "violation_probability": Simulation(
            scenario=_random_quorums, measure=_goes_back, can_say=_is_whole
        )
    },
}
"""Families about partial quorums, by name."""

"""Families: who answers the records, and how.

A family has up to two ways to an answer. A **computation** is a function of :mod:`eda_sim.theory`
or :mod:`eda_sim.analysis`. A **simulation** is a scenario and what is measured in its runs: it
knows the model's parameters and never a formula of the answer. A family with neither says why it is
out of scope.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eda_sim.analysis.estimates import Estimate
from eda_sim.analysis.replications import mean_over_replications
from eda_sim.evidence.records import Params, Record

if TYPE_CHECKING:
    from eda_sim.simulation import Run
    from eda_sim.spec import Scenario

Answer = float | Estimate
Compute = Callable[[Params], Any]

CONFIDENCE = 0.999
"""Of the intervals of simulated answers."""


def _mean_of_replications(values: Sequence[float], _: Record) -> Estimate:
    return mean_over_replications(values, confidence=CONFIDENCE)


def _always(_: Params) -> bool:
    return True


@dataclass(frozen=True, kw_only=True)
class Simulation:
    """How a family is simulated.

    Attributes
    ----------
    scenario : callable
        Params to scenario. It must not ask the theory for the answer.
    measure : callable
        One replication and the record to a number: what that run says.
    estimate : callable
        The numbers of all replications and the record to an estimate; by default their mean and
        its interval of 99.9 %.
    replications : int or callable
        Independent runs; or params to their number, where some models need more than others.
    can_say : callable
        Params to whether a scenario can say so; other records of the family are not simulated.
    """

    scenario: Callable[[Params], Scenario]
    measure: Callable[[Run, Record], float]
    estimate: Callable[[Sequence[float], Record], Estimate] = _mean_of_replications
    replications: int | Callable[[Params], int] = 20
    can_say: Callable[[Params], bool] = _always

    def replications_for(self, params: Params) -> int:
        """Return how many independent runs a model needs."""
        return (
            self.replications if isinstance(self.replications, int) else self.replications(params)
        )


@dataclass(frozen=True, kw_only=True)
class Family:
    """Records of one model.

    Attributes
    ----------
    title : str
        What the model is, in one line.
    compute : callable or mapping, optional
        Params to the answer; or to an object with an attribute, or a method of ``at``, of the
        metric's name; or metric to such a function.
    simulation : Simulation or mapping from metric, optional
        One for all metrics of the family, or one for each that is simulated.
    reason : str
        Why records are out of scope that are neither computed nor simulated.
    """

    title: str
    compute: Compute | Mapping[str, Compute] | None = None
    simulation: Simulation | Mapping[str, Simulation] | None = None
    reason: str = ""

    def computation_of(self, record: Record) -> Compute | None:
        """Return the function that answers a record, or None."""
        if isinstance(self.compute, Mapping):
            return self.compute.get(record.metric)
        return self.compute

    def simulation_of(self, record: Record) -> Simulation | None:
        """Return how a record is simulated, or None."""
        found = self.simulation
        if isinstance(found, Mapping):
            found = found.get(record.metric)
        return found if found is not None and found.can_say(record.params) else None


def computed_answer(family: Family, record: Record) -> Answer:
    """Return what theory or analysis answers to a record.

    Parameters
    ----------
    family : Family
        That of the record.
    record : Record
        What is asked.

    Returns
    -------
    float or Estimate

    Raises
    ------
    LookupError
        If the family computes no such metric.
    """
    compute = family.computation_of(record)
    if compute is None:
        message = f"{record.id}: the family {record.family} computes no {record.metric}"
        raise LookupError(message)
    result = compute(record.params)
    if isinstance(result, float | int | Estimate):
        return result
    found = getattr(result, record.metric)
    answer = found if record.at is None else found(record.at)
    return answer if isinstance(answer, Estimate) else float(answer)

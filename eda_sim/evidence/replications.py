"""Replications: the runs that answer records, once for all records of one scenario."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from eda_sim.analysis.estimates import Estimate
from eda_sim.engine.execute import Engine
from eda_sim.evidence.families import Family, Simulation
from eda_sim.evidence.records import Record
from eda_sim.simulation import run
from eda_sim.spec import Scenario, dump


@dataclass(frozen=True, kw_only=True)
class SharedRuns:
    """Records that the same runs answer.

    Attributes
    ----------
    scenario : Scenario
        What is run.
    replications : int
        How often, independently.
    asked : tuple of (Record, Simulation)
        What is asked of the runs, and how it is measured.
    """

    scenario: Scenario
    replications: int
    asked: tuple[tuple[Record, Simulation], ...]

    def answers(
        self, *, engine: Engine = "compiled", replications: int | None = None
    ) -> dict[str, Estimate]:
        """Run the scenario and return the estimate for each record, by its id.

        Parameters
        ----------
        engine : {"compiled", "reference", "auto"}
            Who simulates.
        replications : int, optional
            Independent runs, instead of as many as were planned.
        """
        numbers: list[list[float]] = [[] for _ in self.asked]
        for number in range(self.replications if replications is None else replications):
            # One run at a time: each may keep hundreds of megabytes.
            made = run(self.scenario, replication=number, engine=engine)
            for values, (record, simulation) in zip(numbers, self.asked, strict=True):
                values.append(simulation.measure(made, record))
        return {
            record.id: simulation.estimate(values, record)
            for values, (record, simulation) in zip(numbers, self.asked, strict=True)
        }


def shared_runs(records: Iterable[Record], families: Mapping[str, Family]) -> list[SharedRuns]:
    """Return which runs answer records: one entry for each scenario.

    Parameters
    ----------
    records : iterable of Record
        Those that no family simulates are left out.
    families : mapping
        By name.

    Returns
    -------
    list of SharedRuns
        In the order of the first record of each.
    """
    scenarios: dict[tuple[str, int], Scenario] = {}
    asked: dict[tuple[str, int], list[tuple[Record, Simulation]]] = {}
    for record in records:
        simulation = families[record.family].simulation_of(record)
        if simulation is None:
            continue
        scenario = simulation.scenario(record.params)
        key = dump(scenario), simulation.replications_for(record.params)
        scenarios.setdefault(key, scenario)
        asked.setdefault(key, []).append((record, simulation))
    return [
        SharedRuns(scenario=scenarios[key], replications=key[1], asked=tuple(group))
        for key, group in asked.items()
    ]


def simulated_answer(
    family: Family,
    record: Record,
    *,
    engine: Engine = "compiled",
    replications: int | None = None,
) -> Estimate:
    """Return what a simulation answers to a record.

    Parameters
    ----------
    family : Family
        That of the record.
    record : Record
        What is asked.
    engine : {"compiled", "reference", "auto"}
        Who simulates.
    replications : int, optional
        Independent runs, instead of as many as the family says.

    Returns
    -------
    Estimate
        With an interval of 99.9 %.

    Raises
    ------
    LookupError
        If the family does not simulate the metric.
    """
    groups = shared_runs([record], {record.family: family})
    if not groups:
        message = f"{record.id}: the family {record.family} simulates no {record.metric}"
        raise LookupError(message)
    return groups[0].answers(engine=engine, replications=replications)[record.id]

"""Names that point to each other: every one must be there, and what comes back must die out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from eda_sim.spec.errors import Path, Problem, nearest
from eda_sim.spec.faults.parties import Party, no_way_between, resolve
from eda_sim.spec.loops import check_loops
from eda_sim.spec.publishing import check_publishing

if TYPE_CHECKING:
    from eda_sim.spec.scenario import Scenario


def check_references(scenario: Scenario) -> list[Problem]:
    """Find the references of a scenario that lead nowhere.

    Parameters
    ----------
    scenario : Scenario
        The scenario; its fields are valid on their own.

    Returns
    -------
    list of Problem
        Nothing if all is well.
    """
    problems = [*_channels(scenario), *_faults(scenario)]
    return problems or [*check_publishing(scenario), *check_loops(scenario)]


def _channels(scenario: Scenario) -> Iterator[Problem]:
    used: list[tuple[Path, str]] = [
        (("producers", name, "to"), producer.to) for name, producer in scenario.producers.items()
    ]
    for name, consumer in scenario.consumers.items():
        several = len(consumer.reads) > 1
        for number, channel in enumerate(consumer.reads):
            place: Path = ("consumers", name, "reads")
            used.append(((*place, number) if several else place, channel))
        for number, emission in enumerate(consumer.emits):
            used.append((("consumers", name, "emits", number, "to"), emission.to))
        subscription = consumer.subscription
        here: Path = ("consumers", name, "subscription")
        if subscription.dead_letter is not None:
            used.append(((*here, "dead_letter"), subscription.dead_letter))
        if subscription.redrive is not None and subscription.redrive.to is not None:
            used.append(((*here, "redrive", "to"), subscription.redrive.to))
    for path, channel in used:
        if channel not in scenario.channels:
            hint = nearest(channel, scenario.channels)
            yield Problem(path=path, message=f"no channel {channel!r}{hint}")


def _faults(scenario: Scenario) -> Iterator[Problem]:
    for number, fault in enumerate(scenario.faults):
        path: Path = ("faults", number, fault.kind)
        parties: list[Party] = []
        for place, target in enumerate(fault.targets):
            try:
                parties.append(resolve(scenario, target, fault.sections))
            except ValueError as error:
                several = len(fault.targets) > 1
                yield Problem(path=(*path, place) if several else path, message=str(error))
        counts = getattr(fault, "mtbf_counts", "time")
        if counts == "operation" and any(party.section != "consumers" for party in parties):
            message = f"operation needs a consumer that works; {fault.targets[0]} is none"
            yield Problem(path=("faults", number, "mtbf_counts"), message=message)
        if len(fault.targets) > 1 and len(parties) == len(fault.targets):
            message = no_way_between(scenario, *parties)
            if message:
                yield Problem(path=path, message=message)

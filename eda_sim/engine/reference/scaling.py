"""Scaling: a process of the user's lets more or fewer instances of a consumer run.

An instance that has to go is stopped cleanly, like one that a fault of kind ``stop`` hits, and
leaves the same row in the table of faults; one that comes back ends it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eda_sim.engine.plan import NONE
from eda_sim.engine.trace import NEVER, Names

if TYPE_CHECKING:
    from eda_sim.engine.reference.model import Model

KIND = "stop"


def names_with_scaling(names: Names, sources: tuple[str, ...]) -> Names:
    """Return names in which every consumer can be stopped, with other sources.

    Parameters
    ----------
    names : Names
        Those of the plan; their numbers stay.
    sources : tuple of str
        The new sources.
    """
    return Names(
        sources=sources,
        channels=names.channels,
        consumers=names.consumers,
        fault_kinds=tuple(dict.fromkeys((*names.fault_kinds, KIND))),
        targets=tuple(dict.fromkeys((*names.targets, *names.consumers))),
    )


class Scaling:
    """Which instances of each consumer a process has stopped."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._stopped: dict[tuple[int, int], list[int]] = {}
        self._occurrences: dict[tuple[int, int], int] = {}

    def scale(self, consumer: int, instances: int) -> None:
        """Let the first instances of a consumer run, and stop the others."""
        everyone = self.model.consumers[consumer].instances
        if not 0 <= instances <= len(everyone):
            message = f"instances: {instances} is not valid: the scenario has {len(everyone)}"
            raise ValueError(message)
        for number, instance in enumerate(everyone):
            row = self._stopped.get((consumer, number))
            if number < instances and row is not None:
                row[-1] = self.model.clock.now
                del self._stopped[consumer, number]
                instance.restart()
            elif number >= instances and row is None:
                self._stopped[consumer, number] = self._note(consumer, number)
                instance.stop()

    def _note(self, consumer: int, instance: int) -> list[int]:
        """Begin a row in the table of faults; every instance is a fault of its own."""
        model = self.model
        place = (consumer, instance)
        occurrence = self._occurrences.get(place, 0)
        self._occurrences[place] = occurrence + 1
        before = sum(len(other.instances) for other in model.consumers[:consumer])
        names = model.user.names
        row = [
            len(model.plan.faults.what) + before + instance,
            names.fault_kinds.index(KIND),
            names.targets.index(names.consumers[consumer]),
            instance,
            NONE,
            occurrence,
            model.clock.now,
            NEVER,
        ]
        model.ledger.faults.append(row)
        return row

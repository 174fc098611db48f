"""Columns: what the groups of a plan are made of, and how a scenario becomes numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar, get_type_hints

import numpy as np
import numpy.typing as npt

from eda_sim.engine.streams.addresses import entities_of
from eda_sim.engine.streams.samplers import to_ns
from eda_sim.spec.distributions import Distribution, Uniform
from eda_sim.spec.retry import AnyRetry, NoRetry
from eda_sim.spec.scenario import Scenario

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

Group = TypeVar("Group", bound=Any)

NONE = -1
"""No limit, no time-out, no such thing."""

UNIT_UNIFORM = 0
"""Row of the uniform distribution on (0, 1) in the table of distributions of every plan."""


class Numbering:
    """What lowering knows of a scenario: numbers for names, lists of distributions and retries."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.channels = numbers(scenario.channels)
        self.consumers = numbers(scenario.consumers)
        self.distributions: list[Distribution] = [Uniform(low=0.0, high=1.0)]
        self.retries: list[AnyRetry] = []
        self._addresses = entities_of(
            f"{group}.{name}"
            for group in ("producers", "channels", "consumers")
            for name in getattr(scenario, group)
        )

    def row(self, distribution: Distribution | None) -> int:
        """Return the row of a distribution in the plan's table; NONE for none."""
        if distribution is None:
            return NONE
        self.distributions.append(distribution)
        return len(self.distributions) - 1

    def retry(self, policy: AnyRetry) -> int:
        """Return the row of a retry policy in the plan's table; NONE for no retry."""
        if isinstance(policy, NoRetry):
            return NONE
        self.retries.append(policy)
        return len(self.retries) - 1

    def address(self, group: str, name: str) -> int:
        """Return the address of the draws of a producer, channel or consumer."""
        return self._addresses[f"{group}.{name}"]


def numbers(names: Iterable[str]) -> dict[str, int]:
    """Return a number for each name, from 0 in their order."""
    return {name: number for number, name in enumerate(names)}


def columns(group: type[Group], rows: Sequence[Mapping[str, float]]) -> Group:
    """Turn rows into a group of columns, also when there are no rows.

    Parameters
    ----------
    group : NamedTuple class
        Fields annotated with :data:`Integers` or :data:`Floats`.
    rows : sequence of mappings
        Each has exactly the fields of the group.

    Returns
    -------
    group
        One contiguous array per field.
    """
    for row in rows:
        if row.keys() != set(group._fields):
            message = f"{group.__name__} has {group._fields}, a row has {tuple(row)}"
            raise TypeError(message)
    kinds = get_type_hints(group)  # annotations alone are references, equal to nothing
    return group(  # type: ignore[no-any-return]  # a TypeVar cannot be bound to NamedTuple
        **{
            field: np.array(
                [row[field] for row in rows],
                dtype=np.float64 if kinds[field] == Floats else np.int64,
            )
            for field in group._fields
        }
    )


def or_none(number: int | None) -> int:
    """Return the number, or NONE."""
    return NONE if number is None else number


def ns_or_none(seconds: float | None) -> int:
    """Return a positive duration in ns, at least one so that time goes on, or NONE."""
    return NONE if seconds is None else max(1, to_ns(seconds))

"""Faults: what goes wrong, when, and for how long. A fault is a peer of the workload.

A crash takes what an instance had in memory: prefetched and running deliveries and its local
deduplication. While it lasts the instance does nothing; then it starts again with nothing.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field, Strict, WithJsonSchema

from eda_sim.spec.errors import shown
from eda_sim.spec.measures import Duration, PositiveDuration
from eda_sim.spec.model import Model
from eda_sim.spec.names import NAME, check_name


def _check_target(target: str) -> str:
    name, slash, instance = target.partition("/")
    check_name(name)
    if slash and not (instance.isascii() and instance.isdigit() and len(instance) <= 9):
        message = f"{shown(target)} is not valid: must be a consumer, or consumer/instance from 0"
        raise ValueError(message)
    return target


Target = Annotated[
    str,
    Strict(),
    AfterValidator(_check_target),
    WithJsonSchema({"type": "string", "pattern": rf"^{NAME.pattern}(/[0-9]{{1,9}})?$"}),
]


class Crash(Model):
    """A consumer, or one of its instances, is dead for a while."""

    kind: ClassVar[str] = "crash"

    crash: Target = Field(
        description="What crashes: a consumer (all its instances), or consumer/instance from 0."
    )
    at: Duration = Field(description="When, from the start of the run.")
    lasts: PositiveDuration = Field(description="How long until it starts again.")

    @property
    def target(self) -> str:
        """Name of the consumer."""
        return self.crash.partition("/")[0]

    @property
    def instance(self) -> int | None:
        """Number of the instance, None for all of them."""
        number = self.crash.partition("/")[2]
        return int(number) if number else None


Fault = Crash
"""Any fault."""

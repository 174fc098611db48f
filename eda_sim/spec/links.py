"""Links: the way between a service and a channel."""

from __future__ import annotations

from pydantic import Field

from eda_sim.spec.distributions import Constant, DurationDistribution
from eda_sim.spec.model import Model


class Link(Model):
    """A way that takes time. It never reorders: what left first arrives first."""

    latency: DurationDistribution = Field(
        default=Constant(value=0), description="Time that each message is on its way; default 0s."
    )

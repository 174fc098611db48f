"""Links: the way between a service and a channel, there and back.

A link is a stream of bytes: it takes time, it may be narrow, and what left first arrives first.
Real links also lose what they carry, or carry it twice. What a sender knows then is what was
acknowledged: whose acknowledgement got lost knows no more than whose message did.

Links are perfect by default. No broker documents how often a link loses: rates are assumptions, and
a scenario has to say them.
"""

from __future__ import annotations

from pydantic import Field

from eda_sim.spec.distributions import Constant, DurationDistribution
from eda_sim.spec.measures import Bandwidth, Probability
from eda_sim.spec.model import Model


class Link(Model):
    """A way that takes time. It never reorders: what left first arrives first."""

    latency: DurationDistribution = Field(
        default=Constant(value=0), description="Time that each message is on its way; default 0s."
    )
    bandwidth: Bandwidth | None = Field(
        default=None,
        description="Bytes that can leave per second, one after the other, such as 10MB/s or "
        "100Mbit/s; default null: no bound.",
    )
    loss_probability: Probability = Field(
        default=0.0, description="Chance that what is sent to the channel never arrives; default 0."
    )
    duplicate_probability: Probability = Field(
        default=0.0, description="Chance that what is sent to the channel arrives twice; default 0."
    )
    given_acknowledgement_loss_probability: Probability | None = Field(
        default=None,
        alias="acknowledgement_loss_probability",
        description="Chance that the channel's answer never arrives; default: loss_probability.",
    )

    @property
    def acknowledgement_loss_probability(self) -> float:
        """Chance that the channel's answer never arrives."""
        if self.given_acknowledgement_loss_probability is None:
            return self.loss_probability
        return self.given_acknowledgement_loss_probability

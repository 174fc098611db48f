"""Answers that are computed, by family: functions of theory and of analysis, and no scenario."""

from eda_sim.evidence.computed.messages import MESSAGES
from eda_sim.evidence.computed.output import OUTPUT
from eda_sim.evidence.computed.queues import QUEUES
from eda_sim.evidence.computed.quorums import QUORUMS

COMPUTED = QUEUES | QUORUMS | MESSAGES | OUTPUT
"""All families that are computed, by name."""

__all__ = ["COMPUTED"]

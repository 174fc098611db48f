"""Answers that are simulated, by family and metric: scenarios, and no formula of an answer.

Each module has a dictionary ``SIMULATED``: family to its simulation, or to metric to simulation.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from importlib import import_module

from eda_sim.evidence.families import Simulation

SIMULATED: dict[str, Simulation | Mapping[str, Simulation]] = {}
"""All families that are simulated, by name."""

for _module in pkgutil.iter_modules(__path__):
    SIMULATED |= getattr(import_module(f"{__name__}.{_module.name}"), "SIMULATED", {})

__all__ = ["SIMULATED"]

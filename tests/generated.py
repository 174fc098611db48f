"""Generated scenarios for tests of what is made of their runs."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded

from eda_sim.spec import Scenario
from tests.engine.examining import ROUND
from tests.engine.mixtures import Focus, mixtures


def each_generated(focus: Focus, seed: int, check: Callable[[Scenario], None]) -> None:
    """Let a check see the scenarios that a seed generates; shrink the first that fails."""

    @seeded(seed)
    @settings(
        max_examples=ROUND,
        phases=(Phase.generate, Phase.shrink),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(mixtures(focus))
    def see(scenario: Scenario) -> None:
        check(scenario)

    see()

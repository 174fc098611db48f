"""Columns keep what a scenario says, fractions too."""

import numpy as np

from eda_sim.engine.plan import make_plan
from tests.engine.worlds import world


def test_a_column_of_probabilities_keeps_fractions():
    scenario = world(
        producer={"rate": 1},
        channel={"append": {"per_message": "2500us"}},
        consumer={"service": "1ms", "error_probability": 0.25, "poison_probability": "1%"},
        duration=1,
    )
    plan = make_plan(scenario)
    assert plan.handling.error_probability.tolist() == [0.25]
    assert plan.handling.poison_probability.tolist() == [0.01]
    assert plan.channels.rows.append_fixed_s.tolist() == [0.0025]
    assert plan.handling.error_probability.dtype == np.float64
    assert plan.handling.retry.dtype == np.int64

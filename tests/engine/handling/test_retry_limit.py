"""Retries to the tail of the queue, with a limit and dead letters, against theory."""

import numpy as np
import pytest

import eda_sim as es
from eda_sim.engine.execute import execute
from eda_sim.engine.trace import CopyState
from tests.engine.worlds import SECOND, copies

REPLICATIONS = 3


def queue(rate, error_probability, **consumer):
    return es.Scenario.model_validate(
        {
            "name": "retries",
            "messages": 12_000,
            "drain": True,
            "drain_timeout": "1d",
            "producers": {"source": {"to": "queue", "rate": rate}},
            "channels": {"queue": {}, "dead": {}},
            "consumers": {
                "server": {
                    "reads": "queue",
                    "service": "exponential(1s)",
                    "error_probability": error_probability,
                    "retry": "immediate(max_attempts=1000)",
                    "retry_where": "requeue",
                    **consumer,
                },
                "morgue": {"reads": "dead", "service": "0s"},
            },
        }
    )


def mean_sojourn(scenario):
    means, states = [], []
    for replication in range(REPLICATIONS):
        rows = copies(execute(scenario, replication=replication))
        means.append(((rows["settled_at"] - rows["stored_at"]) / SECOND).mean())
        states.append(rows["state"].to_numpy())
    return float(np.mean(means)), np.concatenate(states)


@pytest.mark.rule("H7")
@pytest.mark.parametrize("position", ["original", "head", "tail"])
def test_feedback_takes_as_long_wherever_the_message_goes_back_to(position):
    """Record feedback.0.6.0.2.W: mean time to success 5 s (Takacs 1963, Jackson)."""
    scenario = queue(0.6, 0.2, subscription={"requeue_position": position})
    assert mean_sojourn(scenario)[0] == pytest.approx(5.0, rel=0.08)


@pytest.mark.rule("H7", "H8")
def test_limited_retries_to_the_tail_and_dead_letters():
    """Records retrylimit.0.5.0.3.3: W = 4.5574 s (Kelly, BCMP), p^3 = 2.7 % dead-lettered."""
    scenario = queue(
        0.5,
        0.3,
        retry="immediate(max_attempts=3)",
        subscription={
            "requeue_position": "tail",
            "on_exhausted": "dead_letter",
            "dead_letter": "dead",
        },
    )
    mean, states = mean_sojourn(scenario)
    assert mean == pytest.approx(4.557377049180329, rel=0.08)
    dead = (states == CopyState.DEAD_LETTERED).mean()
    spread = np.sqrt(0.027 * 0.973 / states.size)
    assert dead == pytest.approx(0.027, abs=4 * spread)
    assert len(copies(execute(scenario), "morgue")) == pytest.approx(12_000 * 0.027, rel=0.2)

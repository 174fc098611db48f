"""Members that poll too late are excluded, and come back: nothing of theirs is lost on the way."""

from __future__ import annotations

import numpy as np
import pytest

from eda_sim.engine import execute as module
from eda_sim.engine.trace import CopyState, LeaseEnd
from tests.engine.worlds import SECOND, world

IMPATIENT = {
    "lease_scope": "partition",
    "static_membership": False,
    "fetch_max_messages": 1,
    "heartbeat_interval": "3ms",
    "lease_timeout": "20ms",
    "rebalance_timeout": "50ms",
    "max_poll_interval": "5ms",
}
DRAIN_TIMEOUT = 60


@pytest.mark.rule("G9", "G15")
@pytest.mark.parametrize("protocol", ["none", "eager", "cooperative", "incremental"])
@pytest.mark.parametrize("seed", range(3))
def test_members_that_poll_too_late_lose_nothing(protocol, seed):
    """An excluded member dropped what it had fetched, and joined again as the owner of it.

    Nobody went back to those messages then, so they were never delivered again.
    """
    scenario = world(
        seed=seed,
        messages=80,
        drain=True,
        drain_timeout=DRAIN_TIMEOUT,
        producer={"rate": "300/s"},
        channel={"partitions": 4},
        consumer={
            "instances": 2,
            "concurrency": 2,
            "service": "exponential(4ms)",
            "subscription": {**IMPATIENT, "rebalance_protocol": protocol},
        },
    )
    trace = module.execute(scenario)
    deliveries, copies = trace.deliveries, trace.copies
    assert (deliveries["lease_end"] == LeaseEnd.REVOKED).sum() > 5, "members were excluded"
    assert (copies["state"] == CopyState.ACKNOWLEDGED).all()
    effects = np.bincount(deliveries["message_id"], weights=deliveries["effect"], minlength=80)
    assert (effects >= 1).all()
    assert (effects > 1).any(), "an excluded member's effect takes place, but is not committed"
    assert trace.ended_at_ns < (DRAIN_TIMEOUT / 2) * SECOND

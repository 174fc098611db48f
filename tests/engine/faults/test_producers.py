"""A producer that crashes is a service that is gone: what would have happened there, does not."""

import numpy as np
import pytest

from eda_sim.engine.execute import execute
from tests.engine.worlds import SECOND, messages, world


def shop(*faults, **settings):
    return world(
        **{"duration": "60s", **settings},
        producer={"rate": "20/s", "key": "uniform(n=50)", "size": "exponential(1KB)"},
        consumer={"service": "1ms"},
        faults=list(faults),
    )


@pytest.mark.rule("F5")
def test_it_creates_nothing_while_it_is_down_and_then_goes_on_as_ever():
    plain = messages(execute(shop()))
    rows = messages(execute(shop({"crash": "source", "at": "20s", "lasts": "10s"})))
    down = (rows["created_at"] >= 20 * SECOND) & (rows["created_at"] < 30 * SECOND)
    assert not down.any()
    assert rows["created_at"].max() > 59 * SECOND
    # Every other message is the one that it would have been.
    columns = ["sequence", "key", "size_bytes", "created_at"]
    kept = plain[(plain["created_at"] < 20 * SECOND) | (plain["created_at"] >= 30 * SECOND)]
    assert (rows[columns].to_numpy() == kept[columns].to_numpy()).all()


@pytest.mark.rule("F5")
def test_a_crash_for_ever_is_the_end_of_production():
    trace = execute(shop({"crash": "source", "at": "20s"}, duration=None, messages=100_000))
    assert trace.ended_at_ns == 20 * SECOND
    assert np.isclose(trace.messages["created_at"].size, 400, rtol=0.2)

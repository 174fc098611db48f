"""A queue with one or more workers, against a second implementation that fits on a screen.

Arrivals and service times lie on a coarse grid, so that ties are the rule: work ends, work comes
and workers fall idle at the same nanosecond, and both sides must agree on who gets what.
"""

from __future__ import annotations

import heapq
from collections import deque

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eda_sim.engine.execute import execute
from tests.engine.worlds import SECOND, deliveries, world

pytestmark = pytest.mark.rule("R4", "R6")

GRID = st.integers(0, 20).map(lambda ticks: ticks / 4)


def serve(arrivals: list[int], service: list[int], workers: int) -> list[tuple[int, int]]:
    """Return (start, worker) of each message: first come, first served; longest idle worker first.

    What ends at a moment ends before what comes at that moment; of what ends, the first come first.
    """
    idle = deque(range(workers))
    waiting: deque[int] = deque()
    running: list[tuple[int, int, int]] = []  # end, message, worker
    started = [(0, 0)] * len(arrivals)

    def start(message: int, worker: int, now: int) -> None:
        started[message] = (now, worker)
        heapq.heappush(running, (now + service[message], message, worker))

    def finish_until(now: int) -> None:
        while running and running[0][0] <= now:
            end, _, worker = heapq.heappop(running)
            if waiting:
                start(waiting.popleft(), worker, end)
            else:
                idle.append(worker)

    for message, now in enumerate(arrivals):
        finish_until(now)
        if idle:
            start(message, idle.popleft(), now)
        else:
            waiting.append(message)
    finish_until(10**18)
    return started


def run(arrivals: list[float], service: str, workers: int, *, seed: int = 0, **consumer: object):
    scenario = world(
        seed=seed,
        messages=len(arrivals),
        drain=True,
        producer={"arrivals": {"type": "trace", "times": arrivals}},
        consumer={"service": service, "concurrency": workers, **consumer},
    )
    return deliveries(execute(scenario)).sort_values("message_id")


@given(
    arrivals=st.lists(GRID, min_size=1, max_size=25),
    service=GRID.filter(bool),
    workers=st.integers(1, 4),
)
def test_constant_service(arrivals, service, workers):
    rows = run(arrivals, f"{service}s", workers)
    times = sorted(int(time * SECOND) for time in arrivals)
    expected = serve(times, [int(service * SECOND)] * len(times), workers)
    assert list(zip(rows["started_at"], rows["worker"], strict=True)) == expected
    assert list(rows["acquired_at"]) == [start for start, _ in expected]


@given(
    arrivals=st.lists(GRID, min_size=1, max_size=25),
    values=st.lists(GRID, min_size=1, max_size=5),
    workers=st.integers(1, 4),
    seed=st.integers(0, 2**32 - 1),
)
def test_service_from_a_list(arrivals, values, workers, seed):
    rows = run(arrivals, f"empirical(values={values})", workers, seed=seed)
    service = (rows["finished_at"] - rows["started_at"]).tolist()
    assert {time / SECOND for time in service} <= set(values)
    expected = serve(sorted(int(time * SECOND) for time in arrivals), service, workers)
    assert list(zip(rows["started_at"], rows["worker"], strict=True)) == expected


@pytest.mark.parametrize("workers", [1, 4])
def test_a_long_random_run(workers):
    scenario = world(
        messages=20_000,
        drain=True,
        producer={"rate": 0.9 * workers},
        consumer={"service": "exponential(1s)", "concurrency": workers},
    )
    rows = deliveries(execute(scenario)).sort_values("message_id")
    service = (rows["finished_at"] - rows["started_at"]).tolist()
    expected = serve(rows["available_at"].tolist(), service, workers)
    assert list(zip(rows["started_at"], rows["worker"], strict=True)) == expected
    assert np.mean(service) == pytest.approx(SECOND, rel=0.05)


@given(
    arrivals=st.lists(GRID, min_size=1, max_size=25),
    values=st.lists(GRID, min_size=1, max_size=5),
    delivery=st.sampled_from(["pull", "push", "partition"]),
)
def test_one_worker_is_the_same_however_it_gets_its_work(arrivals, values, delivery):
    # With one worker and no way in between, push, pull and a partition are one queue.
    subscription = (
        {"lease_scope": "partition"} if delivery == "partition" else {"delivery": delivery}
    )
    rows = run(arrivals, f"empirical(values={values})", 1, subscription=subscription)
    service = (rows["finished_at"] - rows["started_at"]).tolist()
    expected = serve(sorted(int(time * SECOND) for time in arrivals), service, 1)
    assert list(rows["started_at"]) == [start for start, _ in expected]

"""Circuit breakers: closed, open, half open, as Resilience4j 2.4 says (CircuitBreakerConfig)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eda_sim.engine.execute import execute
from eda_sim.engine.reference.breaker import Breaker, BreakerSettings, BreakerState
from eda_sim.engine.trace import Outcome
from tests.engine.worlds import at, deliveries, seconds, world

CLOSED, OPEN, HALF_OPEN = BreakerState


def breaker(**settings):
    """Return a breaker and the list of its openings (delay, number)."""
    opened: list[tuple[int, int]] = []
    chosen = BreakerSettings(
        **{
            "failure_rate": 0.5,
            "window": 10,
            "minimum_calls": 4,
            "open_ns": 60,
            "half_open_calls": 3,
            "pauses": False,
            **settings,
        }
    )
    return Breaker(chosen, lambda *opening: opened.append(opening), lambda: None), opened


def call(subject, *, failed):
    assert subject.let_through()
    subject.record(failed=failed)


@pytest.mark.rule("H10")
def test_it_opens_at_the_failure_rate_and_not_before_the_minimum_of_calls():
    subject, opened = breaker()
    for failed in (True, True, True):
        call(subject, failed=failed)
    assert subject.state == CLOSED  # 100 % of three calls, but four are the minimum
    call(subject, failed=False)
    assert subject.state == OPEN
    assert opened == [(60, 1)]
    assert not subject.let_through()


@pytest.mark.rule("H10")
def test_old_calls_leave_the_window():
    subject, _ = breaker(window=4, minimum_calls=4)
    for failed in (False, True, False, False, False, True, False, False):
        call(subject, failed=failed)
    assert subject.state == CLOSED
    call(subject, failed=True)  # the window is True, False, False, True
    assert subject.state == OPEN


@pytest.mark.rule("H10")
@pytest.mark.parametrize(("outcomes", "state"), [((0, 0, 1), CLOSED), ((1, 0, 1), OPEN)])
def test_half_open_lets_some_calls_try_and_they_decide(outcomes, state):
    subject, opened = breaker()
    for _ in range(4):
        call(subject, failed=True)
    subject.half_open(1)
    assert subject.state == HALF_OPEN
    assert [subject.let_through() for _ in range(5)] == [True, True, True, False, False]
    for failed in outcomes:
        subject.record(failed=bool(failed))
    assert subject.state == state
    assert len(opened) == (2 if state == OPEN else 1)


@pytest.mark.rule("H10")
def test_an_old_alarm_does_not_half_open_it():
    subject, _ = breaker(half_open_calls=1, minimum_calls=1)
    call(subject, failed=True)
    subject.half_open(1)
    call(subject, failed=True)
    subject.half_open(1)
    assert subject.state == OPEN
    subject.half_open(2)
    assert subject.state == HALF_OPEN


@given(st.lists(st.booleans(), min_size=1, max_size=60), st.integers(1, 8), st.integers(1, 8))
def test_while_closed_it_is_a_rate_over_the_last_calls(outcomes, window, minimum):
    subject, _ = breaker(window=window, minimum_calls=minimum)
    seen: list[bool] = []
    for failed in outcomes:
        call(subject, failed=failed)
        seen = [*seen, failed][-window:]
        high = sum(seen) / len(seen) >= 0.5 and len(seen) >= min(minimum, window)
        assert (subject.state == OPEN) == high
        if high:
            return


POISONED = {
    "service": "100ms",
    "poison_probability": 1,
    "circuit_breaker": {"window": 4, "minimum_calls": 4, "open_for": "10s", "half_open_calls": 2},
}


def outage(**breaker_changes):
    """A message a second, 30 in all; every one is poison."""
    changed = {**POISONED["circuit_breaker"], **breaker_changes}
    return world(
        duration=60,
        producer={"arrivals": at(*range(1, 31))},
        consumer={**POISONED, "circuit_breaker": changed},
    )


@pytest.mark.rule("H10")
def test_while_it_is_open_attempts_fail_at_once():
    rows = deliveries(execute(outage()))
    took = (rows["finished_at"] - rows["started_at"]).to_numpy() // 100_000_000
    # Four calls open it at 4.1 s; until 14.1 s all fail at once; two trials (15, 16) open it again
    # until 26.1 s.
    assert took.tolist() == [1] * 4 + [0] * 10 + [1] * 2 + [0] * 10 + [1] * 2 + [0] * 2
    assert (rows["outcome"] == Outcome.DEAD).all()


@pytest.mark.rule("H10")
def test_while_it_is_open_workers_may_pause_instead():
    rows = deliveries(execute(outage(while_open="pause")))
    # What came from 5 s on waits until 14.1 s, two are tried then, and so on.
    expected = [1, 2, 3, 4, 14.1, 14.2, 24.3, 24.4, 34.5, 34.6, 44.7, 44.8, 54.9, 55.0]
    assert seconds(rows["started_at"]) == pytest.approx(expected)
    assert seconds(rows["acquired_at"]) == pytest.approx(expected)  # nothing is held meanwhile


@pytest.mark.rule("H10")
def test_every_instance_has_its_own_breaker_and_a_restart_closes_it():
    scenario = world(
        duration=40,
        producer={"arrivals": at(*range(1, 31))},
        consumer={**POISONED, "instances": 2},
        faults=[{"crash": "server/0", "at": 12.5, "lasts": 1}],
    )
    rows = deliveries(execute(scenario))
    called = rows[rows["finished_at"] > rows["started_at"]]
    first = called[called["instance"] == 0]
    # Messages alternate: instance 0 gets those of odd seconds, opens at 7.1 s, and begins anew.
    assert seconds(first["started_at"])[:4] == [1, 3, 5, 7]
    assert 13.5 <= seconds(first["started_at"])[4] <= 17
    assert seconds(called[called["instance"] == 1]["started_at"])[:4] == [2, 4, 6, 8]

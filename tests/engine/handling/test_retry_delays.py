"""Delays of retries: formulas, schedules that brokers publish, and the spelling of policies.

Formulas: M. Brooker, "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015) and Apache
Kafka KIP-580. Records ``backoff.*`` are closed forms.
"""

import importlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eda_sim.engine.plan.retry import lower_retry_policies
from eda_sim.engine.streams.addresses import Stream
from eda_sim.engine.streams.retries import GIVE_UP, draw_retry_delay_ns, retry_delay_ns
from eda_sim.spec.errors import ScenarioError
from eda_sim.spec.model import Model
from eda_sim.spec.retry import RETRY_FAMILIES, NoRetry, RetryPolicy

SECOND = 1_000_000_000

PHASES = "phase(3, 0s), phase(2, 1s), phase(10, 1s, 20s, exponential), phase(100000, 20s)"
SNS = f"phased(phases=[{PHASES}])"
"""Amazon SNS to SQS and Lambda: sns-message-delivery-retries.md of the SNS developer guide."""
KAFKA = "exponential(base=100ms, factor=2, cap=1s, jitter=proportional, jitter_ratio=0.2)"
"""retry.backoff.ms and retry.backoff.max.ms of Kafka's Java producer (4.x)."""


class Holder(Model):
    retry: RetryPolicy = NoRetry()


def policy(text):
    return Holder(retry=text).retry


def delays(text, attempts, *, unit=0.5, chained=True):
    """Return the delays in seconds after attempts 1, 2, ..., each fed into the next."""
    table = lower_retry_policies([policy(text)])
    found, previous, elapsed = [], 0, 0
    for attempt in range(1, attempts + 1):
        delay = retry_delay_ns(table, 0, attempt, elapsed, previous, unit)
        if delay == GIVE_UP:
            break
        found.append(delay / SECOND)
        previous = delay if chained else 0
        elapsed += delay
    return found


@pytest.mark.rule("H21")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("none", []),
        ("immediate(max_attempts=3)", [0, 0]),
        ("fixed(500ms)", [0.5] * 5),
        ("linear(1s, cap=3s)", [1, 2, 3, 3, 3]),
        ("exponential(base=100ms, factor=3, cap=2s)", [0.1, 0.3, 0.9, 2, 2]),
        ("list([5s, 1min], max_attempts=4)", [5, 60, 60]),
        ("phased(phases=[phase(1, 0s), phase(3, 1s, 2s)])", [0, 1, 1.5, 2]),
        ("phased(phases=[phase(3, 1s, 100s, exponential)])", [1, 10, 100]),
        ("fixed(1s, max_elapsed=3s)", [1, 1, 1]),
        ("exponential(base=1s, max_elapsed=6s)", [1, 2]),
    ],
)
def test_each_kind_has_its_delays(text, expected):
    assert delays(text, 5) == pytest.approx(expected, rel=1e-12)


@pytest.mark.rule("H21")
def test_total_of_an_exponential_backoff():
    """Record backoff.total: base (2^n - 1) = 6.3 s for base 0.1 s, factor 2, 6 retries."""
    assert sum(delays("exponential(base=100ms, factor=2, max_attempts=7)", 99)) == pytest.approx(
        6.300000000000001, rel=1e-12
    )


@pytest.mark.rule("H21")
def test_expected_backoff_when_attempts_fail_by_chance():
    """Record backoff.expected: sum of p^(i+1) base 2^i over 4 retries, p = 0.3."""
    found = delays("exponential(base=100ms, factor=2, max_attempts=5)", 99)
    assert len(found) == 4
    expected = sum(0.3 ** (i + 1) * delay for i, delay in enumerate(found))
    assert expected == pytest.approx(0.06528, rel=1e-9)


@pytest.mark.rule("H21")
def test_sns_gives_up_after_100015_attempts_over_23_days():
    """SNS documents 100,015 attempts over 23 days after the first delivery failed."""
    table = lower_retry_policies([policy(SNS)])
    assert policy(SNS).retries == 100_015
    total = sum(retry_delay_ns(table, 0, n, 0, 0, 0.5) for n in range(1, 100_016))
    assert retry_delay_ns(table, 0, 100_016, 0, 0, 0.5) == GIVE_UP
    assert total / SECOND / 86_400 == pytest.approx(23.15, abs=0.005)
    backoff = delays(SNS, 15)[5:]
    assert (backoff[0], backoff[-1]) == (1.0, 20.0)
    assert np.allclose(np.diff(np.log(backoff)), np.log(20) / 9)


@pytest.mark.rule("H21")
@pytest.mark.parametrize(
    ("jitter", "low", "high"),
    [("proportional", 0.8, 1.0), ("full", 0.0, 1.0), ("equal", 0.5, 1.0), ("none", 1.0, 1.0)],
)
def test_jitter_spreads_a_capped_delay(jitter, low, high):
    """Attempt 4 would wait 100 ms * 2^3 = 800 ms, attempt 9 is at the cap of 1 s."""
    text = f"exponential(base=100ms, factor=2, cap=1s, jitter={jitter})"
    table = lower_retry_policies([policy(text)])
    edges = [retry_delay_ns(table, 0, 9, 0, 0, unit) / SECOND for unit in (1e-12, 1 - 1e-12)]
    assert edges == pytest.approx([low, high], abs=1e-9)


@pytest.mark.rule("H21")
def test_kafka_backs_off_between_80_and_120_percent_of_the_step():
    """KIP-580: min(cap, backoff * 2^(n-1) * U(0.8, 1.2))."""
    table = lower_retry_policies([policy(KAFKA)])
    key = (7, 0, int(Stream.RETRY), 99)
    for attempt, step in enumerate((0.1, 0.2, 0.4), 1):
        drawn = np.array(
            [draw_retry_delay_ns(table, 0, *key, n, attempt, 0, 0) / SECOND for n in range(4000)]
        )
        assert drawn.min() == pytest.approx(0.8 * step, rel=2e-3)
        assert drawn.max() == pytest.approx(1.2 * step, rel=2e-3)
        assert drawn.mean() == pytest.approx(step, rel=5e-3)


@pytest.mark.rule("H21")
def test_decorrelated_jitter_depends_on_the_delay_before():
    """s = min(cap, U(base, 3 s)), s = base at first."""
    text = "exponential(base=1s, cap=20s, jitter=decorrelated)"
    assert delays(text, 4, unit=1 - 1e-12) == pytest.approx([3, 9, 20, 20])
    assert delays(text, 3, unit=1e-12) == pytest.approx([1, 1, 1])
    assert delays(text, 2, unit=0.5) == pytest.approx([2, 3.5])


@pytest.mark.rule("H21")
@given(
    st.fixed_dictionaries(
        {
            "type": st.just("exponential"),
            "base": st.floats(1e-9, 100),
            "factor": st.floats(1, 20),
            "cap": st.floats(1e-3, 1e4),
            "jitter": st.sampled_from(("none", "proportional", "full", "equal", "decorrelated")),
        }
    ),
    st.integers(1, 2000),
    st.integers(0, 10**13),
    st.floats(1e-12, 1 - 1e-12),
)
def test_no_delay_is_above_the_cap_or_differs_interpreted(values, attempt, previous, unit):
    table = lower_retry_policies([policy(values)])
    delay = retry_delay_ns(table, 0, attempt, 0, previous, unit)
    assert 0 <= delay <= values["cap"] * SECOND + 1
    with np.errstate(over="ignore"):
        assert delay == getattr(retry_delay_ns, "py_func", retry_delay_ns)(
            table, 0, attempt, 0, previous, unit
        )


@pytest.mark.parametrize(
    "text",
    [
        "none",
        "immediate(max_attempts=3)",
        "fixed(base=500ms, jitter=full)",
        "linear(base=1s, cap=10s, max_elapsed=1min)",
        "exponential(base=100ms, factor=3.0, budget_ratio=0.1)",
        "list(delays=[5s, 1min])",
        SNS,
    ],
)
def test_a_policy_is_written_as_it_is_read(text):
    held = Holder(retry=text)
    assert Holder.model_validate(held.model_dump(mode="json")) == held


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("exponentail(1s)", "did you mean 'exponential'"),
        ("exponential(factor=2)", "base"),
        ("fixed(1s, jitter=decorrelated)", "jitter"),
        ("fixed(1s, jitter_ratio=0.1)", "only with jitter: proportional"),
        ("fixed(1s, budget_burst=3)", "only with budget_ratio"),
        ("fixed(1s, max_attempts=0)", "max_attempts"),
        ("fixed(0s)", "above 0s"),
        ("list([])", "delays"),
        ("phased(phases=[phase(3, 0s, 1s, exponential)])", "above 0s"),
        ("phased(phases=[phase(3, 2s, 1s)])", "must not lie below delay_min"),
    ],
)
def test_a_wrong_policy_is_refused_in_one_line(text, message):
    with pytest.raises(ScenarioError, match=message) as caught:
        Holder(retry=text)
    assert "\n" not in str(caught.value)


def test_every_kind_of_the_specification_has_a_row():
    kinds = {family.model_fields["type"].default for family in RETRY_FAMILIES}
    assert kinds == {"none", "immediate", "fixed", "linear", "exponential", "list", "phased"}
    table = lower_retry_policies([policy("none"), policy("list([1s])"), policy(SNS)])
    assert table.integers.shape == (3, 11)
    assert importlib.import_module("eda_sim.engine.warm").warm() >= 0

"""Retry policies: whether and when to try again.

An *attempt* that failed is followed by a *delay* and then by the next attempt; ``max_attempts``
counts the first one too. Everything that retries takes a policy: a consumer whose handler fails, a
publisher whose request times out, a broker that delivers again.

======================================== ==========================================================
spelling                                  delay after attempt n = 1, 2, ...
======================================== ==========================================================
``none``                                  there is no second attempt
``immediate(max_attempts=3)``             0
``fixed(base=500ms)``                     base
``linear(base=1s, cap=10s)``              min(cap, base * n)
``exponential(base=100ms, factor=2, cap=1s)`` min(cap, base * factor^(n-1))
``list(delays=[5s, 1min])``               the n-th of them; the last one again and again
``phased(phases=[phase(3, 0s), ..])``     phase by phase, evenly or geometrically spaced in each
======================================== ==========================================================

Clients that failed together come back together, unless *jitter* spreads them. With the delay e of
the table and U(a, b) uniform:

=============== ======================================================================
``none``        e
``proportional`` min(cap, e * U(1 - jitter_ratio, 1 + jitter_ratio)): Kafka, with a ratio of 0.2
``full``        U(0, e)
``equal``       e/2 + U(0, e/2)
``decorrelated`` min(cap, U(base, 3 * the delay before this one)), which begins with base
=============== ======================================================================

Retries multiply the load just when the system is weakest. ``budget_ratio`` bounds that: each first
attempt puts so many tokens into a bucket, each retry takes a whole one, and with an empty bucket
there is no retry.

References
----------
M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015 (full, equal,
decorrelated; the names are his). Apache Kafka KIP-580 (proportional, cap after jitter). gRPC
proposal A6, "Retry Throttling" (budget; the bucket of its example holds 10 tokens).
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from eda_sim.spec.errors import Problem, ScenarioError
from eda_sim.spec.measures import (
    MAXIMUM_DURATION,
    Duration,
    Measure,
    PositiveDuration,
    Probability,
    Whole,
)
from eda_sim.spec.spelling import Family, Spelling

MOST_ATTEMPTS = 4_000_000
"""Attempts that have an address of their own: the draw word of a stream ends there."""
MOST_DELAYS = 1_000
KAFKA_JITTER_RATIO = 0.2
BUDGET_BURST = 10

EXAMPLE = "exponential(base=100ms, factor=2, cap=1s, jitter=full, max_attempts=5)"


class Bounded(Family):
    """What all policies that retry share: when to give up."""

    max_attempts: Annotated[int, Whole(1, MOST_ATTEMPTS)] | None = Field(
        default=None, description="Attempts in all, with the first one; default null: no bound."
    )
    max_elapsed: PositiveDuration | None = Field(
        default=None,
        description="No retry begins later than this after the first attempt began; default null: "
        "no bound.",
    )
    budget_ratio: Annotated[float, Measure("number", maximum=1_000)] | None = Field(
        default=None,
        description="Retries allowed per first attempt, in the long run; default null: no budget.",
    )
    budget_burst: Annotated[int, Whole(1, 1_000_000)] = Field(
        default=BUDGET_BURST,
        description="Tokens that the bucket of the budget holds, and begins with; default 10.",
    )

    dimensional: ClassVar[tuple[str, ...]] = ("max_elapsed",)

    @model_validator(mode="after")
    def _budget(self) -> Self:
        if self.budget_ratio is None and self.budget_burst != BUDGET_BURST:
            raise ScenarioError(Problem(path=("budget_burst",), message="only with budget_ratio"))
        return self


class Jittered(Bounded):
    """A policy with delays, which jitter may spread."""

    jitter: Literal["none", "proportional", "full", "equal"] = Field(
        default="none", description="How delays are spread; default none."
    )
    jitter_ratio: Probability = Field(
        default=KAFKA_JITTER_RATIO,
        description="Largest relative change by proportional jitter; default 0.2.",
    )

    @model_validator(mode="after")
    def _ratio(self) -> Self:
        if self.jitter != "proportional" and self.jitter_ratio != KAFKA_JITTER_RATIO:
            message = "only with jitter: proportional"
            raise ScenarioError(Problem(path=("jitter_ratio",), message=message))
        return self


class NoRetry(Family):
    """One attempt, and no other."""

    type: Literal["none"] = "none"


class ImmediateRetry(Bounded):
    """Again at once."""

    type: Literal["immediate"] = "immediate"

    order: ClassVar = ("max_attempts",)


class FixedRetry(Jittered):
    """Always the same delay."""

    type: Literal["fixed"] = "fixed"
    base: PositiveDuration = Field(description="The delay.")

    order: ClassVar = ("base",)
    dimensional: ClassVar = ("base", "max_elapsed")


class LinearRetry(Jittered):
    """A delay that grows by the same amount each time."""

    type: Literal["linear"] = "linear"
    base: PositiveDuration = Field(
        description="Delay after the first attempt, and growth of the delay."
    )
    cap: PositiveDuration | None = Field(
        default=None, description="Longest delay; default null: no bound."
    )

    order: ClassVar = ("base", "cap")
    dimensional: ClassVar = ("base", "cap", "max_elapsed")


class ExponentialRetry(Jittered):
    """A delay that grows by the same factor each time."""

    type: Literal["exponential"] = "exponential"
    base: PositiveDuration = Field(description="Delay after the first attempt.")
    factor: Annotated[float, Measure("number", minimum=1.0, maximum=1_000)] = Field(
        default=2.0, description="Growth of the delay, 1 to 1000; default 2."
    )
    cap: PositiveDuration | None = Field(
        default=None, description="Longest delay; default null: no bound."
    )
    jitter: Literal["none", "proportional", "full", "equal", "decorrelated"] = Field(  # type: ignore[assignment]  # one more than the others
        default="none", description="How delays are spread; default none."
    )

    order: ClassVar = ("base", "factor", "cap")
    dimensional: ClassVar = ("base", "cap", "max_elapsed")


class ListRetry(Jittered):
    """Delays one by one; the last one is repeated."""

    type: Literal["list"] = "list"
    delays: tuple[Duration, ...] = Field(
        min_length=1, max_length=MOST_DELAYS, description="The delays, in order."
    )

    order: ClassVar = ("delays",)
    dimensional: ClassVar = ("delays", "max_elapsed")


class Phase(Family):
    """Some retries whose delays go from one bound to another."""

    type: Literal["phase"] = "phase"
    count: Annotated[int, Whole(1, MOST_ATTEMPTS)] = Field(description="Retries in this phase.")
    delay_min: Duration = Field(description="Delay before its first retry.")
    given_delay_max: Duration | None = Field(
        default=None,
        alias="delay_max",
        description="Delay before its last retry; default: delay_min.",
    )
    function: Literal["linear", "exponential"] = Field(
        default="linear", description="Even steps between the two (default), or equal ratios."
    )

    order: ClassVar = ("count", "delay_min", "delay_max", "function")
    dimensional: ClassVar = ("delay_min", "delay_max")

    @model_validator(mode="after")
    def _grows(self) -> Self:
        if self.delay_max < self.delay_min:
            raise ScenarioError(
                Problem(path=("delay_max",), message="must not lie below delay_min")
            )
        if self.function == "exponential" and self.delay_min == 0:
            message = "must be above 0s with function: exponential"
            raise ScenarioError(Problem(path=("delay_min",), message=message))
        return self

    @property
    def delay_max(self) -> float:
        """Seconds before the last retry of this phase."""
        return self.delay_min if self.given_delay_max is None else self.given_delay_max


class PhasedRetry(Jittered):
    """Retries in phases, as Amazon SNS does; after the last phase it gives up."""

    type: Literal["phased"] = "phased"
    phases: tuple[
        Annotated[
            Phase, Spelling("phase", "phase(10, 1s, 20s)", (Phase,), "time", MAXIMUM_DURATION)
        ],
        ...,
    ] = Field(min_length=1, max_length=MOST_DELAYS, description="The phases, in order.")

    order: ClassVar = ("phases",)

    @model_validator(mode="after")
    def _countable(self) -> Self:
        if self.retries >= MOST_ATTEMPTS:
            message = f"must have fewer than {MOST_ATTEMPTS} retries in all"
            raise ScenarioError(Problem(path=("phases",), message=message))
        return self

    @property
    def retries(self) -> int:
        """Retries in all phases together."""
        return sum(phase.count for phase in self.phases)


RETRY_FAMILIES: tuple[type[Family], ...] = (
    NoRetry,
    ImmediateRetry,
    FixedRetry,
    LinearRetry,
    ExponentialRetry,
    ListRetry,
    PhasedRetry,
)

AnyRetry = (
    NoRetry | ImmediateRetry | FixedRetry | LinearRetry | ExponentialRetry | ListRetry | PhasedRetry
)

RetryPolicy = Annotated[
    AnyRetry,
    Field(discriminator="type"),
    Spelling("retry policy", EXAMPLE, RETRY_FAMILIES, "time", MAXIMUM_DURATION),
]
"""Any retry policy; ``type`` names the kind."""


SPINS = "needs max_attempts: attempts that take no time would never end"
"""What is wrong with a policy that :func:`may_spin`."""


def may_spin(policy: AnyRetry) -> bool:
    """Return whether a policy allows endless attempts that take no time.

    Parameters
    ----------
    policy : RetryPolicy
        The policy.

    Returns
    -------
    bool
        True for no delay and no bound on attempts.

    Examples
    --------
    >>> may_spin(ImmediateRetry()), may_spin(ImmediateRetry(max_attempts=3))
    (True, False)
    """
    if isinstance(policy, ImmediateRetry):
        return policy.max_attempts is None
    return isinstance(policy, ListRetry) and policy.delays[-1] == 0 and policy.max_attempts is None

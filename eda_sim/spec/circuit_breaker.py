"""Circuit breakers: stop calling what fails anyway, and try it again later, with care.

A breaker is *closed* while all is well. It counts the outcomes of the last ``window`` calls; when
at least ``minimum_calls`` were made and ``failure_rate`` of them failed, it *opens*. For
``open_for`` nothing is called. Then it is *half open*: ``half_open_calls`` calls may try, and their
outcomes decide whether it closes or opens again.

References
----------
M. Nygard, "Release It!", 2007. Words, rules and defaults: Resilience4j 2.4, CircuitBreakerConfig
(failureRateThreshold 50 %, COUNT_BASED slidingWindowSize 100, minimumNumberOfCalls 100,
waitDurationInOpenState 60 s, permittedNumberOfCallsInHalfOpenState 10).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from eda_sim.spec.measures import Measure, PositiveDuration, Whole
from eda_sim.spec.model import Model

MOST_CALLS = 1_000_000


class CircuitBreaker(Model):
    """A breaker in each instance, around its handler; the defaults are those of Resilience4j."""

    failure_rate: Annotated[float, Measure("number", maximum=1.0, positive=True)] = Field(
        default=0.5, description="Share of failed calls that opens it; default 50%."
    )
    window: Annotated[int, Whole(1, MOST_CALLS)] = Field(
        default=100, description="Calls that are looked at; default 100."
    )
    minimum_calls: Annotated[int, Whole(1, MOST_CALLS)] = Field(
        default=100, description="Calls before it may open; default 100, at most the window counts."
    )
    open_for: PositiveDuration = Field(
        default=60.0, description="How long it stays open; default 60s."
    )
    half_open_calls: Annotated[int, Whole(1, MOST_CALLS)] = Field(
        default=10, description="Calls that may try when it is half open; default 10."
    )
    while_open: Literal["fail", "pause"] = Field(
        default="fail",
        description="What happens to messages meanwhile: their attempts fail at once (fail; "
        "default, as Resilience4j does), or workers take no messages (pause).",
    )

"""Arrivals: when a producer creates events.

Arrivals are *open loop*: they never wait for the system. A Poisson stream is what many independent
clients make together; a renewal process has independent intervals of any distribution; a trace
replays what was measured. Three things make real load worse than that, and each has a process here:
it comes in bursts (``mmpp``), it follows the hour of the day (``piecewise``), and it comes in bulk
(a producer's ``bulk``).

=============================================== ==================================================
spelling                                         meaning
=============================================== ==================================================
``poisson(rate=200/s)``                          independent events at a constant rate
``constant(interval=5ms)``                       a clock; also ``constant(rate=200/s)``
``renewal(interval=erlang(mean=5ms, stages=2))`` independent intervals
``mmpp(rates=[500/s, 20/s], mean_durations=[1s, 9s])``  a Poisson stream whose rate jumps at random
``piecewise(rates=[100/s, 900/s], durations=[1h, 1min])`` a Poisson stream whose rate follows a plan
``trace(times=[..])``, ``trace(file=..)``        given times
=============================================== ==================================================

``mmpp`` and ``piecewise`` are Poisson streams in a time that runs faster where the rate is higher:
unit exponentials are used up along the path of the rate. So the n-th event of a producer is the
same draw whatever the path looks like.

References
----------
W. Fischer, K. Meier-Hellstern, "The Markov-modulated Poisson process (MMPP) cookbook", Performance
Evaluation 18 (1993). D. R. Cox, V. Isham, "Point Processes" (1980), section 4.2 (time rescaling).
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, Strict, model_validator

from eda_sim.spec.distributions import DurationDistribution
from eda_sim.spec.distributions.base import exactly_one, given
from eda_sim.spec.errors import Problem, ScenarioError
from eda_sim.spec.measures import (
    MAXIMUM_DURATION,
    MAXIMUM_RATE,
    Duration,
    Measure,
    PositiveDuration,
    Rate,
)
from eda_sim.spec.spelling import Family, Spelling

MOST_TIMES = 20_000
"""Arrival times in a trace. A scenario with them still fits into 1 MiB of text."""
MOST_SEGMENTS = 10_000
"""Rates of one path."""
SHORTEST_SEGMENT = 1e-6
"""Seconds; shorter ones would make a path that costs more than its events."""

RateOrZero = Annotated[float, Measure("rate", maximum=MAXIMUM_RATE)]
SegmentDuration = Annotated[
    float, Measure("time", minimum=SHORTEST_SEGMENT, maximum=MAXIMUM_DURATION)
]


def _word_as_bool(value: object) -> object:
    """Read the words of a call, where everything without a unit is text."""
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


class PoissonArrivals(Family):
    """Independent events at a constant rate: the superposition of many small sources."""

    type: Literal["poisson"] = "poisson"
    rate: Rate = Field(description="Mean arrivals per second, such as 200/s.")

    order: ClassVar = ("rate",)
    rate_parameters: ClassVar = ("rate",)


class ConstantArrivals(Family):
    """A clock: events at equal intervals, the first one interval after the start."""

    type: Literal["constant"] = "constant"
    given_rate: Rate | None = Field(
        default=None, alias="rate", description="Arrivals per second. Either this or interval."
    )
    given_interval: PositiveDuration | None = Field(
        default=None, alias="interval", description="Time between arrivals. Either this or rate."
    )

    order: ClassVar = ("rate",)
    rate_parameters: ClassVar = ("rate",)

    @model_validator(mode="after")
    def _by_one(self) -> Self:
        exactly_one({"rate": self.given_rate, "interval": self.given_interval})
        return self

    @property
    def interval(self) -> float:
        """Seconds between arrivals."""
        return 1 / self.given_rate if self.given_rate is not None else given(self.given_interval)

    @property
    def rate(self) -> float:
        """Arrivals per second."""
        return self.given_rate if self.given_rate is not None else 1 / given(self.given_interval)


class RenewalArrivals(Family):
    """Independent intervals from any distribution."""

    type: Literal["renewal"] = "renewal"
    interval: DurationDistribution = Field(
        description="Distribution of the time between arrivals, such as erlang(mean=5ms, stages=2)."
    )

    order: ClassVar = ("interval",)

    @model_validator(mode="after")
    def _advances(self) -> Self:
        if not self.interval.mean > 0:
            message = "must have a mean above 0s, or time would stand still"
            raise ScenarioError(Problem(path=("interval",), message=message))
        return self

    @property
    def rate(self) -> float:
        """Arrivals per second in the long run; 0 if the mean interval is infinite."""
        return 1 / self.interval.mean


class ModulatedArrivals(Family):
    """Bursts: a Poisson stream whose rate is that of a state, and the states follow at random.

    The states are visited in turn; each visit lasts an exponential time. The first state is drawn
    in proportion to the mean durations, so that the stream is stationary from the beginning.
    """

    type: Literal["mmpp"] = "mmpp"
    rates: tuple[RateOrZero, ...] = Field(
        min_length=2,
        max_length=MOST_SEGMENTS,
        description="Arrivals per second in each state; 0/s for silence.",
    )
    mean_durations: tuple[SegmentDuration, ...] = Field(
        min_length=2,
        max_length=MOST_SEGMENTS,
        description="Mean time that a visit to each state lasts, from 1us.",
    )

    order: ClassVar = ("rates", "mean_durations")
    dimensional: ClassVar = ("mean_durations",)
    rate_parameters: ClassVar = ("rates",)

    @model_validator(mode="after")
    def _paired(self) -> Self:
        if len(self.mean_durations) != len(self.rates):
            message = f"must be as many as rates ({len(self.rates)})"
            raise ScenarioError(Problem(path=("mean_durations",), message=message))
        _check_some_rate(self.rates)
        return self

    @property
    def rate(self) -> float:
        """Arrivals per second in the long run: the mean over the states by their durations."""
        total = sum(self.mean_durations)
        pairs = zip(self.rates, self.mean_durations, strict=True)
        return sum(rate * duration for rate, duration in pairs) / total


class PiecewiseArrivals(Family):
    """A Poisson stream whose rate is constant for a while, then another: a day, a flash sale."""

    type: Literal["piecewise"] = "piecewise"
    rates: tuple[RateOrZero, ...] = Field(
        min_length=1,
        max_length=MOST_SEGMENTS,
        description="Arrivals per second, one after the other; 0/s for silence.",
    )
    durations: tuple[SegmentDuration, ...] = Field(
        max_length=MOST_SEGMENTS,
        description="How long each rate holds, from 1us. One fewer than rates: the last one holds "
        "to the end (not with repeat).",
    )
    repeat: Annotated[bool, Strict(), BeforeValidator(_word_as_bool)] = Field(
        default=False, description="Begin again after the last rate, as a day does; default false."
    )

    order: ClassVar = ("rates", "durations", "repeat")
    dimensional: ClassVar = ("durations",)
    rate_parameters: ClassVar = ("rates",)

    @model_validator(mode="after")
    def _paired(self) -> Self:
        rates, durations = len(self.rates), len(self.durations)
        allowed = (rates,) if self.repeat else (rates, rates - 1)
        if durations not in allowed:
            message = f"must be as many as rates ({rates})"
            if not self.repeat:
                message += ", or one fewer: then the last rate holds to the end"
            raise ScenarioError(Problem(path=("durations",), message=message))
        _check_some_rate(self.rates)
        return self

    @property
    def rate(self) -> float:
        """Arrivals per second: the mean over the path; the last rate if that holds to the end."""
        if len(self.durations) < len(self.rates):
            return self.rates[-1]
        pairs = zip(self.rates, self.durations, strict=True)
        return sum(rate * duration for rate, duration in pairs) / sum(self.durations)


def _check_some_rate(rates: tuple[float, ...]) -> None:
    if not any(rates):
        message = "must not all be 0/s"
        raise ScenarioError(Problem(path=("rates",), message=message))


class TraceArrivals(Family):
    """Events at given times, counted from the start of the producer."""

    type: Literal["trace"] = "trace"
    given_times: tuple[Duration, ...] | None = Field(
        default=None,
        alias="times",
        min_length=1,
        max_length=MOST_TIMES,
        description="Times after the producer's start, in any order. Either this or file.",
    )
    file: str | None = Field(
        default=None,
        description="Text file beside the scenario: a time a line, or CSV. It is read at once; the "
        "times are kept, the name is not.",
    )
    column: str | None = Field(
        default=None, description="Column of the CSV file, by its name; the first without it."
    )

    order: ClassVar = ("times",)
    dimensional: ClassVar = ("times",)
    from_file: ClassVar = ("times", MOST_TIMES)

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.given_times is None:
            message = "give times or file"
            raise ValueError(message)
        return self

    @property
    def times(self) -> tuple[float, ...]:
        """Seconds after the producer's start, sorted."""
        return tuple(sorted(given(self.given_times)))

    @property
    def rate(self) -> float:
        """Arrivals per second up to the last one; inf if all are at 0."""
        last = self.times[-1]
        return len(self.times) / last if last > 0 else float("inf")


AnyArrivals = (
    PoissonArrivals
    | ConstantArrivals
    | RenewalArrivals
    | ModulatedArrivals
    | PiecewiseArrivals
    | TraceArrivals
)

Arrivals = Annotated[
    AnyArrivals,
    Field(discriminator="type"),
    Spelling(
        "arrival process",
        "poisson(rate=200/s)",
        (
            PoissonArrivals,
            ConstantArrivals,
            RenewalArrivals,
            ModulatedArrivals,
            PiecewiseArrivals,
            TraceArrivals,
        ),
        "time",
        Duration.__metadata__[0].maximum,
    ),
]
"""When events are created; each process has a ``rate`` per second."""

"""Producers: services that emit events, whatever the system behind them does.

Arrivals are *open loop*: they never wait. A system that cannot keep up gets a queue that grows, as
it does in reality. When events arrive (``arrivals``), which key they carry (``key``), how large
they are (``size``) and how long they are on their way to the channel (``link``) are independent.

A key decides the partition of a message, and so its order relative to others with the same key.
``zipf`` keys are skewed: key k is drawn with a probability in proportion to 1 / k^s, so a few keys
carry most of the load, and so do their partitions.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from eda_sim.spec.distributions import Constant, DurationDistribution, SizeDistribution
from eda_sim.spec.distributions.base import exactly_one, given
from eda_sim.spec.errors import Problem, ScenarioError
from eda_sim.spec.links import Link
from eda_sim.spec.measures import Duration, Measure, PositiveDuration, Rate, Whole
from eda_sim.spec.model import Model
from eda_sim.spec.names import MOST_MESSAGES, Name
from eda_sim.spec.spelling import Family, Spelling

MOST_TIMES = 20_000
"""Arrival times in a trace. A scenario with them still fits into 1 MiB of text."""
MOST_KEYS = 1_000_000
"""Keys of a producer: a run keeps the partition of each key for each channel."""

DEFAULT_SIZE = Constant(value=1000)


class PoissonArrivals(Family):
    """Independent events at a constant rate: the superposition of many small sources."""

    type: Literal["poisson"] = "poisson"
    rate: Rate = Field(description="Mean arrivals per second, such as 200/s.")

    order: ClassVar = ("rate",)
    rates: ClassVar = ("rate",)


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
    rates: ClassVar = ("rate",)

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


Arrivals = Annotated[
    PoissonArrivals | ConstantArrivals | RenewalArrivals | TraceArrivals,
    Field(discriminator="type"),
    Spelling(
        "arrival process",
        "poisson(rate=200/s)",
        (PoissonArrivals, ConstantArrivals, RenewalArrivals, TraceArrivals),
        "time",
        Duration.__metadata__[0].maximum,
    ),
]
"""When events are created; each process has a ``rate`` per second."""


class NoKeys(Family):
    """Messages without a key: the partitioner spreads them."""

    type: Literal["none"] = "none"


class UniformKeys(Family):
    """Keys 0 to n - 1, each as likely as any other."""

    type: Literal["uniform"] = "uniform"
    n: Annotated[int, Whole(1, MOST_KEYS)] = Field(description="Number of keys.")

    order: ClassVar = ("n",)


class ZipfKeys(Family):
    """Keys 0 to n - 1; key k is drawn in proportion to 1 / (k + 1)^s."""

    type: Literal["zipf"] = "zipf"
    s: Annotated[float, Measure("number", maximum=20)] = Field(
        description="Exponent, 0 (uniform) to 20; many real loads lie near 1."
    )
    n: Annotated[int, Whole(1, MOST_KEYS)] = Field(description="Number of keys.")

    order: ClassVar = ("s", "n")


Keys = Annotated[
    NoKeys | UniformKeys | ZipfKeys,
    Field(discriminator="type"),
    Spelling("key", "zipf(s=1.1, n=10000)", (NoKeys, UniformKeys, ZipfKeys)),
]
"""Which key a message carries."""


class Producer(Model):
    """A service that emits events to one channel."""

    to: Name = Field(description="Channel that it publishes to.")
    rate: Rate | None = Field(
        default=None,
        description="Mean arrivals per second, such as 200/s: short for arrivals: poisson(rate=). "
        "Exactly one of rate and arrivals.",
    )
    given_arrivals: Arrivals | None = Field(
        default=None,
        alias="arrivals",
        description="When events are created: poisson(rate=200/s), constant(interval=5ms), "
        "renewal(interval=<distribution>), trace(times=[..]) or trace(file=..).",
    )
    key: Keys = Field(
        default=NoKeys(),
        description="Key of each message: none (default), uniform(n=100) or zipf(s=1.1, n=10000).",
    )
    size: SizeDistribution = Field(
        default=DEFAULT_SIZE, description="Size of the body in bytes; default 1KB."
    )
    start: Duration = Field(default=0.0, description="When it starts; default 0s.")
    stop: PositiveDuration | None = Field(
        default=None, description="When it stops; default null: at the end of the run."
    )
    messages: Annotated[int, Whole(1, MOST_MESSAGES)] | None = Field(
        default=None, description="Messages after which it stops; default null: no bound."
    )
    link: Link = Field(default=Link(), description="Way to the channel; default no latency.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        exactly_one({"rate": self.rate, "arrivals": self.given_arrivals})
        if self.stop is not None and self.stop <= self.start:
            raise ScenarioError(Problem(path=("stop",), message="must lie after start"))
        return self

    @property
    def arrivals(self) -> PoissonArrivals | ConstantArrivals | RenewalArrivals | TraceArrivals:
        """The arrival process, also where only a rate was given."""
        if self.given_arrivals is not None:
            return self.given_arrivals
        return PoissonArrivals(rate=given(self.rate))

"""Producers: services that emit events, whatever the system behind them does.

Arrivals are *open loop*: they never wait. A system that cannot keep up gets a queue that grows, as
it does in reality. When events arrive (``arrivals``), which key they carry (``key``), how large
they are (``size``) and how long they are on their way to the channel (``link``) are independent.

A key decides the partition of a message, and so its order relative to others with the same key.
``zipf`` keys are skewed: key k is drawn with a probability in proportion to 1 / k^s, so a few keys
carry most of the load, and so do their partitions. ``trace`` keys are texts from a log, so that a
message goes where a client of the real broker would put it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field, Strict

from eda_sim.spec.arrivals import AnyArrivals, Arrivals, PoissonArrivals
from eda_sim.spec.distributions import Constant, CountDistribution, SizeDistribution
from eda_sim.spec.distributions.base import exactly_one, given
from eda_sim.spec.links import Link
from eda_sim.spec.measures import Duration, Measure, PositiveDuration, Rate, Whole
from eda_sim.spec.model import ConsistentModel
from eda_sim.spec.names import MOST_MESSAGES, Name
from eda_sim.spec.publishing import Publishing
from eda_sim.spec.spelling import Family, Spelling

MOST_KEYS = 10_000_000
LONGEST_KEY = 1_000

KeyName = Annotated[str, Strict(), Field(min_length=1, max_length=LONGEST_KEY)]
"""The text of a key; its bytes are those of UTF-8."""

DEFAULT_SIZE = Constant(value=1000)
ONE = Constant(value=1)


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


class TraceKeys(Family):
    """Keys by name, as somebody's log has them: a message carries the one with its number."""

    type: Literal["trace"] = "trace"
    keys: Annotated[tuple[KeyName, ...], Field(min_length=1, max_length=MOST_KEYS)] = Field(
        description='Texts in the order of the messages, such as ["21", "order-7"]; after the last '
        "one the first comes again."
    )

    order: ClassVar = ("keys",)
    holds_texts: ClassVar = True


Keys = Annotated[
    NoKeys | UniformKeys | ZipfKeys | TraceKeys,
    Field(discriminator="type"),
    Spelling("key", "zipf(s=1.1, n=10000)", (NoKeys, UniformKeys, ZipfKeys, TraceKeys)),
]
"""Which key a message carries."""


class Producer(ConsistentModel):
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
        "renewal(interval=<distribution>), mmpp(rates=[..], mean_durations=[..]), "
        "piecewise(rates=[..], durations=[..], repeat=true), trace(times=[..]) or trace(file=..).",
    )
    bulk: CountDistribution = Field(
        default=ONE,
        description="Messages in each arrival, rounded to a whole number of at least 1; default 1.",
    )
    key: Keys = Field(
        default=NoKeys(),
        description="Key of each message: none (default), uniform(n=100), zipf(s=1.1, n=10000), or "
        'by name, {type: trace, keys: ["21", order-7]}.',
    )
    size: SizeDistribution = Field(
        default=DEFAULT_SIZE, description="Size of the body in bytes; default 1KB."
    )
    priority: CountDistribution = Field(
        default=Constant(value=0),
        description="Priority of each message, rounded to a whole number from 0 to 255: higher "
        "ones go first where a subscription has priorities; default 0. What a consumer emits has "
        "that of the message that it handled.",
    )
    start: Duration = Field(default=0.0, description="When it starts; default 0s.")
    stop: PositiveDuration | None = Field(
        default=None, description="When it stops; default null: at the end of the run."
    )
    messages: Annotated[int, Whole(1, MOST_MESSAGES)] | None = Field(
        default=None, description="Messages after which it stops; default null: no bound."
    )
    link: Link = Field(default=Link(), description="Way to the channel; default a perfect one.")
    publishing: Publishing = Field(
        default=Publishing(),
        description="Batches, acknowledgements, time-outs and retries; default: each message "
        "leaves at once, and is waited for.",
    )

    def _contradictions(self) -> Iterator[tuple[str, str]]:
        exactly_one({"rate": self.rate, "arrivals": self.given_arrivals})
        if self.stop is not None and self.stop <= self.start:
            yield "stop", "must lie after start"

    @property
    def arrivals(self) -> AnyArrivals:
        """The arrival process, also where only a rate was given."""
        if self.given_arrivals is not None:
            return self.given_arrivals
        return PoissonArrivals(rate=given(self.rate))

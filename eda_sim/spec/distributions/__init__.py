"""Distributions: how long a service takes, how large a message is, how far apart arrivals are.

Each one knows its ``mean`` and its ``scv``, the squared coefficient of variation (variance divided
by the square of the mean). These two decide most of queueing: the wait in an M/G/1 queue grows with
``1 + scv``. A constant has an scv of 0, an exponential of 1; service times of real systems are
often near a lognormal with an scv between 0.5 and 10; a Pareto may have none at all, since its
variance is infinite.

============================== ====================================================================
spelling                        meaning
============================== ====================================================================
``20ms``                        always 20 ms
``uniform(low=, high=)``        equally likely between the two
``exponential(mean=)``          memoryless; also ``exponential(rate=50/s)``
``lognormal(mean=, p99=)``      by mean or median, and cv, p50, p90, p95, p99 or p999
``erlang(mean=, stages=)``      sum of that many exponentials; scv = 1/stages
``hyperexponential(mean=, cv=)`` a mixture of exponentials; also by ``means`` and ``probabilities``
``weibull(mean=, cv=)``         also ``weibull(scale=, shape=)``
``pareto(minimum=, shape=)``    also ``pareto(mean=, shape=)``; power-law tail
``empirical(values=[..])``      one of the values, each as likely; also ``empirical(file=..)``
``mixture(components=[..], weights=[..])``  one of the distributions, by weight
============================== ====================================================================
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from eda_sim.spec.distributions.composed import EXAMPLE, SIMPLE, Empirical, Mixture
from eda_sim.spec.distributions.fitted import Hyperexponential, Lognormal, Weibull
from eda_sim.spec.distributions.plain import Constant, Erlang, Exponential, Pareto, Uniform
from eda_sim.spec.measures import MAXIMUM_BYTES, MAXIMUM_DURATION, MAXIMUM_NUMBER
from eda_sim.spec.spelling import Spelling

__all__ = [
    "Constant",
    "CountDistribution",
    "Distribution",
    "DurationDistribution",
    "Empirical",
    "Erlang",
    "Exponential",
    "Hyperexponential",
    "Lognormal",
    "Mixture",
    "Pareto",
    "SizeDistribution",
    "Uniform",
    "Weibull",
]

Distribution = Annotated[
    Constant
    | Uniform
    | Exponential
    | Lognormal
    | Erlang
    | Hyperexponential
    | Weibull
    | Pareto
    | Empirical
    | Mixture,
    Field(discriminator="type"),
]
"""Any distribution; ``type`` names the family."""

DurationDistribution = Annotated[
    Distribution,
    Spelling("distribution", EXAMPLE, (*SIMPLE, Mixture), "time", MAXIMUM_DURATION, "constant"),
]
"""A distribution of times, in seconds."""
SizeDistribution = Annotated[
    Distribution,
    Spelling(
        "distribution", "uniform(100B, 2KB)", (*SIMPLE, Mixture), "bytes", MAXIMUM_BYTES, "constant"
    ),
]
"""A distribution of sizes, in bytes."""
CountDistribution = Annotated[
    Distribution,
    Spelling(
        "distribution", "uniform(1, 10)", (*SIMPLE, Mixture), "number", MAXIMUM_NUMBER, "constant"
    ),
]
"""A distribution of plain numbers."""

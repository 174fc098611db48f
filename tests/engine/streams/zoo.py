"""One or more of every distribution of a scenario, with SciPy's view of it where it has one."""

import math
from typing import Any, NamedTuple

from scipy import stats

from eda_sim.spec.distributions import (
    Constant,
    Empirical,
    Erlang,
    Exponential,
    Hyperexponential,
    Lognormal,
    Mixture,
    Pareto,
    Uniform,
    Weibull,
)


class Animal(NamedTuple):
    distribution: Any
    cdf: Any = None  # None for distributions with steps


def lognormal(distribution: Lognormal) -> Any:
    return stats.lognorm(s=distribution.sigma, scale=math.exp(distribution.mu)).cdf


def hyperexponential(distribution: Hyperexponential) -> Any:
    pairs = list(zip(distribution.probabilities, distribution.means, strict=True))
    return lambda x: sum(p * stats.expon(scale=m).cdf(x) for p, m in pairs)


def weibull(distribution: Weibull) -> Any:
    return stats.weibull_min(c=distribution.shape, scale=distribution.scale).cdf


def pareto(distribution: Pareto) -> Any:
    return stats.pareto(b=distribution.shape, scale=distribution.minimum).cdf


LOGNORMAL = Lognormal(mean=0.02, p99=0.09)
BALANCED = Hyperexponential(mean=0.02, cv=3)
THREE = Hyperexponential(means=[0.001, 0.01, 1.0], probabilities=[0.7, 0.2, 0.1])
WEIBULL = Weibull(mean=0.02, cv=2)
STEEP = Weibull(scale=3.0, shape=7.5)
HEAVY = Pareto(mean=0.02, shape=2.5)

ZOO = {
    "constant": Animal(Constant(value=0.02)),
    "zero": Animal(Constant(value=0.0)),
    "uniform": Animal(Uniform(low=0.5, high=2.0), stats.uniform(0.5, 1.5).cdf),
    "exponential": Animal(Exponential(mean=0.02), stats.expon(scale=0.02).cdf),
    "exponential by rate": Animal(Exponential(rate=4.0), stats.expon(scale=0.25).cdf),
    "lognormal": Animal(LOGNORMAL, lognormal(LOGNORMAL)),
    "erlang 1": Animal(Erlang(mean=0.02, stages=1), stats.expon(scale=0.02).cdf),
    "erlang 4": Animal(Erlang(mean=0.02, stages=4), stats.gamma(4, scale=0.005).cdf),
    "erlang 50": Animal(Erlang(mean=1.0, stages=50), stats.gamma(50, scale=0.02).cdf),
    "balanced": Animal(BALANCED, hyperexponential(BALANCED)),
    "hyperexponential": Animal(THREE, hyperexponential(THREE)),
    "weibull": Animal(WEIBULL, weibull(WEIBULL)),
    "steep weibull": Animal(STEEP, weibull(STEEP)),
    "pareto": Animal(HEAVY, pareto(HEAVY)),
    "empirical": Animal(Empirical(values=[0.001, 0.002, 0.002, 0.010, 0.5])),
    "one value": Animal(Empirical(values=[0.003])),
    "mixture": Animal(
        Mixture(
            components=[
                Exponential(mean=0.002),
                Erlang(mean=0.02, stages=3),
                Empirical(values=[0.1, 0.2]),
                BALANCED,
            ],
            weights=[5, 3, 1, 1],
        )
    ),
    "smooth mixture": Animal(
        Mixture(components=[Exponential(mean=1.0), Uniform(low=0.0, high=2.0)], weights=[1, 3]),
        lambda x: 0.25 * stats.expon.cdf(x) + 0.75 * stats.uniform(0.0, 2.0).cdf(x),
    ),
    "component that never comes": Animal(
        Mixture(components=[Constant(value=1.0), Constant(value=2.0)], weights=[1, 0])
    ),
}
DISTRIBUTIONS = [animal.distribution for animal in ZOO.values()]
NAMES = list(ZOO)

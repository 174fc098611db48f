"""Distributions that come out of the closed forms: tails and quantiles of times, and of numbers.

Each is a frozen value (it can be compared, pickled and sent to another process). Sums have positive
terms only wherever a published series alternates, because those lose all digits in the tail.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt


class Law(Protocol):
    """Distribution of a time in seconds."""

    def tail(self, time: float) -> float:
        """Return the probability of more than a time."""
        ...

    def quantile(self, q: float) -> float:
        """Return the smallest time that is not exceeded with probability q."""
        ...


class CountLaw(Protocol):
    """Distribution of a number of messages."""

    def probability(self, n: int) -> float:
        """Return the probability of exactly n."""
        ...


def solve_quantile(tail: Callable[[float], float], q: float, scale: float) -> float:
    """Return the smallest t >= 0 with tail(t) <= 1 - q, for a tail that is continuous from 0 on.

    Parameters
    ----------
    tail : callable
        P(T > t).
    q : float
        0 <= q < 1.
    scale : float
        A first guess at the size of t.

    Returns
    -------
    float
        Correct to about 1e-14 of itself, as far as the tail is.
    """
    from scipy.optimize import brentq

    if tail(0.0) <= 1.0 - q:
        return 0.0
    # In logarithms the tails here are almost straight lines, which the solver likes.
    target = math.log1p(-q)

    def excess(time: float) -> float:
        value = tail(time)
        return (math.log(value) if value > 0.0 else -800.0) - target

    upper = scale
    while excess(upper) > 0.0:
        upper *= 2.0
    return float(brentq(excess, 0.0, upper, xtol=1e-300, rtol=1e-14, maxiter=500))


@dataclass(frozen=True)
class ExponentialWait:
    """Zero, or with some probability exponential: P(T > t) = probability * exp(-rate t)."""

    probability: float
    rate: float

    def tail(self, time: float) -> float:
        """Return P(T > time)."""
        return 1.0 if time < 0.0 else self.probability * math.exp(-self.rate * time)

    def quantile(self, q: float) -> float:
        """Return the time that is not exceeded with probability q."""
        if self.probability <= 1.0 - q:
            return 0.0
        return (math.log(self.probability) - math.log1p(-q)) / self.rate


@dataclass(frozen=True)
class ExponentialWaitAndService:
    """An :class:`ExponentialWait` and an independent exponential service time after it."""

    wait: ExponentialWait
    service_rate: float

    def tail(self, time: float) -> float:
        """Return P(T > time)."""
        if time < 0.0:
            return 1.0
        slow = min(self.wait.rate, self.service_rate)
        gap = abs(self.wait.rate - self.service_rate)
        # P(Exp(a) + Exp(b) > t) written so that equal rates need no case of their own.
        overlap = -math.expm1(-gap * time) / gap if gap > 0.0 else time
        both = math.exp(-slow * time) * (1.0 + slow * overlap)
        service = math.exp(-self.service_rate * time)
        return self.wait.probability * both + (1.0 - self.wait.probability) * service

    def quantile(self, q: float) -> float:
        """Return the time that is not exceeded with probability q."""
        return solve_quantile(self.tail, q, 1.0 / min(self.wait.rate, self.service_rate))


@dataclass(frozen=True)
class Hypoexponential:
    """Sum of independent exponential times, by the matrix exponential of their phases.

    The textbook sum over distinct rates cancels when two rates are close; this form does not.
    """

    rates: tuple[float, ...]

    def tail(self, time: float) -> float:
        """Return P(T > time)."""
        from scipy.linalg import expm

        if time < 0.0:
            return 1.0
        generator = np.diag(-np.array(self.rates)) + np.diag(self.rates[:-1], 1)
        return float(np.clip(expm(generator * time)[0].sum(), 0.0, 1.0))

    def quantile(self, q: float) -> float:
        """Return the time that is not exceeded with probability q."""
        return solve_quantile(self.tail, q, sum(1.0 / rate for rate in self.rates))


@dataclass(frozen=True)
class Shifted:
    """Another time and a constant after it."""

    law: Law
    shift: float

    def tail(self, time: float) -> float:
        """Return P(T > time)."""
        return 1.0 if time < self.shift else self.law.tail(time - self.shift)

    def quantile(self, q: float) -> float:
        """Return the time that is not exceeded with probability q."""
        return self.shift + self.law.quantile(q)


@dataclass(frozen=True)
class GeometricNumber:
    """Number in an M/M/1: P(N = n) = (1 - rho) rho**n."""

    rho: float

    def probability(self, n: int) -> float:
        """Return P(N = n)."""
        return float((1.0 - self.rho) * self.rho**n)


@dataclass(frozen=True)
class BirthDeathNumber:
    """Number in an M/M/c: given up to c, geometric from there on."""

    up_to_servers: tuple[float, ...]
    rho: float

    def probability(self, n: int) -> float:
        """Return P(N = n)."""
        servers = len(self.up_to_servers) - 1
        if n <= servers:
            return self.up_to_servers[n]
        return float(self.up_to_servers[servers] * self.rho ** (n - servers))


@dataclass(frozen=True)
class FiniteNumber:
    """Number in a queue with a bounded number of places."""

    probabilities: tuple[float, ...]

    def probability(self, n: int) -> float:
        """Return P(N = n)."""
        return self.probabilities[n] if n < len(self.probabilities) else 0.0


@dataclass(frozen=True)
class ErlangMixtureWait:
    """Wait in an M/M/c/K: who finds c + k others needs k + 1 of them to leave."""

    weights: tuple[float, ...]
    leaving_rate: float

    def tail(self, time: float) -> float:
        """Return P(T > time)."""
        from scipy.special import pdtr

        if time < 0.0:
            return 1.0
        left = pdtr(np.arange(len(self.weights)), self.leaving_rate * time)
        return float(np.dot(self.weights, left))

    def quantile(self, q: float) -> float:
        """Return the time that is not exceeded with probability q."""
        return solve_quantile(self.tail, q, len(self.weights) / self.leaving_rate)


@functools.lru_cache(maxsize=64)
def _md1_probabilities(rho: float, count: int) -> npt.NDArray[np.float64]:
    """Return P(N = 0), ..., P(N = count - 1) of an M/D/1.

    In the long run as many departures leave n + 1 behind and are followed by none below as arrivals
    cross from n to n + 1: p[n+1] a[0] = p[0] A[n] + sum over i = 1..n of p[i] A[n+1-i], with a the
    Poisson probabilities of arrivals in one service and A[k] = P(more than k). No term is negative.
    """
    from scipy.special import pdtrc

    more_than = pdtrc(np.arange(count + 1), rho)
    none = math.exp(-rho)
    p = np.zeros(count)
    p[0] = 1.0 - rho
    for n in range(count - 1):
        p[n + 1] = (p[0] * more_than[n] + np.dot(p[1 : n + 1], more_than[n:0:-1])) / none
    p.setflags(write=False)
    return p


@dataclass(frozen=True)
class ConstantServiceNumber:
    """Number in an M/D/1."""

    rho: float

    def probability(self, n: int) -> float:
        """Return P(N = n)."""
        return float(_md1_probabilities(self.rho, _rounded_up(n + 1))[n])


@dataclass(frozen=True)
class ConstantServiceWait:
    """Wait in an M/D/1.

    References
    ----------
    G. J. Franx, "A simple solution for the M/D/c waiting time distribution", Operations Research
    Letters 29 (2001) 221-229, with one server. Erlang's and Crommelin's series give
    the same number as a difference of numbers that are exp(rho t) times larger.
    """

    rho: float
    service_time: float

    def tail(self, time: float) -> float:
        """Return P(T > time)."""
        from scipy.special import gammaln

        if time < 0.0:
            return 1.0
        services = math.floor(time / self.service_time) + 1
        p = _md1_probabilities(self.rho, _rounded_up(services + 1))
        waiting_at_most = np.cumsum(p)[1 : services + 1]  # P(queue <= 0), P(queue <= 1), ...
        load = self.rho * (services - time / self.service_time)
        k = np.arange(services)
        poisson = np.exp(k * math.log(load) - load - gammaln(k + 1.0)) if load > 0.0 else k == 0
        return max(0.0, 1.0 - float(np.dot(waiting_at_most[::-1], poisson)))

    def quantile(self, q: float) -> float:
        """Return the time that is not exceeded with probability q."""
        return solve_quantile(self.tail, q, self.service_time)


def _rounded_up(count: int) -> int:
    """Return a power of two, so that a search for a quantile reuses few tables."""
    return max(64, 1 << (count - 1).bit_length())

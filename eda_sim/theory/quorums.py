"""Partial quorums: how often a read misses a write, and how long after it.

Probabilistically bounded staleness (PBS): a write goes to all N replicas and is acknowledged once W
of them answered; a read asks all N and takes the newest of the first R answers. Each message takes
an independent time: W to a replica with the write, A back; R to a replica with the read, S back.

References
----------
.. [1] P. Bailis, S. Venkataraman, M. J. Franklin, J. M. Hellerstein, I. Stoica, "Probabilistically
   bounded staleness for practical partial quorums", PVLDB 5 (2012) 776-787.

Notes
-----
Numbers here are integrals, not trials. Let M be the time at which the W-th of the *other* replicas
acknowledged. Replicas that answered a read lack the write exactly if their own W is longer than
M + t + R each, t after the acknowledgement. Given which replicas answer first, the writes and the
reads are independent, so the probability is an integral over M and over the reads' own times.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eda_sim.theory.integration import Table, nodes_and_weights, panels
from eda_sim.theory.laws import solve_quantile
from eda_sim.theory.steady_state import (
    check_count,
    check_not_negative,
    check_positive,
    check_share,
)

Values = npt.NDArray[np.float64]

_REST = 1e-13  # what a table may leave out at its far end


@dataclass(frozen=True, kw_only=True)
class Leg:
    """The time of one message: Pareto with some probability, else exponential.

    Parameters
    ----------
    pareto_share : float
        Probability of the Pareto time; 0 for an exponential time.
    pareto_least, pareto_index : float
        P(T > t) = (least / t)**index from ``least`` on.
    exponential_rate : float
        1 / mean of the exponential time.

    Examples
    --------
    >>> round(float(Leg(exponential_rate=2.0).tail(np.array([0.5]))[0]), 6)
    0.367879
    """

    pareto_share: float = 0.0
    pareto_least: float = 1.0
    pareto_index: float = 1.0
    exponential_rate: float = 1.0

    def __post_init__(self) -> None:
        check_share("pareto_share", self.pareto_share)
        check_positive("pareto_least", self.pareto_least)
        check_positive("pareto_index", self.pareto_index)
        check_positive("exponential_rate", self.exponential_rate)

    def tail(self, time: Values) -> Values:
        """Return P(T > time)."""
        late = np.maximum(time, self.pareto_least)
        pareto = (self.pareto_least / late) ** self.pareto_index
        exponential = np.exp(-self.exponential_rate * np.maximum(time, 0.0))
        return np.asarray(self.pareto_share * pareto + (1.0 - self.pareto_share) * exponential)

    def density(self, time: Values) -> Values:
        """Return the probability density."""
        late = np.maximum(time, self.pareto_least)
        pareto = self.pareto_index / late * (self.pareto_least / late) ** self.pareto_index
        exponential = self.exponential_rate * np.exp(-self.exponential_rate * np.maximum(time, 0.0))
        return np.asarray(
            self.pareto_share * np.where(time >= self.pareto_least, pareto, 0.0)
            + np.where(time >= 0.0, (1.0 - self.pareto_share) * exponential, 0.0)
        )

    @property
    def kinks(self) -> tuple[float, ...]:
        """Times at which the tail is not smooth."""
        return (self.pareto_least,) if self.pareto_share > 0.0 else ()

    def reach(self, rest: float = _REST) -> float:
        """Return a time beyond which less than ``rest`` is left."""
        exponential = -math.log(rest) / self.exponential_rate
        if self.pareto_share == 0.0:
            return exponential
        # The tail index decides; powers of many replicas only make it less.
        pareto = self.pareto_least * math.pow(self.pareto_share / rest, 1.0 / self.pareto_index)
        return max(exponential, pareto)


@dataclass(frozen=True, kw_only=True)
class Quorum:
    """A replicated store whose messages take independent times.

    Parameters
    ----------
    replicas, reads, writes : int
        N, R and W of the store; R and W at most N.
    write, acknowledge, read, respond : Leg
        The times of the four messages, in one unit. Results are in that unit.

    Examples
    --------
    >>> slow, fast = Leg(exponential_rate=0.1), Leg(exponential_rate=1.0)
    >>> store = Quorum(
    ...     replicas=3, reads=1, writes=1, write=slow, acknowledge=fast, read=fast, respond=fast
    ... )
    >>> round(store.stale_probability(0.0), 6), round(store.visible_after(0.999), 4)
    (0.580441, 63.6379)
    """

    replicas: int
    reads: int
    writes: int
    write: Leg
    acknowledge: Leg
    read: Leg
    respond: Leg

    def __post_init__(self) -> None:
        count = check_count("replicas", self.replicas)
        for name in ("reads", "writes"):
            value = check_count(name, getattr(self, name))
            if value > count:
                message = f"{name} is {value}: must be at most replicas, {count}"
                raise ValueError(message)

    @property
    def is_strict(self) -> bool:
        """Whether each read meets a replica with the last acknowledged write: R + W > N."""
        return self.reads + self.writes > self.replicas

    def stale_probability(self, time: float) -> float:
        """Return the probability that a read lacks a write acknowledged some time before it.

        Parameters
        ----------
        time : float
            From the acknowledgement to the start of the read.

        Returns
        -------
        float

        Notes
        -----
        With R = 1 it is a double integral from tables (about 1e-10 of itself); with more reads a
        triple one (about 1e-6).

        Examples
        --------
        >>> leg = Leg(exponential_rate=1.0)
        >>> Quorum(
        ...     replicas=3, reads=2, writes=2, write=leg, acknowledge=leg, read=leg, respond=leg
        ... ).stale_probability(0.0)
        0.0
        """
        after = check_not_negative("time", time)
        if self.is_strict:
            return 0.0
        if self.reads == 1:
            return _stale_to_first(self, after)
        return _stale_to_all(self, after)

    def visible_after(self, q: float) -> float:
        """Return the time after which a share q of reads sees the write ("t-visibility").

        Parameters
        ----------
        q : float
            0 <= q < 1.

        Returns
        -------
        float
            0 if that share sees it at once.
        """
        check_share("q", q)
        return solve_quantile(self.stale_probability, q, 1.0 / self.write.exponential_rate)

    def read_quantile(self, q: float) -> float:
        """Return a quantile of the time that a read takes: until R answers are there."""
        return _round_trip_quantile(self.read, self.respond, self.replicas, self.reads, q)

    def write_quantile(self, q: float) -> float:
        """Return a quantile of the time that a write takes: until W acknowledgements are there."""
        return _round_trip_quantile(self.write, self.acknowledge, self.replicas, self.writes, q)


def quorum_read_is_recent(*, replicas: int, reads: int, writes: int, versions: int = 1) -> float:
    """Return the probability that a read returns one of the newest versions, replicas at random.

    Each write reaches W random replicas and no other one, each read asks R random ones.

    Parameters
    ----------
    replicas, reads, writes : int
        N, R and W of the store.
    versions : int
        How many of the newest versions will do.

    Returns
    -------
    float
        1 - (C(N - W, R) / C(N, R))**k.

    References
    ----------
    Bailis et al. [1]_, equation 2.

    Examples
    --------
    >>> round(quorum_read_is_recent(replicas=3, reads=1, writes=1, versions=2), 6)
    0.555556
    """
    miss = _miss(replicas, reads, writes)
    return 1.0 - miss ** check_count("versions", versions)


def monotonic_read_violation(
    *, replicas: int, reads: int, writes: int, writes_per_read: float
) -> float:
    """Return the probability that a client reads an older version than it has read before.

    Parameters
    ----------
    replicas, reads, writes
        As in :func:`quorum_read_is_recent`.
    writes_per_read : float
        Writes by all, over reads by the client.

    Returns
    -------
    float
        (C(N - W, R) / C(N, R))**(1 + writes_per_read).

    References
    ----------
    Bailis et al. [1]_, equation 3.

    Examples
    --------
    >>> round(monotonic_read_violation(replicas=3, reads=1, writes=1, writes_per_read=4), 6)
    0.131687
    """
    power = 1.0 + check_not_negative("writes_per_read", writes_per_read)
    return float(_miss(replicas, reads, writes) ** power)


def _miss(replicas: int, reads: int, writes: int) -> float:
    count = check_count("replicas", replicas)
    asked, written = check_count("reads", reads), check_count("writes", writes)
    if max(asked, written) > count:
        message = f"reads and writes are {reads} and {writes}: must be at most replicas, {replicas}"
        raise ValueError(message)
    return math.comb(count - written, asked) / math.comb(count, asked)


def _at_least(share: Values, count: int, needed: int) -> Values:
    """Return the probability that at least ``needed`` of ``count`` events of some share happen."""
    from scipy.special import betainc

    if needed > count:
        return np.zeros_like(share)
    return np.asarray(betainc(needed, count - needed + 1, np.clip(share, 0.0, 1.0)))


def _at_least_slope(share: Values, count: int, needed: int) -> Values:
    """Return the derivative of :func:`_at_least` by the share."""
    ways = needed * math.comb(count, needed)
    return np.asarray(ways * share ** (needed - 1) * (1.0 - share) ** (count - needed))


def _trip_kinks(there: Leg, back: Leg) -> set[float]:
    """Return the times at which the tail of the sum of two times is not smooth."""
    return {*there.kinks, *back.kinks, *(a + b for a in there.kinks for b in back.kinks)}


@functools.lru_cache(maxsize=32)
def _round_trip(there: Leg, back: Leg) -> Table:
    """Return the tail of the sum of two times."""
    kinks = _trip_kinks(there, back)
    scale = 0.25 / max(there.exponential_rate, back.exponential_rate)
    ends = panels(kinks, 0.0, 2.0 * max(there.reach(), back.reach()), scale)

    def tail(total: float) -> float:
        # P(sum > x) = P(first > x) + the integral of f(x - y) P(second > y) over y in (0, x).
        own = {*back.kinks, *(total - kink for kink in there.kinks), total / 2.0}
        cut = total / 2.0
        near, near_weight = nodes_and_weights(panels(own, 0.0, cut, scale))
        far, far_weight = nodes_and_weights(
            panels((total - point for point in own), 0.0, total - cut, scale)
        )
        convolved = near_weight @ (there.density(total - near) * back.tail(near))
        convolved += far_weight @ (there.density(far) * back.tail(total - far))
        return float(there.tail(np.array([total]))[0] + convolved)

    return Table(tail, ends)


def _round_trip_quantile(there: Leg, back: Leg, count: int, needed: int, q: float) -> float:
    table = _round_trip(there, back)

    def tail(time: float) -> float:
        late = table(np.array([time]))
        # More than the time: at most needed - 1 are back, so enough of them are late.
        return float(_at_least(late, count, count - needed + 1)[0])

    return solve_quantile(tail, check_share("q", q), 1.0 / there.exponential_rate)


@functools.lru_cache(maxsize=32)
def _write_is_later(write: Leg, acknowledge: Leg, others: int, needed: int) -> Table:
    """Return P(a replica's write takes longer than M + x) as a function of x."""
    trip = _round_trip(write, acknowledge)
    trips = {0.0, *_trip_kinks(write, acknowledge)}
    kinks = {own - other for own in write.kinks for other in trips}
    scale = 0.25 / max(write.exponential_rate, acknowledge.exponential_rate)
    reach = 2.0 * write.reach()

    def later(gap: float) -> float:
        own = {*trips, *(kink - gap for kink in write.kinks)}
        points, weights = nodes_and_weights(panels(own, 0.0, reach, scale))
        acknowledged = _at_least(1.0 - trip(points), others, needed)
        return float(weights @ (write.density(points + gap) * acknowledged))

    return Table(later, panels(kinks, 0.0, write.reach(), scale))


@functools.lru_cache(maxsize=32)
def _first_answer(read: Leg, respond: Leg, replicas: int) -> Table:
    """Return the density of the read's time to the replica that answers first, over its law's."""
    trip = _round_trip(read, respond)
    trips = _trip_kinks(read, respond)
    scale = 0.25 / max(read.exponential_rate, respond.exponential_rate)

    def weight(time: float) -> float:
        own = {*respond.kinks, *(kink - time for kink in trips)}
        points, weights = nodes_and_weights(panels(own, 0.0, respond.reach(), scale))
        others_later = trip(points + time) ** (replicas - 1)
        return float(replicas * (weights @ (respond.density(points) * others_later)))

    kinks = {a - b for a in trips for b in (0.0, *respond.kinks)}
    return Table(weight, panels(kinks, 0.0, read.reach(), scale))


def _stale_to_first(store: Quorum, time: float) -> float:
    later = _write_is_later(store.write, store.acknowledge, store.replicas - 1, store.writes)
    first = _first_answer(store.read, store.respond, store.replicas)
    kinks = _trip_kinks(store.read, store.respond)
    kinks |= {kink - time for kink in store.write.kinks}
    scale = 0.25 / max(store.read.exponential_rate, store.respond.exponential_rate)
    points, weights = nodes_and_weights(panels(kinks, 0.0, store.read.reach(), scale))
    return float(weights @ (store.read.density(points) * first(points) * later(points + time)))


def _stale_to_all(store: Quorum, time: float) -> float:
    """Return the probability that the first R replicas to answer all lack the write."""
    others = store.replicas - store.reads
    acknowledged = _round_trip(store.write, store.acknowledge)
    answered = _round_trip(store.read, store.respond)
    write_scale = 0.5 / max(store.write.exponential_rate, store.acknowledge.exponential_rate)
    read_scale = 0.5 / max(store.read.exponential_rate, store.respond.exponential_rate)
    read_reach = 2.0 * max(store.read.reach(1e-10), store.respond.reach(1e-10))
    at, mass = nodes_and_weights(
        panels(_trip_kinks(store.write, store.acknowledge), 0.0, store.write.reach(), write_scale)
    )
    mass = mass * _at_least_slope(1.0 - acknowledged(at), others, store.writes)
    mass = mass * -acknowledged.slope(at)
    until, other_mass = nodes_and_weights(
        panels(_trip_kinks(store.read, store.respond), 0.0, read_reach, read_scale)
    )
    # The first answer of the others: none of them came before.
    other_mass = other_mass * others * answered(until) ** (others - 1) * -answered.slope(until)
    total = 0.0
    for limit, share in zip(until.tolist(), other_mass.tolist(), strict=True):
        own = {*store.read.kinks, *(limit - kink for kink in store.respond.kinks)}
        points, weights = nodes_and_weights(panels(own, 0.0, limit, read_scale))
        back = 1.0 - store.respond.tail(limit - points)
        inner = weights * store.read.density(points) * back
        lacking = store.write.tail(at[:, None] + time + points[None, :]) @ inner
        total += share * float(mass @ lacking**store.reads)
    return math.comb(store.replicas, store.reads) * total

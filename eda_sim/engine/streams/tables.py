"""Distributions lowered to numbers: what a sampler reads instead of objects.

:func:`lower` turns the distributions of a scenario into one :class:`DistributionTable`. Row ``i``
holds the ``i``-th distribution; the components of mixtures follow after the last of them.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from eda_sim.engine.streams.addresses import DRAWS_PER_VARIATE

ROW_WIDTH = 5
"""Numbers per row: kind, first parameter, second parameter, start of its list, length of it."""

MOST_STAGES = DRAWS_PER_VARIATE - 24
"""Stages of an Erlang variate: one uniform each, and the choice in a mixture takes another."""


class Kind(enum.IntEnum):
    """Families of distributions, and what their parameters are."""

    CONSTANT = 0  # value
    UNIFORM = 1  # low, high - low
    EXPONENTIAL = 2  # mean
    LOGNORMAL = 3  # mu, sigma
    ERLANG = 4  # mean of one stage, stages
    HYPEREXPONENTIAL = 5  # list: cumulative probabilities, then means
    WEIBULL = 6  # scale, 1 / shape
    PARETO = 7  # minimum, 1 / shape
    EMPIRICAL = 8  # list: the observations
    MIXTURE = 9  # list: cumulative weights, then rows of the components


class DistributionTable(NamedTuple):
    """Distributions as numbers.

    Everything that a sampler reads is in one array: compiled code counts references to every array
    that it touches, and that took longer than the random number itself.

    Attributes
    ----------
    kind : int64 array, one per distribution
        The family of each, a :class:`Kind`.
    data : float64 array
        First :data:`ROW_WIDTH` numbers per row, also for the components of mixtures; then the lists
        that rows point to (observations, cumulative probabilities, means, numbers of rows).
    """

    kind: npt.NDArray[np.int64]
    data: npt.NDArray[np.float64]


class _Row(NamedTuple):
    kind: Kind
    first: float = 0.0
    second: float = 0.0
    length: int = 0
    entries: tuple[float, ...] = ()


def _cumulative(weights: Sequence[float]) -> tuple[float, ...]:
    """Return running sums scaled so that the last is exactly 1."""
    sums = np.cumsum(np.asarray(weights, dtype=np.float64))
    sums /= sums[-1]
    # The last entry that has any weight must win every u < 1, whatever rounding did.
    sums[np.flatnonzero(np.asarray(weights))[-1] :] = 1.0
    return tuple(sums.tolist())


def _hyperexponential(distribution: Any) -> _Row:
    probabilities, means = distribution.probabilities, distribution.means
    entries = (*_cumulative(probabilities), *means)
    return _Row(Kind.HYPEREXPONENTIAL, length=len(means), entries=entries)


def _erlang(distribution: Any) -> _Row:
    # One more than these would be the first draw of the next attempt.
    if distribution.stages > MOST_STAGES:
        message = f"stages is {distribution.stages}: must be at most {MOST_STAGES}"
        raise ValueError(message)
    return _Row(Kind.ERLANG, distribution.mean / distribution.stages, distribution.stages)


def _empirical(distribution: Any) -> _Row:
    values = tuple(distribution.values)
    return _Row(Kind.EMPIRICAL, length=len(values), entries=values)


_SIMPLE: dict[str, Callable[[Any], _Row]] = {
    "constant": lambda d: _Row(Kind.CONSTANT, d.value),
    "uniform": lambda d: _Row(Kind.UNIFORM, d.low, d.high - d.low),
    "exponential": lambda d: _Row(Kind.EXPONENTIAL, d.mean),
    "lognormal": lambda d: _Row(Kind.LOGNORMAL, d.mu, d.sigma),
    "erlang": _erlang,
    "hyperexponential": _hyperexponential,
    "weibull": lambda d: _Row(Kind.WEIBULL, d.scale, 1.0 / d.shape),
    "pareto": lambda d: _Row(Kind.PARETO, d.minimum, 1.0 / d.shape),
    "empirical": _empirical,
}


def lower(distributions: Sequence[Any]) -> DistributionTable:
    """Lower distributions to a table.

    Parameters
    ----------
    distributions : sequence of eda_sim.spec.distributions.Distribution
        Row ``i`` of the table is entry ``i``.

    Returns
    -------
    DistributionTable
        In the distributions' own unit (seconds, bytes, or a count).

    Raises
    ------
    TypeError
        If something is no distribution.
    ValueError
        If an Erlang distribution has more than :data:`MOST_STAGES` stages.

    Examples
    --------
    >>> from eda_sim.spec.distributions import Exponential
    >>> table = lower([Exponential(mean=0.02)])
    >>> table.kind.tolist(), table.data.tolist()
    ([2], [2.0, 0.02, 0.0, 5.0, 0.0])
    """
    rows: list[_Row] = []
    components: list[_Row] = []
    for distribution in distributions:
        if getattr(distribution, "type", None) == "mixture":
            first = len(distributions) + len(components)
            components += [_lower_simple(component) for component in distribution.components]
            count = len(distribution.components)
            entries = (*_cumulative(distribution.weights), *range(first, first + count))
            rows.append(_Row(Kind.MIXTURE, length=count, entries=entries))
        else:
            rows.append(_lower_simple(distribution))
    return _pack(rows + components, len(distributions))


def _lower_simple(distribution: Any) -> _Row:
    try:
        make_row = _SIMPLE[distribution.type]
    except (AttributeError, KeyError):
        message = f"{distribution!r} is not a distribution that can be sampled"
        raise TypeError(message) from None
    return make_row(distribution)


def _pack(rows: Sequence[_Row], distributions: int) -> DistributionTable:
    head: list[float] = []
    lists: list[float] = []
    for row in rows:
        start = len(rows) * ROW_WIDTH + len(lists)
        head += (row.kind, row.first, row.second, start, row.length)
        lists += row.entries
    return DistributionTable(
        kind=np.array([row.kind for row in rows[:distributions]], dtype=np.int64),
        data=np.array(head + lists, dtype=np.float64),
    )

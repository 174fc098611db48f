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

PARAMETERS = 6
"""Width of a row of parameters."""


class Kind(enum.IntEnum):
    """Families of distributions, and what their parameters are."""

    CONSTANT = 0  # value
    UNIFORM = 1  # low, high - low
    EXPONENTIAL = 2  # mean
    LOGNORMAL = 3  # mu, sigma
    ERLANG = 4  # mean of one stage, stages
    HYPEREXPONENTIAL = 5  # values: cumulative probabilities, then means
    WEIBULL = 6  # scale, 1 / shape
    PARETO = 7  # minimum, 1 / shape
    EMPIRICAL = 8  # values: the observations
    MIXTURE = 9  # values: cumulative weights, then rows of the components


class DistributionTable(NamedTuple):
    """Distributions as arrays.

    Attributes
    ----------
    kind : int64 array, one per row
        The family, a :class:`Kind`.
    parameters : float64 array, rows x 6
        What the family needs; see :class:`Kind`.
    start, length : int64 arrays, one per row
        Where the row's own list begins in ``values``, and how many entries it has.
    values : float64 array
        Observations, cumulative probabilities, means and row numbers of all rows.
    """

    kind: npt.NDArray[np.int64]
    parameters: npt.NDArray[np.float64]
    start: npt.NDArray[np.int64]
    length: npt.NDArray[np.int64]
    values: npt.NDArray[np.float64]


class _Row(NamedTuple):
    kind: Kind
    parameters: tuple[float, ...] = ()
    length: int = 0
    values: tuple[float, ...] = ()


def _cumulative(weights: Sequence[float]) -> tuple[float, ...]:
    """Return running sums scaled so that the last is exactly 1."""
    sums = np.cumsum(np.asarray(weights, dtype=np.float64))
    sums /= sums[-1]
    # The last entry that has any weight must win every u < 1, whatever rounding did.
    sums[np.flatnonzero(np.asarray(weights))[-1] :] = 1.0
    return tuple(sums.tolist())


def _hyperexponential(distribution: Any) -> _Row:
    probabilities, means = distribution.probabilities, distribution.means
    values = (*_cumulative(probabilities), *means)
    return _Row(Kind.HYPEREXPONENTIAL, (), len(means), values)


_SIMPLE: dict[str, Callable[[Any], _Row]] = {
    "constant": lambda d: _Row(Kind.CONSTANT, (d.value,)),
    "uniform": lambda d: _Row(Kind.UNIFORM, (d.low, d.high - d.low)),
    "exponential": lambda d: _Row(Kind.EXPONENTIAL, (d.mean,)),
    "lognormal": lambda d: _Row(Kind.LOGNORMAL, (d.mu, d.sigma)),
    "erlang": lambda d: _Row(Kind.ERLANG, (d.mean / d.stages, d.stages)),
    "hyperexponential": _hyperexponential,
    "weibull": lambda d: _Row(Kind.WEIBULL, (d.scale, 1.0 / d.shape)),
    "pareto": lambda d: _Row(Kind.PARETO, (d.minimum, 1.0 / d.shape)),
    "empirical": lambda d: _Row(Kind.EMPIRICAL, (), len(d.values), tuple(d.values)),
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

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> table = lower([SimpleNamespace(type="exponential", mean=0.02)])
    >>> table.kind.tolist(), table.parameters[0, 0].item()
    ([2], 0.02)
    """
    rows: list[_Row] = []
    components: list[_Row] = []
    for distribution in distributions:
        if distribution.type == "mixture":
            first = len(distributions) + len(components)
            components += [_lower_simple(component) for component in distribution.components]
            count = len(distribution.components)
            weights = _cumulative(distribution.weights)
            rows.append(_Row(Kind.MIXTURE, (), count, (*weights, *range(first, first + count))))
        else:
            rows.append(_lower_simple(distribution))
    return _pack(rows + components)


def _lower_simple(distribution: Any) -> _Row:
    try:
        make_row = _SIMPLE[distribution.type]
    except (AttributeError, KeyError):
        raise TypeError(f"{distribution!r} is not a distribution that can be sampled") from None
    return make_row(distribution)


def _pack(rows: Sequence[_Row]) -> DistributionTable:
    parameters = np.zeros((len(rows), PARAMETERS), dtype=np.float64)
    start = np.zeros(len(rows), dtype=np.int64)
    values: list[float] = []
    for number, row in enumerate(rows):
        parameters[number, : len(row.parameters)] = row.parameters
        start[number] = len(values)
        values.extend(row.values)
    return DistributionTable(
        kind=np.array([row.kind for row in rows], dtype=np.int64),
        parameters=parameters,
        start=start,
        length=np.array([row.length for row in rows], dtype=np.int64),
        values=np.array(values, dtype=np.float64),
    )

"""Integrals of functions with known kinks, and tables of such functions, to nearly all digits.

A law that starts at a point (a Pareto time, a constant after it) has a kink there, and so has every
integral of it. Between kinks all is smooth, and Gauss-Legendre rules converge at once.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt
from numpy.polynomial import chebyshev

Values = npt.NDArray[np.float64]

_NODES = 20
_DEGREE = 24


@functools.cache
def _rule() -> tuple[Values, Values]:
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    return (nodes + 1.0) / 2.0, weights / 2.0


def panels(breaks: Iterable[float], low: float, high: float, scale: float) -> Values:
    """Return the ends of panels from ``low`` to ``high``: all breaks, and steps that grow.

    Parameters
    ----------
    breaks : iterable of float
        Kinks; those outside are left out.
    low, high : float
        Ends of the interval.
    scale : float
        The first panel after each kink is so wide, and each next one twice as wide.

    Returns
    -------
    array of float
        Sorted.

    Examples
    --------
    >>> panels([2.0], 0.0, 8.0, 1.0).tolist()
    [0.0, 1.0, 2.0, 3.0, 5.0, 8.0]
    """
    inner = sorted({low, high, *(point for point in breaks if low < point < high)})
    ends = [low]
    for start, stop in itertools.pairwise(inner):
        step = scale
        point = start + step
        while point < stop - step / 4.0:
            ends.append(point)
            step *= 2.0
            point += step
        ends.append(stop)
    return np.array(ends)


def nodes_and_weights(ends: Values) -> tuple[Values, Values]:
    """Return the points and weights of Gauss-Legendre rules on all panels.

    Examples
    --------
    >>> points, weights = nodes_and_weights(np.array([0.0, 1.0, 3.0]))
    >>> round(float(weights @ points**2), 12)
    9.0
    """
    points, weights = _rule()
    width = np.diff(ends)[:, None]
    return (ends[:-1, None] + width * points).ravel(), (width * weights).ravel()


class Table:
    """A function between kinks, remembered as a polynomial on each panel.

    Parameters
    ----------
    function : callable
        Of one number.
    ends : array of float
        Ends of the panels, from :func:`panels`.
    beyond : float
        Its value above the last end.

    Examples
    --------
    >>> sine = Table(np.sin, np.linspace(0.0, 6.0, 7))
    >>> bool(abs(sine(np.array([1.234]))[0] - np.sin(1.234)) < 1e-12)
    True
    """

    def __init__(
        self, function: Callable[[float], float], ends: Values, *, beyond: float = 0.0
    ) -> None:
        nodes = chebyshev.chebpts1(_DEGREE + 1)
        self._ends, self._beyond = ends, beyond
        rows = []
        for start, stop in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True):
            points = (start + stop) / 2.0 + (stop - start) / 2.0 * nodes
            rows.append(chebyshev.chebfit(nodes, [function(point) for point in points], _DEGREE))
        self._coefficients: Values = np.array(rows, dtype=np.float64)
        halves = np.diff(ends)[:, None] / 2.0
        self._slopes: Values = np.asarray(chebyshev.chebder(self._coefficients, axis=1) / halves)

    def __call__(self, points: Values) -> Values:
        """Return the values at some points; those below the first end are taken to lie there."""
        return self._evaluate(self._coefficients, points, self._beyond)

    def slope(self, points: Values) -> Values:
        """Return the derivatives at some points."""
        return self._evaluate(self._slopes, points, 0.0)

    def _evaluate(self, coefficients: Values, points: Values, beyond: float) -> Values:
        at = np.maximum(np.asarray(points, dtype=float), self._ends[0])
        panel = np.clip(np.searchsorted(self._ends, at, side="right") - 1, 0, len(self._ends) - 2)
        low, high = self._ends[panel], self._ends[panel + 1]
        x = np.clip((2.0 * at - low - high) / (high - low), -1.0, 1.0)
        rows = np.moveaxis(coefficients[panel], -1, 0)
        value = np.asarray(chebyshev.chebval(x, rows, tensor=False))
        return np.where(at > self._ends[-1], beyond, value)

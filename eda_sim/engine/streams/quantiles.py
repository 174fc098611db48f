"""Inverses that have no short formula: of the normal distribution, and of a table."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from eda_sim.engine.streams._jit import jit

# AS 241's coefficients, lowest power first; a/b for the middle, c/d for the tails, e/f far out.
_A = (
    3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3,
    1.3731693765509461125e4, 4.5921953931549871457e4, 6.7265770927008700853e4,
    3.3430575583588128105e4, 2.5090809287301226727e3,
)  # fmt: skip
_B = (
    1.0, 4.2313330701600911252e1, 6.8718700749205790830e2,
    5.3941960214247511077e3, 2.1213794301586595867e4, 3.9307895800092710610e4,
    2.8729085735721942674e4, 5.2264952788528545610e3,
)  # fmt: skip
_C = (
    1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0,
    3.64784832476320460504e0, 1.27045825245236838258e0, 2.41780725177450611770e-1,
    2.27238449892691845833e-2, 7.74545014278341407640e-4,
)  # fmt: skip
_D = (
    1.0, 2.05319162663775882187e0, 1.67638483018380384940e0,
    6.89767334985100004550e-1, 1.48103976427480074590e-1, 1.51986665636164571966e-2,
    5.47593808499534494600e-4, 1.05075007164441684324e-9,
)  # fmt: skip
_E = (
    6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0,
    2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
    2.71155556874348757815e-5, 2.01033439929228813265e-7,
)  # fmt: skip
_F = (
    1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1,
    1.48753612908506148525e-2, 7.86869131145613259100e-4, 1.84631831751005468180e-5,
    1.42151175831644588870e-7, 2.04426310338993978564e-15,
)  # fmt: skip

_Coefficients = tuple[float, float, float, float, float, float, float, float]


@jit
def _ratio(numerator: _Coefficients, denominator: _Coefficients, x: float) -> float:
    """Return the quotient of two polynomials of degree 7 by Horner's rule."""
    above, below = numerator[7], denominator[7]
    for power in range(6, -1, -1):
        above = above * x + numerator[power]
        below = below * x + denominator[power]
    return above / below


@jit
def normal_quantile(probability: float) -> float:
    """Return the quantile of the standard normal distribution.

    Parameters
    ----------
    probability : float
        0 < probability < 1.

    Returns
    -------
    float
        z with P(Z <= z) = probability, to about 16 digits.

    References
    ----------
    M. J. Wichura, "Algorithm AS 241: The percentage points of the normal distribution", Applied
    Statistics 37 (1988) 477-484, routine PPND16: three rational functions, so that only the tails
    need a logarithm and a root.

    Examples
    --------
    >>> f"{normal_quantile(0.975):.12f}"
    '1.959963984540'
    """
    q = probability - 0.5
    if abs(q) <= 0.425:
        return q * _ratio(_A, _B, 0.180625 - q * q)
    r = math.sqrt(-math.log(probability if q < 0.0 else 1.0 - probability))
    z = _ratio(_C, _D, r - 1.6) if r <= 5.0 else _ratio(_E, _F, r - 5.0)
    return -z if q < 0.0 else z


@jit
def first_above(
    cumulative: npt.NDArray[np.float64] | list[float], start: int, length: int, u: float
) -> int:
    """Return the entry that u falls on in a table of cumulative probabilities.

    Parameters
    ----------
    cumulative : float64 array
        Holds the table, which ends with 1.
    start, length : int
        Where the table begins in the array, and how many entries it has.
    u : float
        0 <= u < 1.

    Returns
    -------
    int
        The first i with ``u < cumulative[start + i]``; 0 <= i < length.

    Examples
    --------
    >>> first_above(np.array([0.5, 0.5, 1.0]), 0, 3, 0.5)
    2
    """
    low, high = 0, length - 1
    while low < high:
        middle = (low + high) // 2
        if u < cumulative[start + middle]:
            high = middle
        else:
            low = middle + 1
    return low

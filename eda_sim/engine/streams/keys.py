"""Keys of messages: from a uniform number to the number of a key.

Keys are numbered from 0 by rank: key 0 is the most frequent one. A popularity is a table of
cumulative probabilities; an empty table means that all keys are equally popular.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from eda_sim.engine.streams._jit import jit
from eda_sim.engine.streams.addresses import DRAWS_PER_VARIATE
from eda_sim.engine.streams.philox import uniform
from eda_sim.engine.streams.quantiles import first_above

__all__ = ["fill_keys", "sample_key", "uniform_cumulative", "zipf_cumulative"]

_DRAW = DRAWS_PER_VARIATE  # the first uniform of attempt 1, as for every variate of a message


def uniform_cumulative() -> npt.NDArray[np.float64]:
    """Return the table that stands for equally popular keys: an empty one.

    Returns
    -------
    float64 array
        Without entries.

    Examples
    --------
    >>> uniform_cumulative().size
    0
    """
    return np.zeros(0, dtype=np.float64)


def zipf_cumulative(n: int, s: float) -> npt.NDArray[np.float64]:
    """Return the cumulative probabilities of Zipf's law over n keys.

    Parameters
    ----------
    n : int
        Number of keys, at least 1.
    s : float
        Exponent, at least 0: key k (from 0) has a weight of ``(k + 1) ** -s``. With 0 all keys are
        equally popular; 1 is Zipf's own; above 1 a few keys get most messages.

    Returns
    -------
    float64 array
        Entry k is the probability of a key up to k; the last is exactly 1.

    Raises
    ------
    ValueError
        If n is below 1 or s is negative or not finite.

    References
    ----------
    G. K. Zipf, "Human Behavior and the Principle of Least Effort" (1949); the distribution with a
    bounded number of keys as in N. L. Johnson, A. W. Kemp, S. Kotz, "Univariate Discrete
    Distributions" (2005), section 11.2.20.

    Examples
    --------
    >>> [round(value, 4) for value in zipf_cumulative(3, 1.0).tolist()]
    [0.5455, 0.8182, 1.0]
    """
    if n < 1:
        message = f"the number of keys is {n}: must be at least 1"
        raise ValueError(message)
    if not 0.0 <= s < math.inf:
        message = f"the exponent of Zipf's law is {s}: must be a number of at least 0"
        raise ValueError(message)
    cumulative = np.empty(n, dtype=np.float64)
    _accumulate_zipf(cumulative, float(s))
    return cumulative


@jit
def _accumulate_zipf(cumulative: npt.NDArray[np.float64], s: float) -> None:
    """Fill in running sums of the weights, with Neumaier's compensation, scaled to end at 1."""
    total = 0.0
    compensation = 0.0
    for key in range(cumulative.shape[0]):
        weight = math.exp(-s * math.log(key + 1.0))
        bigger = total + weight
        compensation += (total - bigger) + weight  # total >= weight from the second key on
        total = bigger
        cumulative[key] = total + compensation
    # As a loop, because compiled array expressions may round otherwise than NumPy's.
    for key in range(cumulative.shape[0]):
        cumulative[key] /= total + compensation


@jit
def _key_at(cumulative: npt.NDArray[np.float64], key_count: int, u: float) -> int:
    """Return the first key whose cumulative probability is above u."""
    if cumulative.shape[0] == 0:
        return int(u * key_count)
    return first_above(cumulative, 0, cumulative.shape[0], u)


@jit
def sample_key(
    cumulative: npt.NDArray[np.float64],
    key_count: int,
    seed: int,
    replication: int,
    stream: int,
    entity: int,
    event: int,
) -> int:
    """Return the key at an address.

    Parameters
    ----------
    cumulative : float64 array
        From :func:`zipf_cumulative` or :func:`uniform_cumulative`.
    key_count : int
        Number of keys; needed for equally popular ones.
    seed, replication, stream, entity, event : int
        The address; see :mod:`eda_sim.engine.streams.addresses`.

    Returns
    -------
    int
        0 <= key < key_count.

    Examples
    --------
    >>> 0 <= sample_key(zipf_cumulative(10, 1.1), 10, 7, 0, 2, 99, 0) < 10
    True
    """
    return _key_at(cumulative, key_count, uniform(seed, replication, stream, entity, event, _DRAW))


@jit
def fill_keys(
    out: npt.NDArray[np.int64],
    cumulative: npt.NDArray[np.float64],
    key_count: int,
    seed: int,
    replication: int,
    stream: int,
    entity: int,
    first_event: int,
) -> None:
    """Fill an array with the keys of consecutive events.

    Parameters
    ----------
    out : int64 array
        ``out[i]`` becomes the :func:`sample_key` of event ``first_event + i``.
    cumulative, key_count, seed, replication, stream, entity, first_event
        As for :func:`sample_key`.

    Examples
    --------
    >>> out = np.zeros(3, dtype=np.int64)
    >>> fill_keys(out, uniform_cumulative(), 1, 7, 0, 2, 99, 0)
    >>> out.tolist()
    [0, 0, 0]
    """
    for i in range(out.shape[0]):
        u = uniform(seed, replication, stream, entity, first_event + i, _DRAW)
        out[i] = _key_at(cumulative, key_count, u)

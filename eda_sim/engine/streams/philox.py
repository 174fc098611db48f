"""Philox4x32-10: a random number generator without a state.

An ordinary generator is a sequence: the value of a draw depends on how many were drawn before it,
so one more lost message shifts every later number. Philox is a function. It takes a *counter* (four
32-bit words that name the draw) and a *key* (two words that name the run), and stirs the counter
ten times under the key. Each round is a bijection, so different counters never give the same block,
and the result passes the usual batteries of tests (BigCrush).

References
----------
J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy as 1, 2, 3",
SC'11, section 3.3; constants and known answers from the authors' Random123 library.
"""

from __future__ import annotations

from eda_sim.engine.streams._jit import jit

ROUNDS = 10

_MASK = 0xFFFFFFFF
_MULTIPLIER_0 = 0xD2511F53
_MULTIPLIER_1 = 0xCD9E8D57
_WEYL_0 = 0x9E3779B9  # the golden ratio
_WEYL_1 = 0xBB67AE85  # sqrt(3) - 1
_UNIT = 2.0**-53


@jit
def philox(
    counter_0: int, counter_1: int, counter_2: int, counter_3: int, key_0: int, key_1: int
) -> tuple[int, int, int, int]:
    """Return the block of four 32-bit words at a counter, under a key.

    Parameters
    ----------
    counter_0, counter_1, counter_2, counter_3 : int
        The counter; the lower 32 bits of each count. In this project: draw, event, entity, stream.
    key_0, key_1 : int
        The key; the lower 32 bits of each count. In this project: seed, replication.

    Returns
    -------
    tuple of int
        Four words, 0 <= word < 2**32.

    References
    ----------
    Salmon et al. (2011), section 3.3. Known answers: Random123, ``kat_vectors``.

    Examples
    --------
    >>> [f"{word:08x}" for word in philox(0, 0, 0, 0, 0, 0)]
    ['6627e8d5', 'e169c58d', 'bc57ac4c', '9b00dbd8']
    """
    c0, c1 = int(counter_0) & _MASK, int(counter_1) & _MASK
    c2, c3 = int(counter_2) & _MASK, int(counter_3) & _MASK
    k0, k1 = int(key_0) & _MASK, int(key_1) & _MASK
    for _ in range(ROUNDS):
        # Compiled, these are int64 and a product of two words may wrap around; its bits are right
        # all the same, and the mask takes the sign off the upper word.
        product_0 = _MULTIPLIER_0 * c0
        product_1 = _MULTIPLIER_1 * c2
        c0, c1, c2, c3 = (
            ((product_1 >> 32) & _MASK) ^ c1 ^ k0,
            product_1 & _MASK,
            ((product_0 >> 32) & _MASK) ^ c3 ^ k1,
            product_0 & _MASK,
        )
        k0 = (k0 + _WEYL_0) & _MASK
        k1 = (k1 + _WEYL_1) & _MASK
    return c0, c1, c2, c3


@jit
def unit_interval(word_0: int, word_1: int) -> float:
    """Return the number in (0, 1) that two words stand for.

    Parameters
    ----------
    word_0, word_1 : int
        The upper 26 bits of each count.

    Returns
    -------
    float
        An odd multiple of 2**-53: from 2**-53 to 1 - 2**-53.

    Examples
    --------
    >>> unit_interval(0, 0) == 2.0**-53
    True
    """
    high_and_low = ((word_0 >> 6) << 26) | (word_1 >> 6)
    return (2 * high_and_low + 1) * _UNIT


@jit
def uniform(seed: int, replication: int, stream: int, entity: int, event: int, draw: int) -> float:
    """Return the uniform number at an address.

    Parameters
    ----------
    seed, replication, stream, entity, event, draw : int
        The address; see :mod:`eda_sim.engine.streams.addresses`.

    Returns
    -------
    float
        An odd multiple of 2**-53 in (0, 1): 2**52 equally likely values, never 0 or 1, with mean
        exactly 1/2. The set is symmetric and ``1 - u`` is exact, so a tail is as good as the other.

    Examples
    --------
    >>> 0.0 < uniform(7, 0, 4, 99, 0, 0) < 1.0
    True
    """
    word_0, word_1, _, _ = philox(draw, event, entity, stream, seed, replication)
    return unit_interval(word_0, word_1)

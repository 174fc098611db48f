"""Addresses of messages: where an event comes from, as one 32-bit word.

A random draw about a message is addressed by the message's lineage and by the sequence number of
the event that began its chain, never by its row in a table. So the 1017th order needs the same
service time in every variant of a scenario, also after it came through three services.

Arithmetic stays within 64 signed bits, so that an interpreted and a compiled caller agree.
"""

from __future__ import annotations

_MASK = 0xFFFFFFFF


def mix(left: int, right: int) -> int:
    """Return a well-spread 32-bit word from two 32-bit words (order matters).

    Multiply, xor-shift, twice: the finalizer of MurmurHash3 (A. Appleby, 2011) over a sum with
    the golden ratio in between.

    Examples
    --------
    >>> mix(1, 2) == mix(2, 1)
    False
    """
    word = (left + 0x9E3779B9 + ((right << 6) & _MASK) + (right >> 2)) & _MASK
    word = (word ^ right) & _MASK
    word ^= word >> 16
    word = ((word & 0xFFFF) * 0x85EBCA6B + ((((word >> 16) * 0x85EBCA6B) & 0xFFFF) << 16)) & _MASK
    word ^= word >> 13
    word = ((word & 0xFFFF) * 0xC2B2AE35 + ((((word >> 16) * 0xC2B2AE35) & 0xFFFF) << 16)) & _MASK
    return word ^ (word >> 16)

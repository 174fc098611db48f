"""Addresses of random numbers: every draw has a name, and its value depends on nothing else.

The words
---------
seed, replication
    The key. Another seed is another world; replications of one seed are independent runs.
stream
    What the number is for: an arrival, a service time, a latency. See :class:`Stream`.
entity
    Who draws: a producer, a channel, a consumer, by its path in the scenario (:func:`entity_of`).
event
    Which message of that entity, counted from 0 (at its source, so that it is the same number
    whatever the other parts of the scenario do).
draw
    Which number for that event: ``attempt * DRAWS_PER_VARIATE + j``, where a variate that needs
    several uniforms takes ``j = 0, 1, ...``.

Each of the last four is a 32-bit word of Philox's counter, each of the first two of its key.
Because no draw depends on the order of asking, a run is the same on any number of workers and in
either engine, and two scenarios differ only by what was changed in them.
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Iterable

DRAWS_PER_VARIATE = 1024
"""Width of one attempt on the draw word; so a variate takes at most 1024 uniforms."""


class Stream(enum.IntEnum):
    """What a random number is for. The numbers are part of every stored digest: never reuse one."""

    ARRIVAL = 1
    KEY = 2
    SIZE = 3
    SERVICE = 4
    PUBLISH_LINK = 5
    DELIVERY_LINK = 6
    SETTLE_LINK = 7
    DETECTION = 8
    OUTCOME = 9
    FAULT_START = 10
    FAULT_LENGTH = 11
    RETRY = 12
    LOSS = 13
    DUPLICATION = 14
    POISON = 15
    PARTITION = 16
    APPEND = 17
    CONFIRM_LINK = 18
    EMIT_SIZE = 19
    DEDUP_LOOKUP = 20
    RATE = 21
    BULK = 22
    REPLICATION = 23
    ELECTION = 24
    TIME_TO_LIVE = 25
    EMISSION = 27
    FAULT_DELAY = 30
    ANSWER_LINK = 40
    USER = 41
    PRIORITY = 50


def entity_of(path: str) -> int:
    """Return the entity word of a part of a scenario.

    Parameters
    ----------
    path : str
        Where the part stands, such as ``"consumers.billing"``.

    Returns
    -------
    int
        The first four bytes of BLAKE2s of the path, little endian: 0 <= entity < 2**32. A name
        alone decides it, so adding a part to a scenario moves no other part's numbers.

    Examples
    --------
    >>> entity_of("consumers.billing")
    3767061317
    """
    return int.from_bytes(hashlib.blake2s(path.encode(), digest_size=4).digest(), "little")


def entities_of(paths: Iterable[str]) -> dict[str, int]:
    """Return the entity word of each path and make sure that no two share one.

    Parameters
    ----------
    paths : iterable of str
        The parts of one scenario.

    Returns
    -------
    dict
        From path to entity word.

    Raises
    ------
    ValueError
        If two paths fall on the same word (one chance in a million for 100 paths): their random
        numbers would be the same. Renaming one of them helps.

    Examples
    --------
    >>> sorted(entities_of(["producers.shop", "consumers.billing"]))
    ['consumers.billing', 'producers.shop']
    """
    owners: dict[int, str] = {}
    for path in paths:
        owner = owners.setdefault(entity_of(path), path)
        if owner != path:
            message = (
                f"{path!r} and {owner!r} share one random stream by chance; rename one of them"
            )
            raise ValueError(message)
    return {path: entity for entity, path in owners.items()}

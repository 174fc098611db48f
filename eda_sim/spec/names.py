"""Names and bounds that several parts of a scenario share."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, Strict, WithJsonSchema

from eda_sim.spec.errors import shown

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}", re.ASCII)

MOST_MESSAGES = 1_000_000_000
MOST_INSTANCES = 10_000
MOST_PARTITIONS = 100_000
MOST_PARTS = 1_000
"""Producers, channels or consumers of a scenario."""
MOST_FAULTS = 10_000


def check_name(name: str) -> str:
    """Return a name if it is one.

    Parameters
    ----------
    name : str
        Name of a scenario, producer, channel or consumer.

    Returns
    -------
    str
        The name.

    Raises
    ------
    ValueError
        If it holds a character that paths, file names or diagrams could not hold.

    Examples
    --------
    >>> check_name("billing-2")
    'billing-2'
    """
    if NAME.fullmatch(name) is None:
        message = (
            f"{shown(name)} is not a name: must be a letter, then up to 63 letters, digits, _ or -"
        )
        raise ValueError(message)
    return name


_SCHEMA: dict[str, Any] = {"type": "string", "pattern": f"^{NAME.pattern}$"}

Name = Annotated[str, Strict(), AfterValidator(check_name), WithJsonSchema(_SCHEMA)]
"""A letter, then up to 63 letters, digits, ``_`` or ``-``."""

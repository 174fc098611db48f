"""Arguments that several experiments take, refused in one line where they are wrong."""

from __future__ import annotations

from eda_sim.spec.errors import shown

LARGEST_SEED = 2**32 - 1


def check_seed(seed: object) -> None:
    """Refuse a seed that is none.

    Raises
    ------
    ValueError
        One line that says what would be right.

    Examples
    --------
    >>> check_seed(-1)
    Traceback (most recent call last):
    ValueError: seed: -1 is not valid: must be an integer from 0 to 4294967295
    """
    if seed is None:
        return
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed <= LARGEST_SEED:
        message = f"seed: {shown(seed)} is not valid: must be an integer from 0 to {LARGEST_SEED}"
        raise ValueError(message)


def check_count(name: str, count: object, *, at_least: int = 1) -> None:
    """Refuse a number that is not whole, or too small.

    Raises
    ------
    ValueError
        One line that says what would be right.

    Examples
    --------
    >>> check_count("replications", 1, at_least=2)
    Traceback (most recent call last):
    ValueError: replications: 1 is not valid: must be an integer of at least 2
    """
    if isinstance(count, bool) or not isinstance(count, int) or count < at_least:
        message = f"{name}: {shown(count)} is not valid: must be an integer of at least {at_least}"
        raise ValueError(message)


def check_share(name: str, share: object) -> None:
    """Refuse what is not a share strictly between 0 and 1.

    Raises
    ------
    ValueError
        One line that says what would be right.

    Examples
    --------
    >>> check_share("confidence", 95)
    Traceback (most recent call last):
    ValueError: confidence: 95 is not valid: must be between 0 and 1, such as 0.95
    """
    if not isinstance(share, int | float) or not 0 < share < 1:
        example = ", such as 0.95" if name == "confidence" else ""
        message = f"{name}: {shown(share)} is not valid: must be between 0 and 1{example}"
        raise ValueError(message)

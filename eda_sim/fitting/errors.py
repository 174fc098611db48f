"""What cannot be fitted, and what a file of measurements has wrong."""

from __future__ import annotations


class FitError(ValueError):
    """A sample or a log that cannot be fitted; one line that says where, what, and what would do.

    Examples
    --------
    >>> raise FitError("sample: empty; give at least 2 durations")
    Traceback (most recent call last):
    eda_sim.fitting.errors.FitError: sample: empty; give at least 2 durations
    """

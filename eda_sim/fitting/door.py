"""``es.fit``: the door to input modelling."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Literal, overload

import pandas as pd

from eda_sim.fitting.arrivals import ArrivalFit, fit_arrivals
from eda_sim.fitting.durations import DistributionFit, fit_durations
from eda_sim.fitting.errors import FitError
from eda_sim.fitting.samples import Numbers
from eda_sim.fitting.systems import ScenarioFit, fit_system

FEWEST_RESAMPLES = 99
"""Below, no p-value could be as small as 0.01."""
What = Literal["durations", "arrivals"]


@overload
def fit(
    data: str | os.PathLike[str] | pd.DataFrame,
    *,
    confidence: float = 0.95,
    resamples: int = 199,
    columns: Mapping[str, str] | None = None,
    unit: str = "s",
    channel: str | None = None,
    consumer: str | None = None,
    as_is: bool = False,
) -> ScenarioFit: ...


@overload
def fit(
    data: Numbers,
    what: Literal["durations"] = "durations",
    *,
    confidence: float = 0.95,
    resamples: int = 199,
) -> DistributionFit: ...


@overload
def fit(
    data: Numbers,
    what: Literal["arrivals"],
    *,
    confidence: float = 0.95,
    resamples: int = 199,
) -> ArrivalFit: ...


def fit(
    data: Any,
    what: What | None = None,
    *,
    confidence: float = 0.95,
    resamples: int = 199,
    columns: Mapping[str, str] | None = None,
    unit: str = "s",
    channel: str | None = None,
    consumer: str | None = None,
    as_is: bool = False,
) -> DistributionFit | ArrivalFit | ScenarioFit:
    """Fit a distribution, an arrival process, or a whole scenario to what was measured.

    Numbers are durations in seconds, or with ``what="arrivals"`` the moments of arrivals. A file or
    a table is a log of a system, with the columns ``created``, ``started`` and ``finished``.

    Parameters
    ----------
    data : array-like, path or DataFrame
        Numbers; or a log: CSV, Parquet, OpenTelemetry spans (OTLP JSON), or a table.
    what : {"durations", "arrivals"}, optional
        What numbers are; durations without it.
    confidence : float
        Of the intervals of the parameters, between 0 and 1.
    resamples : int
        Samples of the bootstrap behind each p-value, 99 or more; with 0 there is none.
    columns : mapping, optional
        Of a log: ``created``, ``started``, ``finished``, ``instance`` -> its own name for it.
    unit : {"s", "ms", "us", "ns"}
        Of a log's moments, if they are numbers and no timestamps.
    channel, consumer : str, optional
        Of OpenTelemetry spans: destination and consumer group, if the file has several.
    as_is : bool
        Of a log: repeat its arrivals and draw its service times instead of fitted ones.

    Returns
    -------
    DistributionFit, ArrivalFit or ScenarioFit
        Each has a ``table`` or tables of what was tried, an ``explanation`` in words, ``plot``, the
        ``text`` for a scenario file, and the object: ``distribution``, ``arrivals``, ``scenario``.

    Raises
    ------
    FitError
        If the data cannot be read or fitted, in one line.

    Examples
    --------
    >>> import numpy as np
    >>> import eda_sim as es
    >>> rng = np.random.default_rng(7)
    >>> es.fit(rng.exponential(0.02, size=1_000)).chosen
    'exponential'
    >>> es.fit(np.cumsum(rng.gamma(4, 0.001, size=1_000)), "arrivals").arrivals.interval.stages
    4
    """
    if what not in (None, "durations", "arrivals"):
        message = f"what {what!r}: must be durations or arrivals"
        raise FitError(message)
    if not 0 < confidence < 1:
        message = f"confidence {confidence}: must lie between 0 and 1"
        raise FitError(message)
    if resamples < 0 or 0 < resamples < FEWEST_RESAMPLES:
        message = f"resamples {resamples}: must be 0 (no p-values), or {FEWEST_RESAMPLES} or more"
        raise FitError(message)
    if isinstance(data, str | os.PathLike | pd.DataFrame):
        if what is not None:
            message = f"what {what!r}: a log is fitted as a whole; give a column of it instead"
            raise FitError(message)
        return fit_system(
            data,
            columns=columns,
            unit=unit,
            channel=channel,
            consumer=consumer,
            as_is=as_is,
            confidence=confidence,
            resamples=resamples,
        )
    fitted = fit_arrivals if what == "arrivals" else fit_durations
    return fitted(data, confidence=confidence, resamples=resamples)

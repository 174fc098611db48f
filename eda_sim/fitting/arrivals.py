"""Arrivals: which process a trace of timestamps comes from.

A process is fitted to the gaps between arrivals, so all candidates are compared by the likelihood
of the same numbers. The simplest one whose AIC is within 10 of the best is taken: a larger
difference is one that does not come by chance ([1]_, section 2.6).

=============  ===============================================================================
candidate      when it is the one
=============  ===============================================================================
``poisson``    gaps are exponential, independent, and of one rate
``renewal``    gaps are independent and not exponential
``mmpp``       the rate jumps between two values at random, at least 10 times to and fro
``piecewise``  the rate changes at a few moments, at most 50
=============  ===============================================================================

Equal gaps are ``constant``. The times themselves (``as_is``) are always an alternative, up to
20,000 of them: they repeat what was, and say nothing of another day.

References
----------
.. [1] K. P. Burnham, D. R. Anderson, "Model Selection and Multimodel Inference", 2nd ed. (2002).
.. [2] D. R. Cox, P. A. W. Lewis, "The Statistical Analysis of Series of Events" (1966).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from eda_sim.fitting.candidates import (
    ArrivalCandidate,
    as_bursts,
    as_plan,
    as_poisson,
    as_renewal,
)
from eda_sim.fitting.chance import INDEPENDENT, poisson_tests
from eda_sim.fitting.durations import DistributionFit, fit_durations
from eda_sim.fitting.errors import FitError
from eda_sim.fitting.families import NotThisFamilyError, rounded
from eda_sim.fitting.samples import Numbers, as_row, checked
from eda_sim.fitting.spelling import spelled_arrivals
from eda_sim.spec import ConstantArrivals, TraceArrivals
from eda_sim.spec.arrivals import MOST_TIMES, AnyArrivals

if TYPE_CHECKING:
    from eda_sim.plots.fitting import ArrivalPlots

Values = npt.NDArray[np.float64]

LEAST = 3
CLEAR = 10.0
"""Difference of AIC that chance does not make."""
REFUSED = 0.001
_EQUAL = 1e-6
_WINDOWS = 60
_SIMPLICITY = ("poisson", "renewal", "mmpp", "piecewise")


@dataclass(frozen=True, repr=False)
class ArrivalFit:
    """Every candidate for a trace of arrivals, and the one to take.

    Attributes
    ----------
    times : array
        When things arrived (s), sorted, the first at 0.
    candidates : tuple of ArrivalCandidate
        By AIC, the best first; empty if all gaps are the same.
    left_out : dict
        Process -> why it is no candidate.
    tests : DataFrame
        Four questions about a Poisson process: ``question``, ``test``, ``statistic``, ``p``.
    gaps : DistributionFit
        The gaps as a sample of durations.
    """

    times: Values
    candidates: tuple[ArrivalCandidate, ...]
    left_out: dict[str, str]
    tests: pd.DataFrame
    gaps: DistributionFit

    @property
    def rate(self) -> float:
        """Arrivals per second."""
        return (self.times.size - 1) / float(self.times[-1])

    @property
    def best(self) -> ArrivalCandidate | None:
        """The simplest candidate whose AIC is within 10 of the least; None for a clock."""
        if not self.candidates:
            return None
        near = [each for each in self.candidates if each.aic - self.candidates[0].aic < CLEAR]
        return min(near, key=lambda each: _SIMPLICITY.index(each.process))

    @property
    def chosen(self) -> str:
        """Name of the process that :attr:`arrivals` is."""
        return "constant" if self.best is None else self.best.process

    @property
    def arrivals(self) -> AnyArrivals:
        """What to put into a scenario."""
        if self.best is None:
            return ConstantArrivals(rate=rounded(self.rate))
        return self.best.arrivals

    @property
    def text(self) -> str:
        """The process as a scenario file spells it."""
        return spelled_arrivals(self.arrivals)

    @property
    def as_is(self) -> TraceArrivals:
        """The times themselves.

        Raises
        ------
        FitError
            If there are more than a scenario may hold.
        """
        if self.times.size > MOST_TIMES:
            message = (
                f"as_is: {self.times.size:,} arrivals are more than the {MOST_TIMES:,} that a "
                "scenario may hold; fit a part of the log"
            )
            raise FitError(message)
        return TraceArrivals(times=tuple(round(time, 9) for time in self.times.tolist()))

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per candidate, the best first.

        ``process``, ``text``, ``parameters`` (how many), ``log_likelihood``, ``aic``,
        ``aic_difference`` from the least, and ``chosen``.
        """
        rows = [
            {
                "process": each.process,
                "text": each.text,
                "parameters": each.counted,
                "log_likelihood": each.log_likelihood,
                "aic": each.aic,
                "aic_difference": each.aic - self.candidates[0].aic,
                "chosen": each.process == self.chosen,
            }
            for each in self.candidates
        ]
        return pd.DataFrame(rows)

    @cached_property
    def parameters(self) -> pd.DataFrame:
        """One row per candidate and parameter: ``value`` with ``low`` and ``high`` (s, 1/s, 1)."""
        rows = [
            (each.process, name, value, *each.intervals[name])
            for each in self.candidates
            for name, value in each.parameters.items()
        ]
        return pd.DataFrame(rows, columns=["process", "parameter", "value", "low", "high"])

    @property
    def explanation(self) -> str:
        """Why this process, in words."""
        size = f"{self.times.size:,} arrivals, {self.rate:.4g}/s"
        if self.best is None:
            return f"{size}, at equal gaps: a clock."
        tested = self.tests[self.tests["p"].notna()]
        doubts = tested[tested["p"] < REFUSED]
        best, words = self.best, [f"{size}; "]
        if best.process == "poisson":
            words.append("no other process is clearly more likely than Poisson")
        else:
            poisson = next(each for each in self.candidates if each.process == "poisson")
            words.append(f"{best.process} (AIC {poisson.aic - best.aic:,.1f} below poisson): ")
            words.append(best.reason)
        if len(doubts):
            said = ", ".join(
                f"{q} (p = {p:.2g})" for q, p in zip(doubts["question"], doubts["p"], strict=True)
            )
            words.append(f". The data speak against: {said}")
        elif len(tested):
            words.append(f". No test speaks against Poisson (least p = {tested['p'].min():.2g})")
        related = (doubts["question"] == INDEPENDENT).any()
        if related and best.process in ("poisson", "renewal"):
            words.append("; this process does not have that, only the trace itself (as_is) does")
        return "".join(words) + "."

    def over_time(self, windows: int = _WINDOWS) -> pd.DataFrame:
        """Return the rate in windows of equal length, and that of the process.

        Returns
        -------
        DataFrame
            ``from_s``, ``to_s``, ``count``, ``rate`` and ``expected`` (1/s): the plan's rate for
            ``piecewise``, the long run's for others.
        """
        counts, edges = np.histogram(self.times, bins=windows)
        expected = np.full(windows, self.rate)
        if self.best is not None and self.best.process == "piecewise":
            levels = self.best.of_prefix("rate_")
            ends = np.cumsum(self.best.of_prefix("duration_"))
            middles = (edges[:-1] + edges[1:]) / 2
            expected = np.array(levels)[np.minimum(np.searchsorted(ends, middles), len(levels) - 1)]
        return pd.DataFrame(
            {
                "from_s": edges[:-1],
                "to_s": edges[1:],
                "count": counts,
                "rate": counts / np.diff(edges),
                "expected": expected,
            }
        )

    @property
    def plot(self) -> ArrivalPlots:
        """The figures: ``fit.plot.rate()``, and ``fit.plot.qq()`` of the gaps."""
        from eda_sim.plots.fitting import ArrivalPlots

        return ArrivalPlots(self.gaps.quantiles, self.over_time)

    def __repr__(self) -> str:
        text = self.text if len(self.text) < 120 else f"{self.chosen}(..)"
        return f"ArrivalFit({text}: {self.explanation})"

    def _repr_html_(self) -> str:
        return f"<p>{self.explanation}</p>{self.table.to_html(index=False)}"


def fit_arrivals(
    times: Numbers,
    *,
    confidence: float = 0.95,
    resamples: int = 199,
    what: str = "times",
) -> ArrivalFit:
    """Fit every arrival process to a trace.

    Parameters
    ----------
    times : array-like
        When things arrived, in seconds from any moment, in any order.
    confidence : float
        Of the intervals of the parameters.
    resamples : int
        Samples of the bootstrap behind each p-value, 99 or more; with 0 there is none.
    what : str
        What an error calls the times.

    Returns
    -------
    ArrivalFit

    Raises
    ------
    FitError
        If there are fewer than 3 times, all are the same, or one is no time.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> fit_arrivals(rng.exponential(0.01, size=5_000).cumsum()).chosen
    'poisson'
    """
    given = as_row(times, what)
    if given.size and np.all(np.isfinite(given)):
        given = given - given.min()  # an epoch, or seconds before an event: only gaps matter
    values = np.sort(checked(given, what, least=LEAST))
    values -= values[0]
    if values[-1] == 0:
        message = f"{what}: all {values.size} are the same; arrivals need time between them"
        raise FitError(message)
    gaps = np.diff(values)
    fit = fit_durations(gaps, confidence=confidence, resamples=resamples, what="gaps")
    tests = poisson_tests(values, resamples=resamples)
    if np.ptp(gaps) <= _EQUAL * gaps.mean():
        return ArrivalFit(
            values, (), dict.fromkeys(_SIMPLICITY, "all gaps are the same"), tests, fit
        )
    candidates, left_out = [], {}
    makers: tuple[tuple[str, Callable[[], ArrivalCandidate]], ...] = (
        ("poisson", lambda: as_poisson(gaps, confidence)),
        ("renewal", lambda: as_renewal(fit)),
        ("mmpp", lambda: as_bursts(gaps, confidence)),
        ("piecewise", lambda: as_plan(values, confidence)),
    )
    for process, make in makers:
        try:
            candidates.append(make())
        except NotThisFamilyError as error:
            left_out[process] = str(error)
    candidates.sort(key=lambda each: each.aic)
    finite = tuple(each for each in candidates if math.isfinite(each.aic))
    return ArrivalFit(values, finite, left_out, tests, fit)

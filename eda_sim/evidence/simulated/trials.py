"""Independent trials: shares that remember of how many trials they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from eda_sim.analysis.estimates import Estimate
from eda_sim.analysis.proportions import wilson
from eda_sim.evidence.families import CONFIDENCE
from eda_sim.evidence.records import Record
from eda_sim.evidence.simulated.measuring import Flags


class Share(float):
    """The share of the trials of one run that had the answer in question.

    Attributes
    ----------
    successes, trials : int
        How often, and out of how many.

    Examples
    --------
    >>> Share.of(1, 4)
    0.25
    """

    successes: int
    trials: int

    @classmethod
    def of(cls, successes: int, trials: int) -> Self:
        """Return the share of so many successes in so many trials, NaN without trials."""
        share = cls(successes / trials if trials else float("nan"))
        share.successes, share.trials = successes, trials
        return share

    @classmethod
    def among(cls, flags: Flags) -> Self:
        """Return the share of flags that are set."""
        return cls.of(int(flags.sum()), int(flags.size))


def share_of_trials(values: Sequence[float], _: Record) -> Estimate:
    """Return the share in the trials of all runs together, and Wilson's interval.

    Replications are independent of each other, and so are trials within one; so all are one sample,
    and there is an interval also where what is looked for hardly ever happened.

    Parameters
    ----------
    values : sequence of Share
        One per replication.

    Examples
    --------
    >>> from eda_sim.evidence.records import records
    >>> estimate = share_of_trials([Share.of(0, 500), Share.of(1, 500)], records()[0])
    >>> [round(number, 4) for number in estimate]
    [0.001, 0.0001, 0.0126]
    """
    shares = [value for value in values if isinstance(value, Share)]
    successes, trials = sum(share.successes for share in shares), sum(s.trials for s in shares)
    return wilson(successes, trials, confidence=CONFIDENCE)

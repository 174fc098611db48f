"""What variants say, in words: numbers with their intervals, and the difference with its own."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from eda_sim.analysis.intervals import Estimate, quantile_ratio
from eda_sim.plots.style import duration_text
from eda_sim.widgets.variants import Variant

SHARES = (0.5, 0.99)
"""What is told in words: the median, and the tail."""
SHORT = "too short a run for an interval"
UNSTEADY = "no steady state: no interval"
_WIDEST = 30.0
"""Ends further apart than this many times say only that a run has several states, after a crash."""


def told(variants: Sequence[Variant]) -> list[str]:
    """Return a sentence for each variant and, of two, one for the difference.

    Parameters
    ----------
    variants : sequence of Variant
        One or two; the first one is the baseline.

    Returns
    -------
    list of str
    """
    sentences = [f"{variant.name}: {_of_one(variant)}." for variant in variants]
    if len(variants) > 1:
        before, after = variants
        parts = []
        for share in SHARES:
            ratio = quantile_ratio(before.seconds, after.seconds, share)
            parts.append(f"{_percentile(share)} is {_times(ratio)} that of {before.name}")
        sentences.append(
            f"{after.name} against {before.name}: {', '.join(parts)}; both with the same random "
            "numbers."
        )
    return sentences


def _of_one(variant: Variant) -> str:
    parts = [
        f"{_percentile(share)} {_with_interval(*variant.percentile(share))}" for share in SHARES
    ]
    counts = variant.counts
    counted = [f"{counts[name]:,} {name}" for name in ("pending", "lost", "duplicated")]
    return f"{', '.join(parts)}; of {counts['messages']:,} messages {', '.join(counted)}"


def _with_interval(value: float, low: float, high: float) -> str:
    if math.isnan(value):
        return "unknown (no message took effect)"
    if math.isnan(low):
        return f"{duration_text(value)} ({SHORT})"
    if high > _WIDEST * low:
        return f"{duration_text(value)} ({UNSTEADY})"
    return f"{duration_text(value)} ({duration_text(low)} to {duration_text(high)})"


def _times(ratio: Estimate) -> str:
    if math.isnan(ratio.value):
        return "not to be compared with"
    if math.isnan(ratio.low):
        return f"{ratio.value:.3g} times ({SHORT})"
    if ratio.high > _WIDEST * ratio.low:
        return f"{ratio.value:.3g} times ({UNSTEADY})"
    if np.isclose(ratio.low, ratio.high):
        return f"{ratio.value:.3g} times"
    return f"{ratio.value:.3g} times ({ratio.low:.3g} to {ratio.high:.3g})"


def _percentile(share: float) -> str:
    return f"p{100 * share:g}"


def title_of(picture: str, variants: Sequence[Variant]) -> str:
    """Return the title of a picture: what is to be seen, with its number."""
    tails = []
    for variant in variants:
        value = variant.percentile(0.99).value
        of = f" in {variant.name}" if len(variants) > 1 else ""
        tails.append(f"{'unknown' if math.isnan(value) else duration_text(value)}{of}")
    what = {"lag": "lag", "queue": "messages that wait"}.get(picture, "latency")
    return f"{variants[0].consumer}: {what}; 99 % take at most {', '.join(tails)}"

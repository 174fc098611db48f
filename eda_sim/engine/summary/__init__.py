"""Summaries: what a run says in constant memory, counted while its rows come and go.

A run that keeps every row needs some hundred bytes per message. With ``record="summary"`` rows that
nothing in the simulation refers to any more are handed over in batches, counted, and forgotten.

=================  ================================================================================
module             what it counts
=================  ================================================================================
``facts``          what has to be known before the first message
``batch``          which rows of a batch belong to which consumer, and what became of each message
``histogram``      durations, in log-linear buckets of at most 1/128 of their value
``bins``           what happens, what is there, and what is oldest, over time
``areas``          time spent, clipped to the run after the warm-up
``overtaking``     messages that took effect out of order
``samples``        the series, thinned out as it grows
``fold``           all of it: :class:`~eda_sim.engine.summary.fold.Summarizer`
``result``         what is left at the end: :class:`~eda_sim.engine.summary.result.Summary`
=================  ================================================================================

All counts are integers and all sums are exact, so the result does not depend on how rows were cut
into batches, to the byte.
"""

from eda_sim.engine.summary.facts import Facts, facts_of
from eda_sim.engine.summary.fold import Summarizer, summarize
from eda_sim.engine.summary.histogram import RELATIVE_ERROR, Histogram
from eda_sim.engine.summary.result import Summary

__all__ = [
    "RELATIVE_ERROR",
    "Facts",
    "Histogram",
    "Summarizer",
    "Summary",
    "facts_of",
    "summarize",
]

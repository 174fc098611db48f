"""Evidence: why a number from this package can be trusted, for anyone to see.

================  =================================================================================
module            what it holds
================  =================================================================================
``records``       numbers that somebody else found, and how close an answer must come
``families``      who answers them: a computation, a simulation, or a reason why not
``computed``      the computations
``simulated``     the simulations: scenarios and what is measured
``replications``  the runs that answer records
``verdicts``      what became of each record
``speed``         what the benchmarks found
``coverage``      how often the intervals of the analysis hold the truth
``asking``        single records, answered now
``page``          all of it, as Markdown
``notebook``      the page as a notebook, with cells that ask again
================  =================================================================================
"""

from eda_sim.evidence.asking import ask

__all__ = ["ask"]

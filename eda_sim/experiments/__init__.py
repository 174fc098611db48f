"""Experiments: many runs, and what they say together.

A run is one story, and chance wrote part of it. The functions here make many runs and answer with
an uncertainty.

==================  ===============================================================================
function            question
==================  ===============================================================================
``sweep``           what becomes of these numbers when these knobs are turned
``compare``         how different are two scenarios, chance set aside
``size``            how little is enough to meet an objective
``design``          which points tell the most about many knobs with few runs
==================  ===============================================================================

The words
---------
point
    One scenario of a sweep: the scenario with some values replaced.
replication
    A run of a point with random numbers of its own: same seed, another replication number. All
    points share them (common random numbers), so that two points differ by what was changed and
    not by luck.
executor
    Who makes the runs: this process, processes on this machine, or a cluster.
store
    A folder in which every finished run leaves a small file. A call that is repeated, after a crash
    or with more points, makes only the runs that are not there.
"""

from eda_sim.experiments.comparing import Comparison, compare
from eda_sim.experiments.designs import design
from eda_sim.experiments.running import ExperimentError
from eda_sim.experiments.sizing import Sizing, size
from eda_sim.experiments.sweeping import summarize, sweep

__all__ = [
    "Comparison",
    "ExperimentError",
    "Sizing",
    "compare",
    "design",
    "size",
    "summarize",
    "sweep",
]

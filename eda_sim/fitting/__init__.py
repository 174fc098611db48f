"""Input modelling: from measurements to the parts of a scenario, and to a whole one.

==================  ===============================================================================
module              subject
==================  ===============================================================================
``door``            ``es.fit``: numbers, timestamps or a log in, a fit out
``durations``       which distribution a sample comes from
``families``        the distributions that are tried, each by maximum likelihood
``hyperexponential``  the one that SciPy does not have
``uncertainty``     intervals of parameters
``goodness``        Kolmogorov-Smirnov and Anderson-Darling, by parametric bootstrap
``arrivals``        which process a trace comes from
``candidates``      the processes that are tried
``chance``          is it Poisson: four tests
``bursts``          a rate that jumps between two values, by maximum likelihood
``plans``           a rate that changes at a few moments
``systems``         a scenario from a log
``workers``         how many handled it, and how long messages took to a free one
``logs``            CSV, Parquet and tables, with moments (``moments``) in units or ISO 8601
``opentelemetry``   spans of producers and consumers
``loads``           the same scenario with more arrivals
==================  ===============================================================================

Nothing here simulates: whether a fitted scenario behaves as the log does is seen by running it.
"""

from eda_sim.fitting.arrivals import ArrivalFit, fit_arrivals
from eda_sim.fitting.door import fit
from eda_sim.fitting.durations import DistributionFit, fit_durations
from eda_sim.fitting.errors import FitError
from eda_sim.fitting.loads import at_load
from eda_sim.fitting.logs import read_log
from eda_sim.fitting.systems import ScenarioFit, fit_system

__all__ = [
    "ArrivalFit",
    "DistributionFit",
    "FitError",
    "ScenarioFit",
    "at_load",
    "fit",
    "fit_arrivals",
    "fit_durations",
    "fit_system",
    "read_log",
]

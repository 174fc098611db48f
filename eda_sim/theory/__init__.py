"""Closed forms of queueing theory: what a simulation must agree with where theory knows the answer.

The words
---------
arrival rate, service rate
    Messages per second that come, and that one server can finish. All times are in seconds.
offered load
    Arrival rate times mean service time: the mean number of servers that would be busy if there
    were enough of them (in erlangs).
utilization (rho)
    The share of time that a server is busy. A queue without a bound needs rho < 1; otherwise it
    grows for ever, and the functions here raise :class:`UnstableQueueError`.
wait, sojourn
    From arrival to the start of service; from arrival to its end. Sojourn = wait + service.
queue length, number
    Messages that wait; messages that wait or are served. By Little's law, the first is the arrival
    rate times the mean wait, the second the arrival rate times the mean sojourn.
scv
    Squared coefficient of variation, variance / mean**2: 0 for constant, 1 for exponential times.
A/S/c/K
    Kendall's notation: arrivals / service / servers / places. M is exponential ("Markov"), D
    constant ("deterministic"), G any law, GI any law of independent intervals, M^[X] batches.

All results are of the steady state, first come first served. Functions take keyword arguments only
and return a :class:`SteadyState`, a number, or another small frozen object.

References
----------
"Gross & Harris" is D. Gross, J. F. Shortle, J. M. Thompson, C. M. Harris, "Fundamentals of Queueing
Theory", 4th ed. (2008); "Kleinrock" is L. Kleinrock, "Queueing Systems", volume I (1975).

Examples
--------
>>> from eda_sim import theory
>>> queue = theory.mmc(arrival_rate=90, service_rate=30, servers=4)
>>> f"{queue.utilization:.2f} {queue.mean_wait * 1e3:.2f} ms"
'0.75 16.98 ms'
"""

from __future__ import annotations

from eda_sim.theory.approximations import (
    allen_cunneen,
    kingman,
    kingman_bound,
    kraemer_langenbach_belz,
)
from eda_sim.theory.constant_service import md1, mdc
from eda_sim.theory.general import busy_period, mg1
from eda_sim.theory.markov import erlang_b, erlang_c, mm1, mmc, mmck, mxm1
from eda_sim.theory.networks import littles_law, tandem
from eda_sim.theory.renewal_arrivals import gim1, gimc
from eda_sim.theory.steady_state import BusyPeriod, SteadyState, UnstableQueueError
from eda_sim.theory.transforms import (
    deterministic_transform,
    erlang_transform,
    exponential_transform,
    hyperexponential_transform,
)

__all__ = [
    "BusyPeriod",
    "SteadyState",
    "UnstableQueueError",
    "allen_cunneen",
    "busy_period",
    "deterministic_transform",
    "erlang_b",
    "erlang_c",
    "erlang_transform",
    "exponential_transform",
    "gim1",
    "gimc",
    "hyperexponential_transform",
    "kingman",
    "kingman_bound",
    "kraemer_langenbach_belz",
    "littles_law",
    "md1",
    "mdc",
    "mg1",
    "mm1",
    "mmc",
    "mmck",
    "mxm1",
    "tandem",
]

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

Unless a function says otherwise, results are of the steady state, first come first served. All
functions take keyword arguments only and return a :class:`SteadyState`, a number, or a small frozen
object.

=====================  ============================================================================
module                 question
=====================  ============================================================================
``markov``             exponential times: M/M/1, M/M/c, M/M/c/K, batches, Erlang B and C
``general``            any service time: M/G/1
``constant_service``   M/D/1, M/D/c
``renewal_arrivals``   any intervals: GI/M/1, GI/M/c
``matrix_geometric``   phases: MMPP/M/1, E_k/E_m/c
``approximations``     general intervals and services: Kingman and others
``bulk_service``       a consumer that takes batches
``priorities``         classes of messages, with and without preemption
``breakdowns``         servers that fail and are repaired
``impatience``         messages that expire while they wait: Erlang-A
``retries``            failures that are tried again, backoff, lost acknowledgements
``networks``           queues in a row; Little's law
``routing``            Jackson networks; joining the shortest of a few queues
``fan_out``            all or enough of several answers; fork-join
``transient``          before the steady state; Lindley's recursion
``keys``               Zipf's law, hot partitions, compaction
``duplicates``         visibility timeouts, deduplication windows, caches, Bloom filters
``staleness``          projections and replicas that are behind
``quorums``            partial quorums (PBS), exactly
``event_sourcing``     replays, snapshots, checkpoints
``outages``            backlog and drain; rebuilding a projection
``availability``       chains, quorums, time to failure
``sampling``           how much averages of simulated output vary
=====================  ============================================================================

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
from eda_sim.theory.availability import (
    availability_at,
    chain_availability,
    quorum_availability,
    quorum_time_to_failure,
    steady_availability,
)
from eda_sim.theory.breakdowns import (
    Moments,
    completion_with_restart,
    completion_with_resume,
    md1_with_restarts,
    mg1_with_breakdowns,
)
from eda_sim.theory.bulk_service import BulkService, bulk_service
from eda_sim.theory.constant_service import md1, mdc
from eda_sim.theory.duplicates import (
    bloom_false_positives,
    deliveries_per_message,
    late_share,
    remembered_share,
    work_with_kills,
)
from eda_sim.theory.event_sourcing import (
    SnapshotPlan,
    checkpoint_interval,
    events_replayed,
    events_replayed_geometric,
    events_replayed_timed,
    snapshot_plan,
)
from eda_sim.theory.fan_out import (
    fork_join_mean,
    quorum_of_exponentials_mean,
    slowest_of_exponentials_mean,
    slowest_of_exponentials_quantile,
)
from eda_sim.theory.general import busy_period, mg1
from eda_sim.theory.impatience import erlang_a
from eda_sim.theory.keys import compacted_records, distinct_of_draws, hottest_partition, zipf_shares
from eda_sim.theory.laws import Law
from eda_sim.theory.markov import erlang_b, erlang_c, mm1, mmc, mmck, mxm1
from eda_sim.theory.matrix_geometric import ekemc, mmpp_m1
from eda_sim.theory.networks import littles_law, tandem
from eda_sim.theory.outages import Drain, catch_up_time, outage
from eda_sim.theory.priorities import mg1_priorities, mmc_priorities
from eda_sim.theory.quorums import Leg, Quorum, monotonic_read_violation, quorum_read_is_recent
from eda_sim.theory.renewal_arrivals import gim1, gimc
from eda_sim.theory.retries import (
    backoff_expected,
    backoff_total,
    executions_per_message,
    mm1_retrial,
    mm1_with_retries,
    success_probability,
)
from eda_sim.theory.routing import (
    Network,
    jackson,
    shortest_of_choices_mean,
    shortest_of_choices_tail,
)
from eda_sim.theory.sampling import (
    ar1_correlation_of_batches,
    ar1_variance_of_mean,
    mm1_number_asymptotic_variance,
    mm1_wait_asymptotic_variance,
)
from eda_sim.theory.service_laws import constant_law, exponential_law, lognormal_law
from eda_sim.theory.staleness import (
    age_of_oldest_mean,
    age_of_oldest_tail,
    inconsistency_window,
    key_staleness,
    some_replica_stale,
    versions_behind_tail,
)
from eda_sim.theory.steady_state import BusyPeriod, SteadyState, UnstableQueueError
from eda_sim.theory.transforms import (
    deterministic_transform,
    erlang_transform,
    exponential_transform,
    hyperexponential_transform,
)
from eda_sim.theory.transient import lindley_waits, mm1_mean_number_at, mm1_mean_wait_of_first

__all__ = [
    "BulkService",
    "BusyPeriod",
    "Drain",
    "Law",
    "Leg",
    "Moments",
    "Network",
    "Quorum",
    "SnapshotPlan",
    "SteadyState",
    "UnstableQueueError",
    "age_of_oldest_mean",
    "age_of_oldest_tail",
    "allen_cunneen",
    "ar1_correlation_of_batches",
    "ar1_variance_of_mean",
    "availability_at",
    "backoff_expected",
    "backoff_total",
    "bloom_false_positives",
    "bulk_service",
    "busy_period",
    "catch_up_time",
    "chain_availability",
    "checkpoint_interval",
    "compacted_records",
    "completion_with_restart",
    "completion_with_resume",
    "constant_law",
    "deliveries_per_message",
    "deterministic_transform",
    "distinct_of_draws",
    "ekemc",
    "erlang_a",
    "erlang_b",
    "erlang_c",
    "erlang_transform",
    "events_replayed",
    "events_replayed_geometric",
    "events_replayed_timed",
    "executions_per_message",
    "exponential_law",
    "exponential_transform",
    "fork_join_mean",
    "gim1",
    "gimc",
    "hottest_partition",
    "hyperexponential_transform",
    "inconsistency_window",
    "jackson",
    "key_staleness",
    "kingman",
    "kingman_bound",
    "kraemer_langenbach_belz",
    "late_share",
    "lindley_waits",
    "littles_law",
    "lognormal_law",
    "md1",
    "md1_with_restarts",
    "mdc",
    "mg1",
    "mg1_priorities",
    "mg1_with_breakdowns",
    "mm1",
    "mm1_mean_number_at",
    "mm1_mean_wait_of_first",
    "mm1_number_asymptotic_variance",
    "mm1_retrial",
    "mm1_wait_asymptotic_variance",
    "mm1_with_retries",
    "mmc",
    "mmc_priorities",
    "mmck",
    "mmpp_m1",
    "monotonic_read_violation",
    "mxm1",
    "outage",
    "quorum_availability",
    "quorum_of_exponentials_mean",
    "quorum_read_is_recent",
    "quorum_time_to_failure",
    "remembered_share",
    "shortest_of_choices_mean",
    "shortest_of_choices_tail",
    "slowest_of_exponentials_mean",
    "slowest_of_exponentials_quantile",
    "snapshot_plan",
    "some_replica_stale",
    "steady_availability",
    "success_probability",
    "tandem",
    "versions_behind_tail",
    "work_with_kills",
    "zipf_shares",
]

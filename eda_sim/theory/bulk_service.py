"""A server that takes several messages at once: a consumer that works on batches."""

from __future__ import annotations

from dataclasses import dataclass

from eda_sim.theory.steady_state import check_count, check_positive, check_stable


@dataclass(frozen=True, kw_only=True)
class BulkService:
    """A queue whose server takes batches, in the long run.

    Attributes
    ----------
    model : str
        Name of the queue.
    utilization : float
        Share of time that the server is busy with a batch of any size.
    mean_wait : float
        In seconds, from arrival to the start of the batch.
    mean_sojourn : float
        In seconds, from arrival to the end of the batch.
    mean_queue_length : float
        Messages that wait.
    mean_batch : float
        Messages per batch.
    """

    model: str
    utilization: float
    mean_wait: float
    mean_sojourn: float
    mean_queue_length: float
    mean_batch: float


def bulk_service(
    *, arrival_rate: float, batch_service_rate: float, largest_batch: int
) -> BulkService:
    """Return the steady state of M/M^[1,K]/1: the free server takes all that wait, at most K.

    Messages that arrive while a batch is worked on wait for the next one, also if there were room.

    Parameters
    ----------
    arrival_rate : float
        Messages per second.
    batch_service_rate : float
        Batches per second that the server can finish, whatever their size.
    largest_batch : int
        Messages that a batch holds at most (K).

    Returns
    -------
    BulkService

    Raises
    ------
    UnstableQueueError
        If the arrival rate is not below K times the service rate.

    References
    ----------
    N. T. J. Bailey, "On queueing processes with bulk service", JRSS B 16 (1954) 80-87; Gross &
    Harris, section 3.2.2. While the server is busy, the number that waits is geometric with the
    root r in (0, 1) of mu r**(K + 1) - (lambda + mu) r + lambda = 0.

    Examples
    --------
    >>> queue = bulk_service(arrival_rate=8, batch_service_rate=1, largest_batch=10)
    >>> round(queue.mean_wait, 6), round(queue.mean_batch, 6)
    (2.907362, 8.04102)
    """
    from scipy.optimize import brentq

    arrivals = check_positive("arrival_rate", arrival_rate)
    rate = check_positive("batch_service_rate", batch_service_rate)
    largest = check_count("largest_batch", largest_batch)
    load = check_stable(f"M/M^[1,{largest}]/1", arrivals / (largest * rate)) * largest

    def excess(root: float) -> float:
        # The equation divided by (1 - r), which takes the root at 1 away: r + ... + r**K = load.
        return float(sum(root**power for power in range(1, largest + 1)) - load)

    root = float(brentq(excess, 0.0, 1.0, xtol=1e-300, rtol=1e-14, maxiter=500))
    # p(busy, n wait) = first * root**n, and arrivals at an idle server balance p(busy, 0).
    first = 1.0 / (1.0 / (1.0 - root) + 1.0 / load)
    busy = first / (1.0 - root)
    queue_length = first * root / (1.0 - root) ** 2
    return BulkService(
        model=f"M/M^[1,{largest}]/1",
        utilization=busy,
        mean_wait=queue_length / arrivals,
        mean_sojourn=queue_length / arrivals + 1.0 / rate,
        mean_queue_length=queue_length,
        mean_batch=load / busy,
    )

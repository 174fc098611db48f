"""How much averages of simulated output vary: what an interval has to allow for."""

from __future__ import annotations

import math

from eda_sim.theory.steady_state import check_count, check_positive, check_stable


def ar1_variance_of_mean(*, correlation: float, length: int) -> float:
    """Return the variance of the mean of a stationary AR(1) series with noise of variance 1.

    Parameters
    ----------
    correlation : float
        Of neighbours (phi), between -1 and 1: x' = phi x + noise.
    length : int
        Observations that are averaged.

    Returns
    -------
    float

    References
    ----------
    A. M. Law, "Simulation Modeling and Analysis", 5th ed. (2015), equation 4.7: the mean of a
    series has variance (1 + 2 sum (1 - j / n) rho_j) var / n, here with rho_j = phi**j.

    Examples
    --------
    >>> round(ar1_variance_of_mean(correlation=0.8, length=100), 6)
    0.238889
    """
    phi = _correlation(correlation)
    count = check_count("length", length)
    one = 1.0 / (1.0 - phi**2)
    later = phi / (1.0 - phi) - phi * (1.0 - phi**count) / (count * (1.0 - phi) ** 2)
    return one / count * (1.0 + 2.0 * later)


def ar1_correlation_of_batches(*, correlation: float, batch: int) -> float:
    """Return the correlation of the means of neighbouring batches of an AR(1) series.

    Parameters
    ----------
    correlation : float
        Of neighbouring observations, between -1 and 1.
    batch : int
        Observations per batch.

    Returns
    -------
    float

    References
    ----------
    The sum of all phi**|i - j| with i in one batch and j in the next is
    phi ((1 - phi**b) / (1 - phi))**2, over the same sum within one batch.

    Examples
    --------
    >>> round(ar1_correlation_of_batches(correlation=0.8, batch=50), 6)
    0.048779
    """
    phi = _correlation(correlation)
    size = check_count("batch", batch)
    between = phi * ((1.0 - phi**size) / (1.0 - phi)) ** 2
    within = ar1_variance_of_mean(correlation=phi, length=size) * (1.0 - phi**2) * size**2
    return between / within


def mm1_number_asymptotic_variance(*, arrival_rate: float, service_rate: float) -> float:
    """Return how fast the time average of the number in an M/M/1 settles.

    Parameters
    ----------
    arrival_rate, service_rate : float
        Messages per second.

    Returns
    -------
    float
        In seconds: the limit of T times the variance of the average over a time T.

    Raises
    ------
    UnstableQueueError
        If the arrival rate is not below the service rate.

    References
    ----------
    W. Whitt, "Planning queueing simulations", Management Science 35 (1989) 1341-1366:
    2 rho (1 + rho) / (mu (1 - rho)**4).

    Examples
    --------
    >>> mm1_number_asymptotic_variance(arrival_rate=0.5, service_rate=1)
    24.0
    """
    rate = check_positive("service_rate", service_rate)
    rho = check_stable("M/M/1", check_positive("arrival_rate", arrival_rate) / rate)
    return 2.0 * rho * (1.0 + rho) / (rate * (1.0 - rho) ** 4)


def mm1_wait_asymptotic_variance(*, arrival_rate: float, service_rate: float) -> float:
    """Return how fast the average wait of the messages of an M/M/1 settles.

    Parameters
    ----------
    arrival_rate, service_rate : float
        Messages per second.

    Returns
    -------
    float
        In seconds squared: the limit of n times the variance of the average of n waits.

    Raises
    ------
    UnstableQueueError
        If the arrival rate is not below the service rate.

    References
    ----------
    N. Blomqvist, "The covariance function of the M/G/1 queuing system", Skandinavisk
    Aktuarietidskrift 50 (1967) 157-174; D. J. Daley, "The serial correlation coefficients of
    waiting times in a stationary single server queue", Journal of the Australian Mathematical
    Society 8 (1968) 683-699: rho (2 + 5 rho - 4 rho**2 + rho**3) / (mu**2 (1 - rho)**4).

    Examples
    --------
    >>> round(mm1_wait_asymptotic_variance(arrival_rate=0.8, service_rate=1), 6)
    1976.0
    """
    rate = check_positive("service_rate", service_rate)
    rho = check_stable("M/M/1", check_positive("arrival_rate", arrival_rate) / rate)
    polynomial = 2.0 + 5.0 * rho - 4.0 * rho**2 + rho**3
    return rho * polynomial / (rate**2 * (1.0 - rho) ** 4)


def _correlation(value: float) -> float:
    if not -1.0 < value < 1.0 or math.isnan(value):
        message = f"correlation is {value}: must be between -1 and 1"
        raise ValueError(message)
    return float(value)

"""What the closed forms return, what they refuse, and the checks that all of them share."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TypeVar

from eda_sim.theory.laws import CountLaw, Law

_Known = TypeVar("_Known")


class UnstableQueueError(ValueError):
    """More work arrives than can be done: the queue grows for ever, there is no steady state.

    Parameters
    ----------
    model : str
        Name of the queue, as ``"M/M/1"``.
    rho : float
        Work that arrives per second over work that can be done per second.

    Attributes
    ----------
    model, rho
        As given.

    Examples
    --------
    >>> str(UnstableQueueError("M/M/1", 1.25))
    'M/M/1 has no steady state: rho = 1.25, must be below 1'
    """

    def __init__(self, model: str, rho: float) -> None:
        super().__init__(f"{model} has no steady state: rho = {rho:.6g}, must be below 1")
        self.model = model
        self.rho = rho

    def __reduce__(self) -> tuple[type[UnstableQueueError], tuple[str, float]]:
        return type(self), (self.model, self.rho)


@dataclass(frozen=True, kw_only=True)
class BusyPeriod:
    """The time from the arrival at an idle server until it is idle again.

    Attributes
    ----------
    mean : float
        In seconds.
    variance : float
        In seconds squared.
    """

    mean: float
    variance: float


@dataclass(frozen=True, kw_only=True)
class SteadyState:
    """A queue in the long run.

    Attributes
    ----------
    model : str
        Name of the queue, as ``"M/M/4"``.
    utilization : float
        Share of time that a server is busy.
    mean_wait, mean_sojourn : float
        In seconds; of messages that are accepted.
    mean_queue_length, mean_number : float
        Messages waiting; messages waiting or served.
    probability_of_waiting : float
        That an accepted message must wait; nan where the model does not say.
    probability_of_loss : float
        That an arrival finds no place; 0 in a queue without a bound.
    variance_of_wait : float
        In seconds squared; nan where the model does not say.
    wait_law, sojourn_law, number_law : object or None
        The distributions that the methods ask, where they are known.
    """

    model: str
    utilization: float
    mean_wait: float
    mean_sojourn: float
    mean_queue_length: float
    mean_number: float
    probability_of_waiting: float = math.nan
    probability_of_loss: float = 0.0
    variance_of_wait: float = math.nan
    wait_law: Law | None = field(default=None, repr=False)
    sojourn_law: Law | None = field(default=None, repr=False)
    number_law: CountLaw | None = field(default=None, repr=False)

    def wait_quantile(self, q: float) -> float:
        """Return the time that a share q of the messages does not wait longer than.

        Parameters
        ----------
        q : float
            0 <= q < 1.

        Returns
        -------
        float
            In seconds.

        Raises
        ------
        ValueError
            If q is out of bounds, or the model has no known distribution of the wait.

        Examples
        --------
        >>> from eda_sim.theory import mm1
        >>> round(mm1(arrival_rate=0.8, service_rate=1).wait_quantile(0.99), 6)
        21.910133
        """
        return self._known(self.wait_law, "wait").quantile(check_share("q", q))

    def sojourn_quantile(self, q: float) -> float:
        """Return the time that a share q of the messages is not longer in the system than.

        Parameters
        ----------
        q : float
            0 <= q < 1.

        Returns
        -------
        float
            In seconds.

        Raises
        ------
        ValueError
            If q is out of bounds, or the model has no known distribution of the sojourn.

        Examples
        --------
        >>> from eda_sim.theory import mm1
        >>> round(mm1(arrival_rate=0.8, service_rate=1).sojourn_quantile(0.99), 6)
        23.025851
        """
        return self._known(self.sojourn_law, "sojourn").quantile(check_share("q", q))

    def wait_tail(self, time: float) -> float:
        """Return the probability to wait longer than a time.

        Parameters
        ----------
        time : float
            In seconds.

        Returns
        -------
        float
            P(wait > time).

        Raises
        ------
        ValueError
            If the model has no known distribution of the wait.

        Examples
        --------
        >>> from eda_sim.theory import mm1
        >>> round(mm1(arrival_rate=0.8, service_rate=1).wait_tail(5), 6)
        0.294304
        """
        return self._known(self.wait_law, "wait").tail(time)

    def sojourn_tail(self, time: float) -> float:
        """Return the probability to be in the system for longer than a time.

        Parameters
        ----------
        time : float
            In seconds.

        Returns
        -------
        float
            P(sojourn > time).

        Raises
        ------
        ValueError
            If the model has no known distribution of the sojourn.

        Examples
        --------
        >>> from eda_sim.theory import mm1
        >>> round(mm1(arrival_rate=0.8, service_rate=1).sojourn_tail(5), 6)
        0.367879
        """
        return self._known(self.sojourn_law, "sojourn").tail(time)

    def number_probability(self, n: int) -> float:
        """Return the probability of n messages in the system at a random moment.

        Parameters
        ----------
        n : int
            At least 0.

        Returns
        -------
        float
            P(N = n).

        Raises
        ------
        ValueError
            If n is negative, or the model has no known distribution of the number.

        Examples
        --------
        >>> from eda_sim.theory import mm1
        >>> round(mm1(arrival_rate=0.8, service_rate=1).number_probability(0), 6)
        0.2
        """
        if n < 0:
            message = f"n is {n}: must be at least 0"
            raise ValueError(message)
        return self._known(self.number_law, "number").probability(n)

    def _known(self, law: _Known | None, what: str) -> _Known:
        if law is None:
            message = f"no closed form of the distribution of the {what} is known for {self.model}"
            raise ValueError(message)
        return law


def check_positive(name: str, value: float) -> float:
    """Return the value as a float if it is a positive finite number."""
    if not 0.0 < value < math.inf:
        message = f"{name} is {value}: must be a positive finite number"
        raise ValueError(message)
    return float(value)


def check_not_negative(name: str, value: float) -> float:
    """Return the value as a float if it is a finite number of at least 0."""
    if not 0.0 <= value < math.inf:
        message = f"{name} is {value}: must be a finite number of at least 0"
        raise ValueError(message)
    return float(value)


def check_count(name: str, value: int, at_least: int = 1) -> int:
    """Return the value as an int if it is a whole number that is large enough."""
    if value != math.floor(value) or value < at_least:
        message = f"{name} is {value}: must be a whole number of at least {at_least}"
        raise ValueError(message)
    return int(value)


def check_share(name: str, value: float) -> float:
    """Return the value as a float if it is in [0, 1)."""
    if not 0.0 <= value < 1.0:
        message = f"{name} is {value}: must be at least 0 and below 1"
        raise ValueError(message)
    return float(value)


def check_stable(model: str, rho: float) -> float:
    """Return rho if the queue has a steady state."""
    if rho >= 1.0:
        raise UnstableQueueError(model, rho)
    return rho


def from_mean_wait(
    *,
    model: str,
    arrival_rate: float,
    mean_service: float,
    utilization: float,
    mean_wait: float,
    probability_of_waiting: float = math.nan,
    variance_of_wait: float = math.nan,
    wait_law: Law | None = None,
    sojourn_law: Law | None = None,
    number_law: CountLaw | None = None,
) -> SteadyState:
    """Return the steady state of a queue without loss: the mean wait decides the other means."""
    mean_sojourn = mean_wait + mean_service
    return SteadyState(
        model=model,
        utilization=utilization,
        mean_wait=mean_wait,
        mean_sojourn=mean_sojourn,
        mean_queue_length=arrival_rate * mean_wait,
        mean_number=arrival_rate * mean_sojourn,
        probability_of_waiting=probability_of_waiting,
        variance_of_wait=variance_of_wait,
        wait_law=wait_law,
        sojourn_law=sojourn_law,
        number_law=number_law,
    )

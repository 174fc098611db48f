"""Queues whose arrivals or services have phases, by Neuts' matrix-geometric method.

The words
---------
level, phase
    The number of messages, and all else that the future depends on: how fast messages come just
    now, how far the next interval and the services have got.
rate matrix
    From some level on, the probabilities of one level are those of the level below times one
    matrix R. Its powers add up like a geometric series.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from eda_sim.theory.steady_state import (
    SteadyState,
    check_count,
    check_positive,
    check_stable,
    from_mean_wait,
)

Matrix = npt.NDArray[np.floating]


class _Levels(NamedTuple):
    """Rates between phases: ``up``, ``down`` and ``within`` of levels 0, 1, ... (off-diagonal).

    The last of each holds for all higher levels. ``down[n]`` leads from level n + 1 to level n.
    """

    up: list[Matrix]
    within: list[Matrix]
    down: list[Matrix]


def mmpp_m1(
    *, arrival_rates: tuple[float, float], switch_rates: tuple[float, float], service_rate: float
) -> SteadyState:
    """Return the steady state of MMPP(2)/M/1: arrivals that change between two rates.

    Parameters
    ----------
    arrival_rates : (float, float)
        Messages per second in the first and in the second phase; one may be 0.
    switch_rates : (float, float)
        1 / mean duration of the first and of the second phase, which are exponential.
    service_rate : float
        Messages per second that the server can finish.

    Returns
    -------
    SteadyState
        Means, and the probability that an arrival waits.

    Raises
    ------
    UnstableQueueError
        If the mean arrival rate is not below the service rate. One of the two may be above it.

    References
    ----------
    M. F. Neuts, "Matrix-Geometric Solutions in Stochastic Models" (1981), chapter 6; W. Fischer, K.
    Meier-Hellstern, "The Markov-modulated Poisson process (MMPP) cookbook", Performance Evaluation
    18 (1993) 149-171.

    Examples
    --------
    >>> queue = mmpp_m1(arrival_rates=(0.2, 1.4), switch_rates=(0.1, 0.1), service_rate=1)
    >>> round(queue.mean_sojourn, 6)
    13.728493
    """
    slow, fast = (float(rate) for rate in arrival_rates)
    if min(slow, fast) < 0.0 or max(slow, fast) <= 0.0:
        message = f"arrival_rates is {arrival_rates}: neither below 0, and one above 0"
        raise ValueError(message)
    first, second = (check_positive("switch_rates", rate) for rate in switch_rates)
    capacity = check_positive("service_rate", service_rate)
    mean_rate = (slow * second + fast * first) / (first + second)
    rho = check_stable("MMPP(2)/M/1", mean_rate / capacity)
    arrive = np.diag([slow, fast])
    switch = np.array([[0.0, first], [second, 0.0]])
    levels = _Levels([arrive], [switch], [capacity * np.eye(2)])
    boundary, geometric = _solve(levels)
    queue_length = _mean_above(geometric, boundary[-1])
    empty = boundary[0]
    return from_mean_wait(
        model="MMPP(2)/M/1",
        arrival_rate=mean_rate,
        mean_service=1.0 / capacity,
        utilization=rho,
        # The one server is level 1, so what is above level 1 waits.
        mean_wait=(queue_length - rho) / mean_rate,
        probability_of_waiting=1.0 - float(empty @ arrive.sum(axis=1)) / mean_rate,
    )


def ekemc(
    *,
    arrival_rate: float,
    mean_service: float,
    servers: int,
    arrival_stages: int = 1,
    service_stages: int = 1,
) -> SteadyState:
    """Return the steady state of E_k/E_m/c: Erlang intervals and services, several servers.

    Parameters
    ----------
    arrival_rate : float
        Messages per second.
    mean_service : float
        In seconds.
    servers : int
        At least 1. Work and memory grow fast with servers and service stages.
    arrival_stages, service_stages : int
        Stages of the Erlang laws; 1 is exponential, many are nearly constant.

    Returns
    -------
    SteadyState
        Means, exact but for rounding.

    Raises
    ------
    UnstableQueueError
        If the arrival rate is not below servers / mean_service.
    ValueError
        If there are more than 1500 phases.

    References
    ----------
    Neuts (1981), chapters 1 and 5, by the rate matrix; F. S. Hillier, O. S. Yu, "Queueing Tables
    and Graphs" (1981) and L. P. Seelen, H. C. Tijms, M. H. van Hoorn, "Tables for Multi-server
    Queues" (1985) tabulate these queues.

    Examples
    --------
    >>> queue = ekemc(
    ...     arrival_rate=1.6, mean_service=1, servers=2, arrival_stages=2, service_stages=2
    ... )
    >>> round(queue.mean_wait, 6)
    0.812701
    """
    arrivals = check_positive("arrival_rate", arrival_rate)
    service = check_positive("mean_service", mean_service)
    count = check_count("servers", servers)
    early = check_count("arrival_stages", arrival_stages)
    late = check_count("service_stages", service_stages)
    model = f"E{early}/E{late}/{count}"
    rho = check_stable(model, arrivals * service / count)
    states = [_occupancies(busy, late) for busy in range(count + 1)]
    phases = early * len(states[-1])
    if phases > 1500:
        message = f"servers and stages of {model} make {phases} phases: must be at most 1500"
        raise ValueError(message)
    levels = _erlang_levels(states, early, arrivals * early, late / service)
    boundary, geometric = _solve(levels)
    queue_length = _mean_above(geometric, boundary[-1] @ geometric)
    return from_mean_wait(
        model=model,
        arrival_rate=arrivals,
        mean_service=service,
        utilization=rho,
        mean_wait=queue_length / arrivals,
    )


def _occupancies(busy: int, stages: int) -> list[tuple[int, ...]]:
    """Return all ways to spread busy servers over the stages of their service."""
    if stages == 1:
        return [(busy,)]
    return [
        (first, *rest)
        for first in range(busy, -1, -1)
        for rest in _occupancies(busy - first, stages - 1)
    ]


def _erlang_levels(
    states: list[list[tuple[int, ...]]], early: int, arrival: float, service: float
) -> _Levels:
    """Return the rates of E_k/E_m/c up to the level at which all servers are busy."""
    count, late = len(states) - 1, len(states[0][0])
    next_stage = np.diag(np.full(early - 1, arrival), 1) if early > 1 else np.zeros((1, 1))
    arrives = np.zeros((early, early))
    arrives[early - 1, 0] = arrival
    stay = np.eye(early)
    up, within, down = [], [], []
    for busy in range(count + 1):
        own = {state: place for place, state in enumerate(states[busy])}
        above = {state: place for place, state in enumerate(states[min(busy + 1, count)])}
        begin = np.zeros((len(own), len(above)))
        advance = np.zeros((len(own), len(own)))
        finish = np.zeros((len(above), len(own)))
        for state, place in own.items():
            started = (state[0] + 1, *state[1:]) if busy < count else state
            begin[place, above[started]] = 1.0
            for stage in range(late - 1):
                if state[stage]:
                    advance[place, own[_moved(state, stage, stage + 1)]] = state[stage] * service
        for state, place in above.items():
            if not state[-1]:
                continue
            left = (*state[:-1], state[-1] - 1)
            if busy == count:  # the freed server takes the next message at once
                left = (left[0] + 1, *left[1:])
            finish[place, own[left]] = state[-1] * service
        up.append(np.kron(arrives, begin))
        within.append(np.kron(next_stage, np.eye(len(own))) + np.kron(stay, advance))
        down.append(np.kron(stay, finish))
    return _Levels(up, within, down)


def _moved(state: tuple[int, ...], source: int, target: int) -> tuple[int, ...]:
    moved = list(state)
    moved[source] -= 1
    moved[target] += 1
    return tuple(moved)


def _solve(levels: _Levels) -> tuple[list[Matrix], Matrix]:
    """Return the probabilities of the levels that differ, and the rate matrix above the last."""
    up, within, down = levels
    last = len(up) - 1
    out = [
        up[n].sum(axis=1)
        + within[n].sum(axis=1)
        + (down[n - 1].sum(axis=1) if n else np.zeros(len(up[n])))
        for n in range(last + 1)
    ]
    # The one level of a queue with no boundary of its own is repeated as the first that repeats.
    if last == 0:
        out.append(out[0] + down[0].sum(axis=1))
        up, within, down = 2 * up, 2 * within, 2 * down
        last = 1
    local = [within[n] - np.diag(out[n]) for n in range(last + 1)]
    geometric = _rate_matrix(up[last], local[last], down[last])
    # From the top down: each level's probabilities are those of the level below times a matrix.
    ratios: list[Matrix] = []
    effective = local[last] + geometric @ down[last]
    for n in range(last, 0, -1):
        ratio = np.linalg.solve(-effective.T, up[n - 1].T).T
        ratios.insert(0, ratio)
        effective = local[n - 1] + ratio @ down[n - 1]
    start = _null_vector(effective)
    boundary = [start]
    for ratio in ratios:
        boundary.append(boundary[-1] @ ratio)
    rest = np.linalg.solve(np.eye(len(geometric)) - geometric.T, boundary[-1])
    total = sum(level.sum() for level in boundary[:-1]) + rest.sum()
    return [level / total for level in boundary], geometric


def _null_vector(generator: Matrix) -> Matrix:
    """Return the row vector that a matrix takes to zero, with sum 1."""
    size = len(generator)
    system = np.vstack([generator.T, np.ones(size)])
    right = np.zeros(size + 1)
    right[-1] = 1.0
    return np.asarray(np.linalg.lstsq(system, right, rcond=None)[0])


def _rate_matrix(up: Matrix, local: Matrix, down: Matrix) -> Matrix:
    """Return R by logarithmic reduction: each step doubles the levels that it looks ahead.

    G. Latouche, V. Ramaswami, "A logarithmic reduction algorithm for quasi-birth-death processes",
    Journal of Applied Probability 30 (1993) 650-674.
    """
    size = len(local)
    eye = np.eye(size)
    rise, fall = np.linalg.solve(-local, up), np.linalg.solve(-local, down)
    reach, path = fall.copy(), rise.copy()
    for _ in range(64):
        both = rise @ fall + fall @ rise
        rise, fall = (np.linalg.solve(eye - both, each @ each) for each in (rise, fall))
        step = path @ fall
        reach += step
        path = path @ rise
        if float(np.abs(step).max()) < 1e-16:
            break
    return np.asarray(np.linalg.solve(-(local + up @ reach).T, up.T).T)


def _mean_above(geometric: Matrix, first: Matrix) -> float:
    """Return the sum of k times the probability of the k-th level of a geometric row, k >= 1."""
    gap = np.eye(len(geometric)) - geometric
    return float(np.linalg.solve(gap.T, np.linalg.solve(gap.T, first)).sum())

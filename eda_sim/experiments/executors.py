"""Executors: who makes the runs.

==================  ===============================================================================
argument            meaning
==================  ===============================================================================
None                this process while the work is short, else one process per core
a number            so many processes on this machine; 1 is this process alone
a Dask ``Client``   the workers of a cluster
another pool        anything with the ``submit`` of :mod:`concurrent.futures`
==================  ===============================================================================

Starting worker processes costs about as much as two seconds of simulation, because each of them
imports NumPy, pandas and Numba. So without an argument the first runs are made here, and processes
are started when what is left would take longer than that. joblib keeps them for five minutes: the
next sweep finds them warm.

Threads would start at once, but tables and statistics hold Python's lock, and so does the reference
engine: two threads make as many runs per second as one. Who has a reason hands in a
``ThreadPoolExecutor``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, as_completed
from typing import Any, Protocol, TypeVar

from eda_sim.spec.errors import shown

Task = TypeVar("Task")
Result = TypeVar("Result")

WORTH_STARTING_S = 2.0
"""Seconds of work that processes must find to be worth their start."""


class Pool(Protocol):
    """What can be handed work: a pool of :mod:`concurrent.futures`."""

    def submit(self, function: Callable[..., Any], /, *arguments: Any) -> Future[Any]:
        """Begin ``function(*arguments)`` somewhere."""


class Cluster(Protocol):
    """What can make itself a pool: a Dask ``Client``."""

    def get_executor(self, **options: Any) -> Any:
        """Return a pool of the cluster's workers."""


Executor = int | Pool | Cluster | None


def check_executor(executor: Executor) -> None:
    """Refuse what cannot make runs.

    Raises
    ------
    ValueError
        One line that says what would be right.

    Examples
    --------
    >>> check_executor(0)
    Traceback (most recent call last):
    ValueError: executor: 0 is not valid: must be None, a number of processes, or a Dask Client
    """
    if isinstance(executor, int) and not isinstance(executor, bool) and executor >= 1:
        return
    if executor is None or hasattr(executor, "get_executor") or hasattr(executor, "submit"):
        return
    message = (
        f"executor: {shown(executor)} is not valid: "
        "must be None, a number of processes, or a Dask Client"
    )
    raise ValueError(message)


def finished(
    function: Callable[[Task], Result], tasks: Sequence[Task], executor: Executor
) -> Iterator[tuple[int, Result | Exception]]:
    """Yield the results of a function as they come.

    Parameters
    ----------
    function : callable
        Takes a task; at the top of a module, so that other processes find it.
    tasks : sequence
        What to do.
    executor : None, int, pool or Dask Client
        Who does it; see the top of this module.

    Yields
    ------
    place, result
        The place of the task in ``tasks``; and its result, or the exception that ended its worker.

    Examples
    --------
    >>> list(finished(abs, [-1, -2], 1))
    [(0, 1), (1, 2)]
    """
    if executor is None:
        done = 0
        for place, result in _while_short(function, tasks):
            yield place, result
            done += 1
        rest = [(place, tasks[place]) for place in range(done, len(tasks))]
        yield from _by_processes(function, rest, -1)
    elif isinstance(executor, int):
        numbered = list(enumerate(tasks))
        if executor == 1:
            yield from (_numbered(function, *each) for each in numbered)
        else:
            yield from _by_processes(function, numbered, executor)
    elif hasattr(executor, "get_executor"):
        # Two equal runs are one to Dask unless it is told that they are not.
        yield from _by_pool(function, tasks, executor.get_executor(pure=False))
    else:
        yield from _by_pool(function, tasks, executor)


def _while_short(
    function: Callable[[Task], Result], tasks: Sequence[Task]
) -> Iterator[tuple[int, Result]]:
    """Work here as long as the rest, at the pace of the fastest so far, is not worth processes."""
    fastest = float("inf")
    for place, task in enumerate(tasks):
        begin = time.perf_counter()
        yield place, function(task)
        # The first one imports, compiles and fills caches; only the second tells the pace.
        if place:
            fastest = min(fastest, time.perf_counter() - begin)
            if fastest * (len(tasks) - place - 1) > WORTH_STARTING_S:
                return


def _numbered(
    function: Callable[[Task], Result], place: int, task: Task
) -> tuple[int, Result | Exception]:
    return place, function(task)


def _by_processes(
    function: Callable[[Task], Result], tasks: Sequence[tuple[int, Task]], processes: int
) -> Iterator[tuple[int, Result | Exception]]:
    if not tasks:
        return
    from joblib import Parallel, delayed

    waiting = {place for place, _ in tasks}
    parallel = Parallel(n_jobs=processes, return_as="generator_unordered")
    try:
        for place, result in parallel(delayed(_numbered)(function, *task) for task in tasks):
            waiting.discard(place)
            yield place, result
    except Exception as error:  # noqa: BLE001 - a worker died, out of memory say: reported per run
        for place in sorted(waiting):
            yield place, error


def _by_pool(
    function: Callable[[Task], Result], tasks: Sequence[Task], pool: Any
) -> Iterator[tuple[int, Result | Exception]]:
    places = {pool.submit(function, task): place for place, task in enumerate(tasks)}
    try:
        for future in as_completed(places):
            error = future.exception()
            if error is not None and not isinstance(error, Exception):
                raise error
            yield places[future], future.result() if error is None else error
    finally:
        for future in places:
            future.cancel()

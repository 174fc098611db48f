"""Executors: who makes the runs.

==================  ===============================================================================
argument            meaning
==================  ===============================================================================
None                this machine: as many runs at a time as it has cores, where that pays
a number            this machine: so many runs at a time; 1 is this thread alone
a Dask ``Client``   the workers of a cluster
another pool        anything with the ``submit`` of :mod:`concurrent.futures`
==================  ===============================================================================

On this machine the first two runs are made here, and tell how to go on. If what is left is long
enough, it is done by *processes*, by joblib, which keeps them for five minutes for the next sweep.
Starting them costs some seconds, because each imports NumPy, pandas and Numba. For less than that
there are *threads*, which start at once, if the compiled engine makes the runs: its kernel does not
hold Python's lock. What comes before and after the kernel does hold it, so that threads end up
slower than processes in the long run (``benchmarks/curve.py`` measures both). The reference engine
always holds the lock: short work of its own is done here, unless a number of workers was asked for.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, as_completed
from typing import Any, Protocol, TypeVar

from eda_sim.spec.errors import shown

Task = TypeVar("Task")
Result = TypeVar("Result")

WORTH_STARTING_S = 8.0
"""Seconds of work that processes must find to be worth their start: about two to three seconds on
an idle machine, more on a busy one, and half of the work is saved at best by two."""


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
    ValueError: executor: 0 is not valid: must be None, a number of workers, or a Dask Client
    """
    if isinstance(executor, int) and not isinstance(executor, bool) and executor >= 1:
        return
    if executor is None or hasattr(executor, "get_executor") or hasattr(executor, "submit"):
        return
    message = (
        f"executor: {shown(executor)} is not valid: "
        "must be None, a number of workers, or a Dask Client"
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
    if executor is None or isinstance(executor, int):
        yield from _on_this_machine(function, tasks, executor)
    elif hasattr(executor, "get_executor"):
        # Two equal runs are one to Dask unless it is told that they are not.
        yield from _by_pool(function, tasks, executor.get_executor(pure=False))
    else:
        yield from _by_pool(function, tasks, executor)


def _on_this_machine(
    function: Callable[[Task], Result], tasks: Sequence[Task], workers: int | None
) -> Iterator[tuple[int, Result | Exception]]:
    fastest = float("inf")
    for place, task in enumerate(tasks):
        begin = time.perf_counter()
        result = function(task)
        # The first one imports, compiles and fills caches; only the second tells the pace.
        if place:
            fastest = min(fastest, time.perf_counter() - begin)
        yield place, result
        if workers == 1 or place + 1 == len(tasks):
            continue
        rest = list(enumerate(tasks))[place + 1 :]
        is_long = bool(place) and fastest * len(rest) > WORTH_STARTING_S
        uses_threads = kernel_is_loaded()
        if is_long or (workers is not None and not uses_threads):
            yield from _by_joblib(function, rest, workers or -1, backend="loky")
            return
        if place and uses_threads:
            yield from _by_joblib(function, rest, workers or -1, backend="threading")
            return


def kernel_is_loaded() -> bool:
    """Return whether the compiled engine is at work in this process."""
    module = sys.modules.get("eda_sim.engine.compiled.pointers")
    return module is not None and bool(module.COMPILED and module.is_loaded())


def _numbered(
    function: Callable[[Task], Result], place: int, task: Task
) -> tuple[int, Result | Exception]:
    return place, function(task)


def _by_joblib(
    function: Callable[[Task], Result],
    tasks: Sequence[tuple[int, Task]],
    workers: int,
    *,
    backend: str,
) -> Iterator[tuple[int, Result | Exception]]:
    from joblib import Parallel, delayed

    waiting = {place for place, _ in tasks}
    parallel = Parallel(n_jobs=workers, backend=backend, return_as="generator_unordered")
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

"""A progress bar on a terminal, and nothing at all in a pipe."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator

__all__ = ["progress_bar"]


@contextlib.contextmanager
def progress_bar(label: str) -> Iterator[Callable[[float], None] | None]:
    """Show how far something is while the block runs.

    The bar is drawn on standard error and removed at the end, and only if a person watches: both
    standard output and standard error must be a terminal.

    Parameters
    ----------
    label : str
        What is going on.

    Yields
    ------
    callable or None
        To be called with the share that is done, from 0 to 1; None if nobody watches.

    Examples
    --------
    >>> with progress_bar("simulating") as show:
    ...     show is None
    True
    """
    if not (sys.stdout.isatty() and sys.stderr.isatty()):
        yield None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=1.0)
        yield lambda share: bar.update(task, completed=share)

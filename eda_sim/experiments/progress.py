"""Progress of many runs: a bar for whoever watches, or a function of the caller's."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

Show = Callable[[float], None]
Progress = bool | Show
"""True for a bar where a person watches (a terminal, a notebook), False for none, or a function
that is called with the share that is done, from 0 to 1."""


@contextlib.contextmanager
def shown_progress(progress: Progress, label: str, total: int) -> Iterator[Show]:
    """Give a function that shows how much is done while the block runs."""
    if callable(progress):
        yield progress
        return
    bar = _bar(total) if progress else None
    if bar is None:
        yield lambda _: None
        return
    with bar:
        task = bar.add_task(label, total=total)
        yield lambda share: bar.update(task, completed=round(share * total))


def _bar(total: int) -> Any:
    """Return a bar, or None where nobody watches: a pipe, a test, a batch job."""
    in_notebook = "ipykernel" in sys.modules
    if total < 2 or not (in_notebook or sys.stderr.isatty()):
        return None
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=Console(stderr=True), transient=True)

"""Kernels: a notebook is run, and nothing of the moment stays in it."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbformat import NotebookNode

MOST_SECONDS_PER_CELL = 300
METADATA: dict[str, Any] = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"file_extension": ".py", "mimetype": "text/x-python", "name": "python"},
}
"""Of every notebook of this project; what a kernel adds names its version."""


def executed(notebook: NotebookNode, *, folder: Path | None = None) -> NotebookNode:
    """Run a notebook in a new kernel; return it with its outputs, without times and versions.

    The kernel is ipykernel, which comes with ``eda-sim[lab]``.

    Parameters
    ----------
    notebook : NotebookNode
        It is left as it is.
    folder : Path, optional
        Where it runs; the current one without it.

    Returns
    -------
    NotebookNode

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        If a cell fails.
    """
    from nbclient import NotebookClient
    from nbformat import NotebookNode

    done = copy.deepcopy(notebook)
    NotebookClient(
        done,
        timeout=MOST_SECONDS_PER_CELL,
        kernel_name="python3",
        record_timing=False,
        store_widget_state=True,  # nbclient needs it for sliders that draw; it goes with the rest
        resources={"metadata": {"path": str(folder)}} if folder else {},
    ).execute()
    done["metadata"] = NotebookNode(copy.deepcopy(METADATA))
    return done

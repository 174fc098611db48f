"""Figures as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eda_sim.simulation import Run

__all__ = ["save_figure", "save_overview"]


def save_figure(run: Run, kind: str, path: Path) -> None:
    """Draw one kind of figure and save it.

    Parameters
    ----------
    run : Run
        What to draw.
    kind : str
        Name of a method of ``run.plot``.
    path : Path
        Where to; the suffix says how.
    """
    raise NotImplementedError


def save_overview(run: Run, path: Path) -> None:
    """Draw latency and lag over time, one above the other, and save them.

    Parameters
    ----------
    run : Run
        What to draw.
    path : Path
        Where to; the suffix says how.
    """
    raise NotImplementedError

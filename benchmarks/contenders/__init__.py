"""Contenders: each simulates the same worlds in its own way."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import NamedTuple

from benchmarks.contenders.served import Served
from benchmarks.worlds import World

__all__ = ["CONTENDERS", "Contender", "Run"]

Run = Callable[[World, int], Served]


class Contender(NamedTuple):
    """Who simulates, where its models are, and how much it is given to do.

    Attributes
    ----------
    name : str
        As in the results.
    module, function : str
        Where its models are. The module is imported when it is used, as it may not be installed.
    most_messages : int
        A slow contender simulates fewer; the results are per message.
    distribution : str or None
        On the package index, for its version.
    measures_itself : bool
        It runs in a process of its own, which compiles before it begins to measure.
    """

    name: str
    module: str
    function: str
    most_messages: int
    distribution: str | None
    measures_itself: bool = False

    def load(self) -> Run:
        """Return its models as one function.

        Raises
        ------
        ImportError
            If it is not installed, or cannot be used here; the message says why.
        """
        module = importlib.import_module(f"benchmarks.contenders.{self.module}")
        run: Run = getattr(module, self.function)
        return run


_ALL = 10**9

CONTENDERS = (
    Contender("compiled", "ours", "compiled", _ALL, "eda-sim"),
    Contender("reference", "ours", "reference", 30_000, "eda-sim"),
    Contender("SimPy", "with_simpy", "run", 200_000, "simpy"),
    Contender("Ciw", "with_ciw", "run", 50_000, "ciw"),
    Contender("salabim", "with_salabim", "run", 20_000, "salabim"),
    Contender("asimpy", "with_asimpy", "run", 200_000, "asimpy"),
    Contender("cimba", "with_cimba", "run", _ALL, "cimba", measures_itself=True),
    Contender("C++", "with_cplusplus", "run", _ALL, None, measures_itself=True),
)

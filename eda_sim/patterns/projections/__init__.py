"""CQRS: command side, query side, and the window in which they differ.

===============  ===================================================================================
module           what it is about
===============  ===================================================================================
``quorums``      replicas that each write goes to, and reads that ask only some of them (PBS)
===============  ===================================================================================
"""

from eda_sim.patterns.projections import quorums

__all__ = ["quorums"]

"""CQRS: command side, query side, and the window in which they differ.

===============  ===================================================================================
module           what it is about
===============  ===================================================================================
``services``     command side and query sides as a scenario
``consistency``  how long an event is not visible yet, and how likely a read is fresh
``reads``        customers who read what they wrote: what goes wrong, and the price of a remedy
``quorums``      replicas that each write goes to, and reads that ask only some of them (PBS)
``store``        a small real store whose query side cannot write
===============  ===================================================================================
"""

from eda_sim.patterns.projections import consistency, quorums, reads, services, store

__all__ = ["consistency", "quorums", "reads", "services", "store"]

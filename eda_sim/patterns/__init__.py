"""Patterns of event-driven systems, each from parameters to a scenario and from a run to a table.

sourcing
    Event sourcing: the events are the truth, state is replayed from them; snapshots, rebuilds.
projections
    CQRS: a command side, a query side that follows it, and the window in which they differ.
idempotency
    A message that comes twice: inbox, dedup cache, natural idempotence, version check.

No pattern knows another, and none knows an engine: what a pattern says, it says as a scenario.
"""

import lazy_loader

# Each pattern is loaded when it is first used: one stands on libraries that the others do not need.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

"""Event sourcing: the events are the truth, and state is replayed from them.

===============  ===================================================================================
module           what it is about
===============  ===================================================================================
``accounts``     an aggregate: commands check, events change, old events are brought up to date
``store``        a real event store with snapshots: state at any past moment, audit trail, bytes
``replay_cost``  the time of a load, measured, fitted to a line, and foretold for other sizes
``snapshots``    how often to take them: writing against replaying, counted in simulated runs
``read_model``   the balances of all accounts, rebuilt for real by several processes, and timed
``rebuild``      a read model that is made anew while events keep coming: when has it caught up?
===============  ===================================================================================
"""

from eda_sim.patterns.sourcing import accounts, read_model, rebuild, replay_cost, snapshots, store

__all__ = ["accounts", "read_model", "rebuild", "replay_cost", "snapshots", "store"]

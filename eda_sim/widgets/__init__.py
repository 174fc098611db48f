"""Pictures that answer to sliders: the explorer of a scenario's parameters.

>>> from eda_sim import explore, load
>>> explorer = explore(load("mm1").replace({"duration": "2min", "warmup": "0s"}))
>>> explorer.positions["producers.clients.rate"]
'8/s'
"""

from eda_sim.widgets.explorer import Explorer, explore

__all__ = ["Explorer", "explore"]

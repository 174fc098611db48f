"""eda_sim: a simulator for event-driven systems.

A *scenario* says what to simulate: producers, channels, consumers, faults, a seed and a horizon.
A *run* is what happened: tables of messages and deliveries, and the numbers and pictures made of
them.

>>> import eda_sim as es
>>> es.load("checkout").name
'checkout'

The names here are promises. They are loaded when they are first used, because the libraries behind
them take a second to import and a short script should not wait for what it does not need. The list
stands in ``__init__.pyi``, where type checkers and editors read it too.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

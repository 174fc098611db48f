"""Engines: from a scenario to a trace of what happened, to the last bit the same on each engine."""

"""Scenarios: what can be simulated, as values that are checked and written to files.

Everything here is data. The rest of the package turns it into runs.
"""

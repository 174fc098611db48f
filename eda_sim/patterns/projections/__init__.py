"""CQRS: command side, query side, and the window in which they differ."""

"""Handlers that may be called twice, and what each remedy leaves over."""

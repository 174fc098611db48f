"""The compiled engine: the reference engine's rules once more, on flat memory, for speed."""

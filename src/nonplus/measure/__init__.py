"""Documents and a model in, a report out: NumPy only."""

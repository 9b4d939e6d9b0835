"""Log-probabilities that another run, or another tool, has written to a file."""

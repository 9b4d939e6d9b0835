"""Which documents are kept: a rule in words, and its decision about each document."""

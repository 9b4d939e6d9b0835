"""A table of n-grams in a file that is mapped into memory."""

"""Exact sums over documents, and how far a figure made of them may be off."""

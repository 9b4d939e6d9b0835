"""Filtering a corpus by how surprised a model is by each of its texts."""

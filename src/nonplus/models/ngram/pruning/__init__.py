"""A model with fewer n-grams."""

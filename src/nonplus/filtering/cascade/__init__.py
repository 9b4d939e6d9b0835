"""A fast model decides what it can, and a better one the rest."""

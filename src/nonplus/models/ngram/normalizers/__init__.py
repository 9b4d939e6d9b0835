"""Normalisers: what is done to a text before it is cut into tokens, each with a name
and a version.
"""

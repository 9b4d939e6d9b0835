"""Servers that a user named: what is asked of them, and what they must answer."""

"""Compressed data: told by its first bytes, and read as what it holds."""

"""Masked language models of ``transformers``."""

"""Llama in NumPy: what a small model needs to run where torch is not installed."""

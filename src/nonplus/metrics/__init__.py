"""Perplexity in other people's loops: exact metric objects over one accumulator."""

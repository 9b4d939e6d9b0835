"""KenLM's binaries, read without KenLM."""

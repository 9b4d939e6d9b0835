"""Models that a server runs: every figure rests on what it answers."""

"""N-gram models estimated from text: interpolated modified Kneser-Ney."""

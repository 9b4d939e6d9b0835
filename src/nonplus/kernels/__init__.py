"""The arithmetic on logits, once for each kind of array: from scores over a vocabulary to a token's probability."""

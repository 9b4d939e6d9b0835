"""N-gram language models: reading, scoring, training, pruning and writing them."""

"""From scores over a vocabulary to the surprisal of a token, for each kind of array."""

"""What a finished cut did to a corpus, read from its folder."""

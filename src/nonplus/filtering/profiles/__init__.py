"""What the ways in which tools read a text do to its perplexity."""

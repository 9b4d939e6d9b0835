"""Where a cut could be, and what it would do, from a sample of the documents."""

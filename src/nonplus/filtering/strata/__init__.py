"""A corpus before and after a cut, by language, by source and by length."""

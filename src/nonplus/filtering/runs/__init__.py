"""A whole corpus, unit by unit, into a folder of parts."""

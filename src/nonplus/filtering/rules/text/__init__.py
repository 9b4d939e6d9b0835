"""The text of a rule, read word by word."""

"""From a text to the words of a model."""

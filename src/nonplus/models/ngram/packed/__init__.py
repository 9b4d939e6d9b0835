"""The n-grams of a model as sorted and deflated columns."""

"""Documents of a corpus that are drawn, and what a model says of them."""

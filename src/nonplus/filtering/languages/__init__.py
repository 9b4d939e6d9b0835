"""Which model scores a text in its language, and what becomes of it if none does."""

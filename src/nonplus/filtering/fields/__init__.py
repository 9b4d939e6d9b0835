"""Which fields of a record are read, and which are written into it."""

"""Work in units that survives a kill: finished units are kept, and a rerun goes on."""

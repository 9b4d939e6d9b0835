"""The work of one unit of records: scored, cut and committed by itself."""

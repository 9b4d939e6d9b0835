"""What is measured of each text, for a rule to decide by."""

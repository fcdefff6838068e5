"""Pure calculations over equity curves."""

"""What accounts were worth over time."""

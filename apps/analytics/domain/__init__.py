"""Figures of records, causes of gaps, statements of other platforms: pure calculation."""

"""Server time of every page with very many rows behind it."""

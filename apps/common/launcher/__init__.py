"""Starts the whole product on one machine and keeps it running: `make run`."""

"""Scripted traders as pure functions: what they see goes in, one action comes out."""

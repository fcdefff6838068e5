"""Words of enums for fields."""

from __future__ import annotations


def choices(enum: type) -> list[tuple[str, str]]:
    """An enum's values with their words, for a field."""
    return [(m.value, m.value.replace("_", " ")) for m in enum]  # type: ignore[attr-defined]

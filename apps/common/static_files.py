"""Addresses of static files, which every page asks for a dozen times and nothing changes."""

from __future__ import annotations

from typing import Any

from whitenoise.storage import (  # type: ignore[import-untyped]
    CompressedManifestStaticFilesStorage,
    CompressedStaticFilesStorage,
)


class _Known:
    """Works each address out once in a process."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._known: dict[str | None, str] = {}

    def url(self, name: str | None, *rest: Any, **options: Any) -> str:
        if rest or options:
            return super().url(name, *rest, **options)  # type: ignore[misc,no-any-return]
        if name not in self._known:
            self._known[name] = super().url(name)  # type: ignore[misc]
        return self._known[name]


class StaticFiles(_Known, CompressedStaticFilesStorage):
    """Static files under their own names, for development."""


class HashedStaticFiles(_Known, CompressedManifestStaticFilesStorage):
    """Static files under names that change with what is in them."""

"""Figures of an account as they are kept, made only where somebody looks at them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from apps.analytics.domain.measures import DAILY_FIGURES
from apps.analytics.domain.standing import Figure, Standing

_STANDINGS = {standing.value: standing for standing in Standing}
_PLACES = {name: place for place, name in enumerate(DAILY_FIGURES)}


class KeptFigures(Mapping[str, Figure]):
    """Daily figures by name; empty where nothing was computed yet. Of two dozen, a list shows
    half a dozen."""

    __slots__ = ("_standings", "_values")

    def __init__(self, values: tuple[float | None, ...], standings: bytes) -> None:
        self._values, self._standings = values, standings

    def __getitem__(self, name: str) -> Figure:
        place = _PLACES[name]
        if place >= len(self._standings):
            raise KeyError(name)
        return Figure(self._values[place], _STANDINGS[self._standings[place]])

    def __iter__(self) -> Iterator[str]:
        return iter(list(_PLACES)[: len(self._standings)])

    def __len__(self) -> int:
        return min(len(self._standings), len(_PLACES))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, KeptFigures):
            return NotImplemented
        return (self._values, self._standings) == (other._values, other._standings)

    __hash__ = None  # type: ignore[assignment]

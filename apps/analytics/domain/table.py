"""Figures of many records side by side: a column of values and of standings for each figure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from apps.analytics.domain.standing import (
    BoolArray,
    Figure,
    FloatArray,
    Standing,
    StandingArray,
)


class Column(NamedTuple):
    """One figure of many records: NaN in ``values`` exactly where a standing is not VALUE."""

    values: FloatArray
    standings: StandingArray

    def figure(self, row: int) -> Figure:
        standing = Standing(int(self.standings[row]))
        return Figure(float(self.values[row]) if standing is Standing.VALUE else None, standing)


@dataclass(frozen=True, slots=True, eq=False)
class FigureTable:
    """Figures by name; every column has one entry for each record, in the records' order."""

    columns: Mapping[str, Column]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())).values) if self.columns else 0

    def __getitem__(self, name: str) -> Column:
        return self.columns[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def row(self, index: int) -> dict[str, Figure]:
        """All figures of one record."""
        return {name: column.figure(index) for name, column in self.columns.items()}


def column(values: npt.ArrayLike, *absent: tuple[BoolArray, Standing]) -> Column:
    """A column in which the first reason that applies takes the value's place.

    What is not finite without any reason given is undefined: a division by nothing.
    """
    numbers = np.array(values, dtype=np.float64)
    standings = np.where(np.isfinite(numbers), Standing.VALUE, Standing.UNDEFINED)
    for mask, standing in reversed(absent):
        standings = np.where(mask, standing, standings)
    numbers[standings != Standing.VALUE] = np.nan
    return Column(numbers, standings.astype(np.int8))

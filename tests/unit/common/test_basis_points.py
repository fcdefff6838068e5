"""Basis points are written with the minus of every other figure."""

from __future__ import annotations

import pytest

from apps.common.templatetags.figures import basis_points


@pytest.mark.parametrize(
    ("value", "text"), [(0.184, "0.18"), (-0.012, "−0.01"), (-0.001, "0.00"), (1234.5, "1,234.50")]
)
def test_basis_points(value: float, text: str) -> None:
    assert basis_points(value) == text

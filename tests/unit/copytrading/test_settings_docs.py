"""docs/settings.md names every setting with its real default and range."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import models

from apps.accounts.api import DEFAULTS
from apps.accounts.product_models import ProductConfig
from apps.copytrading.domain.limits import BOUNDS, PRODUCT_BOUNDS, Bounds
from apps.copytrading.models import CopyFollower, CopySubscription
from apps.copytrading.services.settings import FIELDS, FOLLOWER_FIELDS

TEXT = (Path(__file__).parents[3] / "docs" / "settings.md").read_text()


def rows(heading: str) -> dict[str, list[str]]:
    """Cells of the table under a heading, by the names in its first column."""
    part = TEXT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    found = {}
    for line in re.findall(r"^\| (`.*) \|$", part, re.MULTILINE):
        names, *cells = line.split(" | ")
        found.update(dict.fromkeys(re.findall(r"`([a-z_]+)`", names), cells))
    return found


@pytest.mark.parametrize(
    ("heading", "fields"),
    [
        ("Settings of a copy", FIELDS),
        ("Settings of an account that follows", FOLLOWER_FIELDS),
        ("Defaults of the product", DEFAULTS),
    ],
)
def test_every_setting_is_documented_and_no_other(heading: str, fields: frozenset[str]) -> None:
    assert set(rows(heading)) == set(fields)


@pytest.mark.parametrize(
    ("heading", "model", "bounds"),
    [
        ("Settings of a copy", CopySubscription, BOUNDS),
        ("Settings of an account that follows", CopyFollower, BOUNDS),
        ("Defaults of the product", ProductConfig, PRODUCT_BOUNDS),
    ],
)
def test_defaults_and_ranges_are_the_real_ones(
    heading: str, model: type[models.Model], bounds: dict[str, Bounds]
) -> None:
    for name, (meaning, _, default, range_, *_) in rows(heading).items():
        field: Any = model._meta.get_field(name)
        assert default.strip("`") == shown(field.get_default()), name
        if name in bounds and range_ != "as above":
            assert f"to {bounds[name].high:,}" in range_, name
            assert (f"{bounds[name].places} decimals" in range_) == bool(bounds[name].places)
        for value, _ in field.choices or ():
            assert f"`{value}`" in meaning, name


def shown(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return "empty" if value in (None, "") else str(value)

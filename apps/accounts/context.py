"""What every template may ask."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from apps.accounts.house import house
from apps.accounts.selectors import product_config


def product(request: HttpRequest) -> dict[str, Any]:
    """``product``: the modules that run and the product's defaults; ``house``: who runs them.

    Both are read when first used.
    """
    return {"product": SimpleLazyObject(product_config), "house": SimpleLazyObject(house)}

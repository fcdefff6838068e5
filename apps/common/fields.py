"""Model fields of the house: exact numbers, and secrets that are encrypted at rest."""

from __future__ import annotations

import json
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models


class PriceField(models.DecimalField[Any, Any]):
    """Prices and money: numeric(28, 8)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["max_digits"], kwargs["decimal_places"] = 28, 8
        super().__init__(*args, **kwargs)


class UnitsField(PriceField):
    """Volume in units of the base asset: numeric(28, 8)."""


class RatioField(models.DecimalField[Any, Any]):
    """Exact ratios and targets before rounding: numeric(40, 18)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["max_digits"], kwargs["decimal_places"] = 40, 18
        super().__init__(*args, **kwargs)


class JSONTextField(models.TextField[Any, Any]):
    """JSON that is kept as the text in which it was written: read whole, never queried.

    PostgreSQL takes it as it is, where jsonb would be parsed with every row that is written.
    """

    def get_prep_value(self, value: Any) -> str | None:
        return None if value is None else json.dumps(value, separators=(",", ":"))

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Any:
        return None if value is None else json.loads(value)

    def to_python(self, value: Any) -> Any:
        return value


class EncryptedJSONField(models.TextField[Any, Any]):
    """A JSON object, encrypted with the first of settings.CREDENTIALS_KEYS.

    Older keys still decrypt, so that keys can be rotated. The plain text is never stored and
    lookups on it are meaningless.
    """

    def get_prep_value(self, value: Any) -> str:
        return _fernet().encrypt(json.dumps(value or {}).encode()).decode()

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Any:
        return {} if not value else decrypt_json(value)

    def to_python(self, value: Any) -> Any:
        return value


def decrypt_json(token: str) -> Any:
    """The object that was encrypted; ImproperlyConfigured when no key fits."""
    try:
        return json.loads(_fernet().decrypt(token.encode()))
    except InvalidToken:
        raise ImproperlyConfigured(
            "stored credentials cannot be decrypted: CREDENTIALS_KEYS lacks the key "
            "with which they were written"
        ) from None


def encrypt_json(value: Any) -> str:
    return _fernet().encrypt(json.dumps(value).encode()).decode()


def _fernet() -> MultiFernet:
    keys = settings.CREDENTIALS_KEYS
    if not keys:
        raise ImproperlyConfigured("set CREDENTIALS_KEYS to at least one Fernet key")
    return MultiFernet([Fernet(key) for key in keys])

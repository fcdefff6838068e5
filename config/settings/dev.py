"""`make run` and working on the code: keys are made once and kept under var/."""

from __future__ import annotations

from cryptography.fernet import Fernet
from django.core.management.utils import get_random_secret_key

from apps.common.keyfile import read_or_create
from config.settings.base import *  # noqa: F403
from config.settings.base import VAR_DIR, env

SECRET_KEY = env("SECRET_KEY", default="") or read_or_create(
    VAR_DIR / "secret-key", get_random_secret_key
)
CREDENTIALS_KEYS = env.list("CREDENTIALS_KEYS", default=[]) or [
    read_or_create(VAR_DIR / "credentials-key", lambda: Fernet.generate_key().decode())
]

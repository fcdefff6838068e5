"""Tests: servers come from the root conftest.py, keys are fixed, hashing is quick."""

from __future__ import annotations

import os
from urllib.parse import urlsplit, urlunsplit

from config.settings.base import *  # noqa: F403
from config.settings.base import BASE_DIR, CHANNEL_LAYERS
from config.settings.base import REDIS_URL as _SERVER_URL

SECRET_KEY = "only for tests"
CREDENTIALS_KEYS = ["aK3T4BvHUbDn8TtSV2Jm0YzRXQn3M7wPqjR1x5Zc4Gg="]
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
ACCOUNT_RATE_LIMITS = False
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = True
# Static files come from their sources, without collecting them first.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True
VAR_DIR = BASE_DIR / "var" / "test"

# Each worker of pytest-xdist has a Redis database and a channel prefix of its own.
_worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
REDIS_URL = urlunsplit(urlsplit(_SERVER_URL)._replace(path=f"/{int(_worker.removeprefix('gw'))}"))
CELERY_BROKER_URL = REDIS_URL
CHANNEL_LAYERS["default"]["CONFIG"] = {"hosts": [REDIS_URL], "prefix": f"live-{_worker}"}

"""`make run` and working on the code: keys are made once and kept under var/."""

from __future__ import annotations

import os
from pathlib import Path

import environ
from cryptography.fernet import Fernet
from django.core.management.utils import get_random_secret_key

from apps.common.keyfile import read_or_create

# Where `make run` keeps its servers now, so that manage.py in another terminal finds them.
_ROOT = Path(__file__).resolve().parents[2]
environ.Env.read_env(Path(os.environ.get("VAR_DIR") or _ROOT / "var") / "run.env")

from config.settings.base import *  # noqa: E402, F403
from config.settings.base import VAR_DIR, env, secret  # noqa: E402

SECRET_KEY = secret("SECRET_KEY", "") or read_or_create(
    VAR_DIR / "secret-key", get_random_secret_key
)
CREDENTIALS_KEYS = env.list("CREDENTIALS_KEYS", default=[]) or [
    read_or_create(VAR_DIR / "credentials-key", lambda: Fernet.generate_key().decode())
]
# Mail is written into files, one for each connection, unless a server is given.
if not env("EMAIL_URL", default=""):
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = VAR_DIR / "mail"
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = env.bool("PASSKEYS_WITHOUT_TLS", default=True)
SITE_URL = env("SITE_URL", default=f"http://localhost:{env('PORT', default='8000')}")
STATIC_ROOT = env("STATIC_ROOT", default="") or VAR_DIR / "static"
# As in an installation, but under their own names: pages work before files are collected.
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "apps.common.static_files.StaticFiles"},
}

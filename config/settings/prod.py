"""A real installation: everything secret comes from the environment, or the start fails."""

from __future__ import annotations

from config.settings.base import *  # noqa: F403
from config.settings.base import env, secret

DEBUG = False
SECRET_KEY = secret("SECRET_KEY")
CREDENTIALS_KEYS = env.list("CREDENTIALS_KEYS")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS")
DATABASE_URL = env("DATABASE_URL")
REDIS_URL = env("REDIS_URL")

STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "apps.common.static_files.HashedStaticFiles"},
}
ACCOUNT_EMAIL_VERIFICATION = env("EMAIL_VERIFICATION", default="mandatory")
MFA_ALLOW_UNVERIFIED_EMAIL = ACCOUNT_EMAIL_VERIFICATION != "mandatory"
STAFF_SECOND_FACTOR = env.bool("STAFF_SECOND_FACTOR", default=True)
SITE_URL = env("SITE_URL", default=f"https://{ALLOWED_HOSTS[0]}" if ALLOWED_HOSTS else "")
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", default=1)

# TLS ends at a proxy in front, which sets this header.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=True)
# Probes and Prometheus come from inside, past the proxy that ends TLS.
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=30 * 24 * 3600)
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
# Whether all subdomains of the broker speak TLS alone is not ours to decide.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]

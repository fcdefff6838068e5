"""Settings that hold everywhere. What differs by installation comes from the environment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import django_stubs_ext
import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static
from kombu.entity import Queue

from apps.common.logging import logging_config
from apps.common.plans import by_index

django_stubs_ext.monkeypatch()  # Django's generic classes can be subscripted at run time

BASE_DIR = Path(__file__).resolve().parents[2]
env = environ.Env()
env.read_env(BASE_DIR / ".env")


def secret(name: str, default: str | None = None) -> str:
    """A secret of the environment, letter by letter: ``env`` takes "$ABC" for another's name."""
    value = env.ENVIRON.get(name, default)
    if value is None:
        raise ImproperlyConfigured(f"Set the {name} environment variable")
    return str(value)


# Everything this installation writes beside its database. Nothing of it belongs in the repository.
VAR_DIR = Path(env("VAR_DIR", default="") or BASE_DIR / "var")

DEBUG = env.bool("DEBUG", default=False)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "unfold",  # before the admin whose templates it replaces
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "channels",
    "csp",
    "django_htmx",
    # The plain app configs: the loaders of both are listed in TEMPLATES below.
    "django_cotton.apps.SimpleAppConfig",
    "template_partials.apps.SimpleAppConfig",
    "apps.common",
    "apps.accounts",
    "apps.platforms",
    "apps.execution",
    "apps.copytrading",
    "apps.analytics",
    "apps.notifications",
    "apps.papervenue",
    "apps.portal",
    "apps.console",
    "apps.live",
    "apps.demo",
    "apps.benchmarks",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    # Of differing length for the same page, so that nobody reads secrets from it (BREACH).
    "django.middleware.gzip.GZipMiddleware",
    "csp.middleware.CSPMiddleware",
    "apps.common.csp.staff_admin_policy",
    "apps.common.query_strings.without_nul",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "apps.accounts.sessions.note_activity",
    "apps.accounts.second_factor.staff_need_one",
    # Last: all before it are about whoever is signed in.
    "apps.accounts.view_as.middleware",
]

ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"

_LOADERS: list[Any] = [
    "django_cotton.cotton_loader.Loader",
    "django.template.loaders.filesystem.Loader",
    "django.template.loaders.app_directories.Loader",
]
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "loaders": [
                (
                    "template_partials.loader.Loader",
                    _LOADERS if DEBUG else [("django.template.loaders.cached.Loader", _LOADERS)],
                )
            ],
            "builtins": [
                "django_cotton.templatetags.cotton",
                "template_partials.templatetags.partials",
                "apps.common.templatetags.components",  # after cotton's, whose tag it replaces
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "apps.accounts.context.product",
            ],
        },
    }
]

FORM_RENDERER = "apps.common.form_renderer.FormRenderer"

# --- PostgreSQL is the truth -----------------------------------------------------------------
DATABASES: dict[str, dict[str, Any]] = {
    "default": env.db_url("DATABASE_URL", default="postgres://localhost/bellwether")
}
DATABASES["default"]["ATOMIC_REQUESTS"] = False
if env.bool("DATABASE_POOL", default=False):
    # For processes with many threads (web). Other processes keep one connection instead.
    DATABASES["default"].setdefault("OPTIONS", {})["pool"] = {"min_size": 2, "max_size": 12}
else:
    DATABASES["default"]["CONN_MAX_AGE"] = None
if env.bool("DATABASE_BY_INDEX", default=False):
    # For workers that copy. Elsewhere whole tables are summed up, and PostgreSQL chooses.
    _options = DATABASES["default"].setdefault("OPTIONS", {})
    _options["options"] = by_index(_options.get("options"))
# A server that was restarted must not cost the next request of each connection an error page.
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Redis carries wake-ups, losing it loses nothing -----------------------------------------
REDIS_URL = env("REDIS_URL", default="redis://localhost:6379/0")
# Without a token, figures for Prometheus are given to this machine only.
METRICS_TOKEN = secret("METRICS_TOKEN", default="")
CHANNEL_LAYERS: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL], "prefix": "live"},
    }
}
CACHES = {"default": env.cache_url("CACHE_URL", default="locmemcache://")}

# Streams of committed slices, one per connection, from the workers to the gateways.
GATEWAY_STREAM_PREFIX = "gw"

CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# An unacknowledged task comes again after this many seconds; tasks are idempotent and short.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 60,
    "socket_timeout": 30,
    "socket_connect_timeout": 2,
    "socket_keepalive": True,
}
# A wake-up that cannot be delivered is found again by the sweeps; waiting would block its sender.
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_DEFAULT_QUEUE = "default"
# Wake-ups for a master's work are neither noted nor acknowledged, which spares two round trips: one
# that is lost with its worker is sent again by the gateways' sweep, a second or two later.
CELERY_TASK_QUEUES = [Queue("copy", routing_key="copy", no_ack=True)]
CELERY_TASK_ROUTES = {
    # Looking after copies takes its time; copying itself must not wait for it.
    "copy.sweep": {"queue": "upkeep"},
    "copy.guards": {"queue": "upkeep"},
    "copy.seal": {"queue": "upkeep"},
    "copy.reconcile": {"queue": "upkeep"},
    "copy.roll_up": {"queue": "upkeep"},
    "copy.close_stopped": {"queue": "upkeep"},
    "platforms.forget_grants": {"queue": "upkeep"},
    "accounts.forget_sign_ins": {"queue": "upkeep"},
} | {
    f"{prefix}.*": {"queue": queue}
    for queue, app in {
        "copy": "copytrading",
        "bots": "bots",
        "analytics": "analytics",
        "rewards": "rewards",
        "notify": "notifications",
    }.items()
    for prefix in {queue, app, f"apps.{app}"}
}
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = {
    "sample-equity": {"task": "analytics.sample_equity", "schedule": 60.0},
    "sample-deals": {
        "task": "analytics.sample_deals",
        "schedule": 5.0,
        "options": {"expires": 5.0},
    },
    "follow-copies": {
        "task": "analytics.follow_copies",
        "schedule": 60.0,
        "options": {"expires": 60.0},
    },
    "take-up-gaps": {
        "task": "analytics.take_up_gaps",
        "schedule": 30.0,
        "options": {"expires": 30.0},
    },
    "roll-up-equity": {
        "task": "analytics.roll_up",
        "schedule": 300.0,
        "options": {"expires": 300.0},
    },
    "keep-trades": {
        "task": "analytics.keep_trades",
        "schedule": 20.0,
        "options": {"expires": 20.0},
    },
    "keep-summaries": {
        "task": "analytics.keep_summaries",
        "schedule": 60.0,
        "options": {"expires": 60.0},
    },
    "gate-masters": {
        "task": "analytics.gate_masters",
        "schedule": 30.0,
        "options": {"expires": 30.0},
    },
    "watch-masters": {
        "task": "analytics.watch_masters",
        "schedule": 60.0,
        "options": {"expires": 60.0},
    },
    "forget-grants": {"task": "platforms.forget_grants", "schedule": 600.0},
    "keep-partitions": {"task": "analytics.keep_partitions", "schedule": 3600.0},
    "enforce-guards": {"task": "copy.guards", "schedule": 2.0, "options": {"expires": 2.0}},
    "follow-foreign-closes": {"task": "copy.sweep", "schedule": 5.0},
    "reconcile": {"task": "copy.reconcile", "schedule": 5.0, "options": {"expires": 5.0}},
    "seal-outcomes": {"task": "copy.seal", "schedule": 10.0},
    "roll-up-execution": {"task": "copy.roll_up", "schedule": 30.0, "options": {"expires": 30.0}},
    "gather-notifications": {
        "task": "notify.gather",
        "schedule": 2.0,
        "options": {"expires": 2.0},
    },
    "send-mails": {"task": "notify.mails", "schedule": 3.0, "options": {"expires": 3.0}},
    "send-messages": {"task": "notify.messengers", "schedule": 3.0, "options": {"expires": 3.0}},
    "watch-connections": {
        "task": "notify.connections",
        "schedule": 10.0,
        "options": {"expires": 10.0},
    },
    "forget-notifications": {"task": "notify.forget", "schedule": 3600.0},
    "forget-sign-ins": {"task": "accounts.forget_sign_ins", "schedule": 3600.0},
}
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "beat-schedule")

# --- Figures ------------------------------------------------------------------------------------
RISK_FREE_RATE = env.float("RISK_FREE_RATE", default=0.0)  # of a year, as a fraction
KEEP_SAMPLES_MONTHS = env.int("KEEP_SAMPLES_MONTHS", default=3)  # besides the present one
KEEP_HOURS_MONTHS = env.int("KEEP_HOURS_MONTHS", default=36)

# --- Notifications -----------------------------------------------------------------------------
# Where links in messages lead.
SITE_URL = env("SITE_URL", default="http://localhost:8000")
KEEP_NOTIFICATIONS_DAYS = env.int("KEEP_NOTIFICATIONS_DAYS", default=180)
# Whether customers' channels may lead to machines inside this network.
NOTIFY_PRIVATE_HOSTS = env.bool("NOTIFY_PRIVATE_HOSTS", default=False)
EMAIL_TIMEOUT = env.int("EMAIL_TIMEOUT", default=10)  # seconds

# --- History of signing in ---------------------------------------------------------------------
KEEP_SIGN_INS_DAYS = env.int("KEEP_SIGN_INS_DAYS", default=365)

# --- Accounts of customers ---------------------------------------------------------------------
# The application that is registered with Spotware; without it no cTrader account can be added.
CTRADER_CLIENT_ID = env("CTRADER_CLIENT_ID", default="")
CTRADER_CLIENT_SECRET = secret("CTRADER_CLIENT_SECRET", "")
CTRADER_AUTHORIZE_URL = env(
    "CTRADER_AUTHORIZE_URL", default="https://id.ctrader.com/my/settings/openapi/grantingaccess/"
)
CTRADER_TOKEN_URL = env("CTRADER_TOKEN_URL", default="https://openapi.ctrader.com/apps/token")
CTRADER_REDIRECT_URL = env("CTRADER_REDIRECT_URL", default="")  # as registered; '': by the request
CTRADER_REQUIRE_STATE = env.bool("CTRADER_REQUIRE_STATE", default=True)
CTRADER_LIVE = env("CTRADER_LIVE", default="live.ctraderapi.com:5035")
CTRADER_DEMO = env("CTRADER_DEMO", default="demo.ctraderapi.com:5035")
CTRADER_TLS = env.bool("CTRADER_TLS", default=True)
CTRADER_CA_FILE = env("CTRADER_CA_FILE", default="")
# The built-in venue, where customers open paper accounts; without its pages they cannot.
PAPERVENUE_URL = env("PAPERVENUE_URL", default="")
PAPERVENUE_ADDRESS = env("PAPERVENUE_ADDRESS", default="127.0.0.1:5035")
PAPERVENUE_CLIENT_ID = env("PAPERVENUE_CLIENT_ID", default="bellwether")
PAPERVENUE_CLIENT_SECRET = secret("PAPERVENUE_CLIENT_SECRET", "paper-venue")
PAPERVENUE_OWNER = env("PAPERVENUE_OWNER", default="bellwether")  # whose accounts they are there
STATEMENT_MAX_MB = env.int("STATEMENT_MAX_MB", default=8)  # of an imported track record

# --- People ------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "apps.accounts.adapter.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = env("EMAIL_VERIFICATION", default="optional")
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_SESSION_REMEMBER = True
# Changes of security are told by notifications.
ACCOUNT_EMAIL_NOTIFICATIONS = False
ACCOUNT_REAUTHENTICATION_REQUIRED = True
# How many proxies of ours stand in front and add to X-Forwarded-For.
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", default=0)
MFA_ADAPTER = "apps.accounts.adapter.SecondFactorAdapter"
MFA_FORMS = {"add_webauthn": "apps.accounts.forms.AddPasskeyForm"}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Bellwether"
MFA_TOTP_TOLERANCE = 1  # codes of the 30 seconds before and after count, too
# Where addresses need not be confirmed, a second factor does not wait for that either.
MFA_ALLOW_UNVERIFIED_EMAIL = ACCOUNT_EMAIL_VERIFICATION != "mandatory"
# Browsers take http://localhost for a safe place, and so do we in development.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = env.bool("PASSKEYS_WITHOUT_TLS", default=False)
# Whether staff without a second factor are led to set one up before anything else.
STAFF_SECOND_FACTOR = env.bool("STAFF_SECOND_FACTOR", default=False)
SIGNUP_OPEN = env.bool("SIGNUP_OPEN", default=True)
EMAIL_CONFIG = env.email("EMAIL_URL", default="consolemail://")
vars().update(EMAIL_CONFIG)
DEFAULT_FROM_EMAIL = env("DEFAULT_FROM_EMAIL", default="Bellwether <no-reply@localhost>")

# --- Browsers ------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = Path(env("STATIC_ROOT", default=str(BASE_DIR / "staticfiles")))
STATICFILES_DIRS = [BASE_DIR / "static"]
CONTENT_SECURITY_POLICY = {
    "EXCLUDE_URL_PREFIXES": ("/staff-admin/",),  # its policy: apps.common.csp
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    },
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SESSION_ENGINE = "apps.accounts.session_store"
SESSION_COOKIE_HTTPONLY = True
CSRF_COOKIE_HTTPONLY = False  # htmx sends the token as a header
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
UNFOLD = {
    "SITE_TITLE": "Bellwether",
    "SITE_HEADER": "Bellwether staff",
    "SITE_URL": "/console/",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("img/mark.svg")}
    ],
}

# --- Language and time -----------------------------------------------------------------------
LANGUAGE_CODE = "en-gb"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

LOGGING_CONFIG = None
LOGGING = logging_config(
    level=env("LOG_LEVEL", default="INFO"), as_json=env("LOG_FORMAT", default="text") == "json"
)

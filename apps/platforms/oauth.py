"""Asking cTrader for access: the address to send a customer to, and the code for tokens.

The flow is OAuth 2.0 with an authorisation code as cTrader documents it: the code is good for a
minute, the tokens are asked for with the application's secret. It documents neither PKCE nor that
``state`` comes back; ``state`` is sent, and asked back for unless CTRADER_REQUIRE_STATE is off.
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlencode, urlsplit

import structlog
from django.conf import settings

from apps.platforms.errors import AccessDenied, NotOffered, PlatformAway

_TIMEOUT_S = 10.0
_MOST_BYTES = 64 * 1024
_LOCAL = frozenset({"127.0.0.1", "localhost", "::1"})
#: Part of a token's life after which the gateway renews it.
_SPENT = 0.9

_log = structlog.get_logger(__name__)


def is_offered() -> bool:
    """Whether customers can add cTrader accounts here."""
    return bool(settings.CTRADER_CLIENT_ID and settings.CTRADER_CLIENT_SECRET)


def authorize_url(*, redirect_url: str, state: str) -> str:
    """Where a customer gives access; cTrader sends them back to ``redirect_url``."""
    if not is_offered():
        raise NotOffered("cTrader accounts cannot be added here; ask our staff.")
    query = {
        "client_id": settings.CTRADER_CLIENT_ID,
        "redirect_uri": redirect_url,
        "scope": "trading",
        "product": "web",
        "response_type": "code",
        "state": state,
    }
    base = _checked(settings.CTRADER_AUTHORIZE_URL)
    return f"{base}{'&' if '?' in base else '?'}{urlencode(query)}"


def exchange(*, code: str, redirect_url: str) -> dict[str, str]:
    """Credentials of a connection for an authorisation code.

    AccessDenied where cTrader refuses the code, PlatformAway where it does not answer.
    """
    answer = _ask(
        {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_url,
            "client_id": settings.CTRADER_CLIENT_ID,
            "client_secret": settings.CTRADER_CLIENT_SECRET,
        }
    )
    if error := answer.get("errorCode"):
        _log.warning("cTrader gave no tokens", code=error)
        if error == "CH_CLIENT_AUTH_FAILURE":
            raise AccessDenied(
                "cTrader does not accept the application of this site. Our staff must look at its "
                "settings; nothing was added."
            )
        raise AccessDenied(
            "cTrader did not accept the permission: it is good for one minute and once only. "
            "Nothing was added; please begin again."
        )
    try:
        return _credentials(answer)
    except (KeyError, TypeError, ValueError):
        raise PlatformAway(
            "cTrader's answer could not be read. Nothing was added; please try again later."
        ) from None


def _credentials(answer: dict[str, Any]) -> dict[str, str]:
    access, life = str(answer["accessToken"]), float(answer["expiresIn"])
    if not answer["accessToken"]:
        raise ValueError("no token")
    now = time.time()
    values = {
        "client_id": settings.CTRADER_CLIENT_ID,
        "client_secret": settings.CTRADER_CLIENT_SECRET,
        "access_token": access,
        "refresh_token": str(answer.get("refreshToken") or ""),
        "expires_at": f"{now + life:.0f}",
        "renew_at": f"{now + life * _SPENT:.1f}",
    }
    if settings.CTRADER_CA_FILE:
        with open(settings.CTRADER_CA_FILE) as file:
            values["ca_pem"] = file.read()
    return values


def _ask(terms: dict[str, str]) -> dict[str, Any]:
    """cTrader's answer about tokens; what is asked holds secrets and is told to nobody."""
    address = f"{_checked(settings.CTRADER_TOKEN_URL)}?{urlencode(terms)}"
    request = urllib.request.Request(address, headers={"Accept": "application/json"})
    return ask_json(request, "cTrader")


def ask_json(request: urllib.request.Request, name: str) -> dict[str, Any]:
    """The JSON object that a server answers, also with an error; PlatformAway without one."""
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response:
            body = response.read(_MOST_BYTES)
    except urllib.error.HTTPError as error:
        with error:
            body = error.read(_MOST_BYTES)
    except (OSError, ValueError):
        raise PlatformAway(
            f"{name} cannot be reached at the moment. Nothing was changed; please try again in "
            "some minutes."
        ) from None
    try:
        found = json.loads(body)
        if isinstance(found, dict):
            return found
    except ValueError:
        pass
    raise PlatformAway(
        f"{name} did not answer as expected. Nothing was changed; please try again in some minutes."
    )


def _checked(address: str) -> str:
    """An address to which secrets may go: encrypted, or on this machine."""
    parts = urlsplit(address)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOCAL):
        return address
    raise NotOffered(
        "The address of cTrader is not set up safely here (it must begin with https); ask our "
        "staff."
    )

"""What the venue answers over HTTP: as cTrader's own servers do where they have it too.

``/oauth/authorize`` is the page on which an owner signs in and gives an application access,
``/oauth/token`` exchanges the code for tokens, ``/accounts`` lets the application itself open an
account, signed in by its id and secret.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from collections.abc import Mapping
from html import escape
from typing import Any
from urllib.parse import urlencode, urlsplit

from apps.papervenue.engine import Refused
from apps.papervenue.opening import BadCommand, open_account
from apps.papervenue.owners import Owner
from apps.papervenue.venue import Venue
from apps.papervenue.web.codes import Codes
from apps.papervenue.web.consent import consent_page, message_page
from apps.papervenue.web.http import Request, Response

_HTML = "text/html; charset=utf-8"
_JSON = "application/json"
_LOCAL = frozenset({"127.0.0.1", "localhost", "::1"})


class Pages:
    """All pages of one venue."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._codes = Codes()
        self._routes = {
            ("GET", "/oauth/authorize"): self._consent,
            ("POST", "/oauth/authorize"): self._decide,
            ("GET", "/oauth/token"): self._token,
            ("POST", "/oauth/token"): self._token,
            ("POST", "/accounts"): self._open_account,
        }

    def answer(self, request: Request) -> Response:
        page = self._routes.get((request.method, request.path))
        if page is None:
            return _page(404, message_page("There is no such page here."))
        response = page(request)
        self._venue.settle()
        return response

    def _consent(self, request: Request) -> Response:
        if wrong := self._wrong_application(request.query):
            return _page(400, message_page(wrong))
        return _page(200, consent_page(request.query))

    def _decide(self, request: Request) -> Response:
        form = request.form
        if wrong := self._wrong_application(form):
            return _page(400, message_page(wrong))
        target, state = form["redirect_uri"], form.get("state", "")
        if form.get("decision") != "allow":
            return _back(target, error="access_denied", state=state)
        owner = self._venue.owners.sign_in(form.get("ctid", ""), form.get("password", ""))
        if owner is None:
            return _page(403, consent_page(form, "cTrader ID or password is wrong."))
        code = self._codes.give(owner.name, form["client_id"], target, self._venue.now())
        return _back(target, code=code, state=state)

    def _wrong_application(self, terms: Mapping[str, str]) -> str:
        """Why nobody is asked; '' where application and address are right."""
        target = urlsplit(terms.get("redirect_uri", ""))
        if terms.get("client_id") != self._venue.config.client_id:
            return "This application is not known."
        if target.scheme not in ("http", "https") or not target.hostname:
            return "The application names no address to go back to."
        if target.scheme == "http" and target.hostname not in _LOCAL:
            return "The application's address must begin with https."
        return ""

    def _token(self, request: Request) -> Response:
        terms = {**request.query, **(request.form if request.method == "POST" else {})}
        if not self._is_application(terms.get("client_id", ""), terms.get("client_secret", "")):
            return _refused("CH_CLIENT_AUTH_FAILURE", "client id or client secret is wrong", 401)
        now, kind = self._venue.now(), terms.get("grant_type")
        if kind == "refresh_token":
            try:
                owner = self._venue.owners.refresh(terms.get("refresh_token", ""), now)
            except Refused as refused:
                return _refused("ACCESS_DENIED", str(refused))
        elif kind == "authorization_code":
            name = self._codes.spend(
                terms.get("code", ""), terms["client_id"], terms.get("redirect_uri", ""), now
            )
            if not name:
                return _refused("ACCESS_DENIED", "the code is wrong, was used or has expired")
            owner = self._venue.owners.grant(name, now)
        else:
            return _refused("INVALID_REQUEST", f"no grant type {kind!r}")
        return _json(200, self._tokens(owner))

    def _tokens(self, owner: Owner) -> dict[str, Any]:
        return {
            "accessToken": owner.access_token,
            "tokenType": "bearer",
            "expiresIn": max(0, owner.expires_ms - self._venue.now()) // 1000,
            "refreshToken": owner.refresh_token,
            "errorCode": None,
            "description": None,
        }

    def _open_account(self, request: Request) -> Response:
        if not self._is_application(*_basic(request.headers.get("authorization", ""))):
            return _refused("CH_CLIENT_AUTH_FAILURE", "client id or client secret is wrong", 401)
        try:
            account = open_account(self._venue, **json.loads(request.body))
        except (BadCommand, TypeError, ValueError) as error:
            return _refused("INVALID_REQUEST", str(error))
        opened = {"account": account.account_id, "login": account.login}
        return _json(
            201, opened | self._tokens(self._venue.owners.get(account.owner, self._venue.now()))
        )

    def _is_application(self, client_id: str, secret: str) -> bool:
        config = self._venue.config
        same_id = hmac.compare_digest(client_id.encode(), config.client_id.encode())
        return hmac.compare_digest(secret.encode(), config.client_secret.encode()) and same_id


def _basic(header: str) -> tuple[str, str]:
    """User and password of an Authorization header; empty where there are none."""
    kind, _, value = header.partition(" ")
    if kind.lower() != "basic":
        return "", ""
    try:
        name, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, password


def _back(target: str, **values: str) -> Response:
    query = urlencode({name: value for name, value in values.items() if value})
    return Response(302, location=f"{target}{'&' if '?' in target else '?'}{query}")


def _page(status: int, html: str) -> Response:
    return Response(status, html.encode(), _HTML)


def _json(status: int, values: Mapping[str, Any]) -> Response:
    return Response(status, json.dumps(values).encode(), _JSON)


def _refused(code: str, description: str, status: int = 400) -> Response:
    return _json(status, {"errorCode": code, "description": escape(description, quote=False)})

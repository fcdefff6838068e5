"""The venue's pages: giving access as at cTrader, and opening accounts for the application."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from apps.papervenue.config import VenueConfig
from apps.papervenue.venue import Venue
from apps.papervenue.web.codes import LIFETIME_MS
from apps.papervenue.web.http import Request, Response
from apps.papervenue.web.pages import Pages

BACK = "https://portal.example.org/back/?x=1"
TERMS = {"client_id": "bellwether", "redirect_uri": BACK, "scope": "trading", "state": "s-1"}
SECRETS = {"client_id": "bellwether", "client_secret": "paper-venue"}


class Clock:
    now = 1_000_000


@pytest.fixture
def venue() -> Venue:
    found = Venue(VenueConfig(prices="manual"), lambda: Clock.now)
    found.owners.set_password("mara", "secret", Clock.now)
    return found


@pytest.fixture
def pages(venue: Venue) -> Pages:
    Clock.now = 1_000_000
    return Pages(venue)


def get(pages: Pages, path: str, **query: str) -> Response:
    return pages.answer(Request("GET", path, query, {}, b""))


def post(pages: Pages, path: str, **form: str) -> Response:
    return pages.answer(Request("POST", path, {}, {}, urlencode(form).encode()))


def code_of(pages: Pages, **changes: str) -> str:
    form = TERMS | {"ctid": "mara", "password": "secret", "decision": "allow"} | changes
    response = post(pages, "/oauth/authorize", **form)
    assert response.status == 302
    query = parse_qs(urlsplit(response.location).query)
    assert (query["state"], query["x"]) == (["s-1"], ["1"])
    return query["code"][0]


def token(pages: Pages, **terms: str) -> tuple[int, dict[str, Any]]:
    response = get(pages, "/oauth/token", **(SECRETS | terms))
    return response.status, json.loads(response.body)


def test_a_code_becomes_tokens_once(pages: Pages, venue: Venue) -> None:
    terms = {"grant_type": "authorization_code", "code": code_of(pages), "redirect_uri": BACK}
    status, answer = token(pages, **terms)
    assert (status, answer["errorCode"], answer["tokenType"]) == (200, None, "bearer")
    assert venue.owners.open(answer["accessToken"], Clock.now).name == "mara"
    assert token(pages, **terms)[1]["errorCode"] == "ACCESS_DENIED"


@pytest.mark.parametrize("change", ["late", "address", "secret", "another"])
def test_a_code_is_bound(pages: Pages, change: str) -> None:
    terms = {"grant_type": "authorization_code", "code": code_of(pages), "redirect_uri": BACK}
    if change == "late":
        Clock.now += LIFETIME_MS
    if change == "address":
        terms["redirect_uri"] = "https://evil.example.org/"
    if change == "secret":
        terms["client_secret"] = "guess"
    if change == "another":
        terms["code"] = "guess"
    status, answer = token(pages, **terms)
    assert status in (400, 401) and "accessToken" not in answer


def test_a_refresh_token_is_good_once(pages: Pages, venue: Venue) -> None:
    old = venue.owners.get("mara", Clock.now).refresh_token
    status, answer = token(pages, grant_type="refresh_token", refresh_token=old)
    assert status == 200 and answer["refreshToken"] != old
    assert token(pages, grant_type="refresh_token", refresh_token=old)[0] == 400
    assert token(pages, grant_type="password")[0] == 400


def test_denying_leads_back(pages: Pages) -> None:
    response = post(pages, "/oauth/authorize", **TERMS, decision="deny")
    assert parse_qs(urlsplit(response.location).query)["error"] == ["access_denied"]


@pytest.mark.parametrize(
    "change",
    [
        {"client_id": "other"},
        {"redirect_uri": "http://portal.example.org/"},
        {"redirect_uri": "javascript:alert(1)"},
        {"redirect_uri": ""},
    ],
)
def test_nobody_is_asked_for_a_wrong_application(pages: Pages, change: dict[str, str]) -> None:
    terms = TERMS | change
    assert get(pages, "/oauth/authorize", **terms).status == 400
    form = terms | {"ctid": "mara", "password": "secret", "decision": "allow"}
    assert post(pages, "/oauth/authorize", **form).status == 400


def test_what_is_sent_is_shown_as_text(pages: Pages) -> None:
    page = get(pages, "/oauth/authorize", **(TERMS | {"state": '"><script>'})).body.decode()
    assert "<script>" not in page and "&lt;script&gt;" in page


def opening(pages: Pages, secret: str = "paper-venue", **terms: Any) -> Response:
    basic = base64.b64encode(f"bellwether:{secret}".encode()).decode()
    headers = {"authorization": f"Basic {basic}"} if secret else {}
    return pages.answer(Request("POST", "/accounts", {}, headers, json.dumps(terms).encode()))


def test_the_application_opens_an_account(pages: Pages, venue: Venue) -> None:
    response = opening(pages, name="new", owner="house", currency="USD", deposit="250.50")
    answer = json.loads(response.body)
    account = venue.engine.book.accounts[answer["account"]]
    assert (response.status, account.owner, account.balance) == (201, "house", 25_050)
    assert venue.owners.open(answer["accessToken"], Clock.now).name == "house"


def test_nobody_else_does(pages: Pages, venue: Venue) -> None:
    for secret in ("", "guess"):
        assert opening(pages, secret, name="new").status == 401
    for terms in ({"name": "x", "currency": "XXX"}, {"deposit": "1"}, {"name": "x", "how": 1}):
        assert opening(pages, **terms).status == 400
    assert not venue.engine.book.accounts
    assert get(pages, "/accounts").status == 404

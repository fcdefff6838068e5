"""Signing in: application, accounts, tokens."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Any

from apps.openapi_wire import messages
from apps.openapi_wire.enums import ClientPermissionScope, ErrorCode
from apps.openapi_wire.payloads import PayloadType
from apps.papervenue.codec import BROKER
from apps.papervenue.engine.records import Refused

if TYPE_CHECKING:
    from apps.papervenue.session import Session
    from apps.papervenue.venue import Venue

PROTOCOL_VERSION = "100"


def version(venue: Venue, session: Session, request: Any) -> None:
    venue.outbox.reply(messages.ProtoOAVersionRes(version=PROTOCOL_VERSION))


def application(venue: Venue, session: Session, request: Any) -> None:
    if session.application:
        raise Refused(
            ErrorCode.CH_CLIENT_ALREADY_AUTHENTICATED, "this session has an application already"
        )
    config = venue.config
    same_id = hmac.compare_digest(request.clientId.encode(), config.client_id.encode())
    same_secret = hmac.compare_digest(request.clientSecret.encode(), config.client_secret.encode())
    if not (same_id and same_secret):
        raise Refused(ErrorCode.CH_CLIENT_AUTH_FAILURE, "client id or client secret is wrong")
    session.application = True
    venue.outbox.reply(messages.ProtoOAApplicationAuthRes())


def account(venue: Venue, session: Session, request: Any) -> None:
    number = request.ctidTraderAccountId
    owner = venue.owners.open(request.accessToken, venue.now())
    found = venue.engine.book.accounts.get(number)
    if found is None or found.owner != owner.name:
        raise Refused(
            ErrorCode.CH_CTID_TRADER_ACCOUNT_NOT_FOUND, f"the token does not open account {number}"
        )
    if number in session.accounts:
        raise Refused(ErrorCode.ALREADY_LOGGED_IN, f"account {number} is open on this session")
    session.accounts.add(number)
    venue.outbox.sessions.setdefault(number, []).append(session)
    venue.outbox.reply(messages.ProtoOAAccountAuthRes(ctidTraderAccountId=number))


def logout(venue: Venue, session: Session, request: Any) -> None:
    number = request.ctidTraderAccountId
    venue.leave(session, number)
    venue.outbox.reply(messages.ProtoOAAccountLogoutRes(ctidTraderAccountId=number))
    venue.outbox.reply(messages.ProtoOAAccountDisconnectEvent(ctidTraderAccountId=number))


def account_list(venue: Venue, session: Session, request: Any) -> None:
    owner = venue.owners.open(request.accessToken, venue.now())
    venue.outbox.reply(
        messages.ProtoOAGetAccountListByAccessTokenRes(
            accessToken=request.accessToken,
            permissionScope=ClientPermissionScope.SCOPE_TRADE,
            ctidTraderAccount=[
                messages.ProtoOACtidTraderAccount(
                    ctidTraderAccountId=found.account_id,
                    isLive=found.is_live,
                    traderLogin=found.login,
                    brokerTitleShort=BROKER,
                )
                for found in venue.engine.book.accounts.values()
                if found.owner == owner.name
            ],
        )
    )


def profile(venue: Venue, session: Session, request: Any) -> None:
    owner = venue.owners.open(request.accessToken, venue.now())
    venue.outbox.reply(
        messages.ProtoOAGetCtidProfileByTokenRes(
            profile=messages.ProtoOACtidProfile(userId=owner.user_id)
        )
    )


def refresh(venue: Venue, session: Session, request: Any) -> None:
    owner = venue.owners.refresh(request.refreshToken, venue.now())
    venue.outbox.reply(
        messages.ProtoOARefreshTokenRes(
            accessToken=owner.access_token,
            tokenType="bearer",
            expiresIn=venue.config.token_lifetime_s,
            refreshToken=owner.refresh_token,
        )
    )


HANDLERS = {
    PayloadType.PROTO_OA_VERSION_REQ: version,
    PayloadType.PROTO_OA_APPLICATION_AUTH_REQ: application,
    PayloadType.PROTO_OA_ACCOUNT_AUTH_REQ: account,
    PayloadType.PROTO_OA_ACCOUNT_LOGOUT_REQ: logout,
    PayloadType.PROTO_OA_GET_ACCOUNTS_BY_ACCESS_TOKEN_REQ: account_list,
    PayloadType.PROTO_OA_GET_CTID_PROFILE_BY_TOKEN_REQ: profile,
    PayloadType.PROTO_OA_REFRESH_TOKEN_REQ: refresh,
}

BEFORE_APPLICATION = frozenset(
    {PayloadType.PROTO_OA_VERSION_REQ, PayloadType.PROTO_OA_APPLICATION_AUTH_REQ}
)
"""What a session may ask before its application is known."""

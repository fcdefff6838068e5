"""From an address and credentials to a session that the platform accepts."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

from apps.openapi_wire import messages
from apps.platforms.adapters.ctrader.errors import APPLICATION_CODES, TOKEN_CODES
from apps.platforms.adapters.ctrader.session import Reply, Session
from apps.platforms.adapters.ctrader.tokens import Tokens
from apps.platforms.ports import AuthRefused, Credentials, PlatformError

Ask = Callable[..., Awaitable[Reply]]


async def dial(
    credentials: Credentials, timeout: float, make_session: Callable[[], Session]
) -> Session:
    """Open the connection; ConnectionError says why it could not be."""
    host, port = credentials.host, credentials.port
    try:
        async with asyncio.timeout(timeout):
            _, session = await asyncio.get_running_loop().create_connection(
                make_session, host, port, ssl=_tls(credentials)
            )
    except TimeoutError:
        raise ConnectionError(f"{host}:{port} did not answer in time") from None
    except OSError as error:
        raise ConnectionError(f"{host}:{port} cannot be reached: {error}") from error
    return session


async def sign_in(ask: Ask, session: Session, credentials: Credentials, tokens: Tokens) -> None:
    """Present the application and prove that the access token is good."""
    values = credentials.values
    request = messages.ProtoOAApplicationAuthReq(
        clientId=values["client_id"], clientSecret=values["client_secret"]
    )
    try:
        await ask(request, session=session)
    except PlatformError as error:
        if error.code in APPLICATION_CODES:
            raise AuthRefused(f"the application is refused: {error}") from error
        raise ConnectionError(f"sign-in failed: {error}") from error
    due = tokens.renew_in()
    if due is not None and due <= 0:
        await tokens.renew(session, tokens.access)
    try:
        await account_list(ask, session, tokens)
    except PlatformError as error:
        raise ConnectionError(f"sign-in failed: {error}") from error


async def account_list(ask: Ask, session: Session, tokens: Tokens) -> list[Any]:
    """The accounts that the access token opens; renews the token once where it is refused."""
    for first in (True, False):
        token = tokens.access
        request = messages.ProtoOAGetAccountListByAccessTokenReq(accessToken=token)
        try:
            reply = await ask(request, session=session)
            return list(reply.message.ctidTraderAccount)
        except PlatformError as error:
            if error.code not in TOKEN_CODES:
                raise
            if not (first and await tokens.renew(session, token)):
                raise AuthRefused(
                    f"the access token is refused ({error}) and cannot be renewed: "
                    "grant access to the accounts again"
                ) from error
    raise AssertionError("unreachable")


def _tls(credentials: Credentials) -> ssl.SSLContext | None:
    """System trust, or only the certificate in ``ca_pem`` where the connection names one."""
    if not credentials.tls:
        return None
    return ssl.create_default_context(cadata=credentials.values.get("ca_pem"))

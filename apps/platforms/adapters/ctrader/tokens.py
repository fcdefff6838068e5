"""The access token and its one-shot refresh token."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from apps.openapi_wire import messages
from apps.platforms.adapters.ctrader.errors import is_retryable
from apps.platforms.adapters.ctrader.session import Session
from apps.platforms.ports import Credentials, CredentialStore, PlatformError

_SPENT = 0.9  # part of a token's life after which it is renewed
_DAY_S = 86_400.0


class Tokens:
    """Keeps the access token good.

    A refresh token works once, so its successor is stored before anything uses the new
    access token; where storing failed the next renewal begins with storing. ``expires_at``
    and ``renew_at`` in the credentials are Unix seconds.
    """

    def __init__(
        self,
        credentials: Credentials,
        store: CredentialStore,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._values = credentials.values
        self._store = store
        self._clock = clock
        self._turn = asyncio.Lock()
        self._unsaved: dict[str, str] | None = None

    @property
    def access(self) -> str:
        return self._values.get("access_token", "")

    def renew_in(self) -> float | None:
        """Seconds until the token should be renewed; None where its end is not known."""
        if not self._values.get("refresh_token"):
            return None
        if at := self._values.get("renew_at"):
            return float(at) - self._clock()
        if at := self._values.get("expires_at"):
            return float(at) - _DAY_S - self._clock()
        return None

    async def renew(self, session: Session, stale: str) -> bool:
        """Replace the token ``stale``; False where the platform gives no other.

        Of many callers that found the same token stale, one asks. ConnectionError where it
        could not be replaced or stored now.
        """
        async with self._turn:
            if self.access != stale:
                return True
            if self._unsaved is None:
                self._unsaved = await self._ask(session)
            if self._unsaved is None:
                return False
            try:
                await self._store.save(self._unsaved)
            except Exception as error:  # the store is the caller's and may raise anything
                raise ConnectionError(f"the renewed token cannot be stored: {error!r}") from error
            self._values.update(self._unsaved)
            self._unsaved = None
            return True

    async def _ask(self, session: Session) -> dict[str, str] | None:
        refresh = self._values.get("refresh_token")
        if not refresh:
            return None
        try:
            reply = await session.ask(messages.ProtoOARefreshTokenReq(refreshToken=refresh))
        except PlatformError as error:
            if is_retryable(error.code):
                raise ConnectionError(f"the token cannot be renewed now: {error}") from error
            return None
        life = reply.message.expiresIn
        now = self._clock()
        return self._values | {
            "access_token": reply.message.accessToken,
            "refresh_token": reply.message.refreshToken,
            "expires_at": f"{now + life:.0f}",
            "renew_at": f"{now + life * _SPENT:.1f}",
        }

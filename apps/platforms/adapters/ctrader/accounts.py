"""What each new session has to be told: the accounts, their symbols, the quotes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, NamedTuple

from apps.openapi_wire import messages
from apps.platforms.adapters.ctrader.catalogue import Catalogue
from apps.platforms.adapters.ctrader.errors import ALREADY_THERE, TOKEN_CODES, is_retryable
from apps.platforms.adapters.ctrader.session import Reply, Session
from apps.platforms.adapters.ctrader.tokens import Tokens
from apps.platforms.ports import PlatformError

Ask = Callable[..., Awaitable[Reply]]

_SYMBOLS_A_QUERY = 200


class Refusal(NamedTuple):
    """Why an account was refused, and whether only for now."""

    reason: str
    passing: bool


class Accounts:
    """The attached accounts (in order), and the account that each symbol's quotes are of."""

    def __init__(self, ask: Ask, tokens: Tokens) -> None:
        self._ask = ask
        self._tokens = tokens
        self._catalogue_turn = asyncio.Lock()
        self._quotes: dict[int, str] = {}
        self.catalogue = Catalogue()
        self.attached: dict[str, None] = {}

    async def attach(self, session: Session, accounts: Sequence[str]) -> dict[str, Refusal]:
        """Authorise accounts and remember them, but for those that are refused."""
        wanted = list(accounts)
        answers = await asyncio.gather(*(self._authorise(session, a) for a in wanted))
        refused = {a: answer for a, answer in zip(wanted, answers, strict=True) if answer}
        for account in wanted:
            if account in refused:
                self.attached.pop(account, None)
            else:
                self.attached[account] = None
        return refused

    async def resume(self, session: Session) -> dict[str, Refusal]:
        """Tell a new session everything that the one before knew."""
        refused = await self.attach(session, list(self.attached))
        await self.resume_quotes(session, list(self._quotes.values()))
        return refused

    async def resume_quotes(self, session: Session, of_accounts: Iterable[str]) -> None:
        """Subscribe again what these accounts had; another account takes over a lost one's."""
        if not self.attached:
            return
        heir = next(iter(self.attached))
        for account in dict.fromkeys(of_accounts):
            symbols = [symbol for symbol, owner in self._quotes.items() if owner == account]
            keeper = account if account in self.attached else heir
            self._quotes.update(dict.fromkeys(symbols, keeper))
            await self._subscribe(keeper, symbols, session)

    async def subscribe(self, account: str, symbol_ids: Iterable[int]) -> None:
        """Quotes of the symbols that no account of the session has asked for yet."""
        new = [s for s in dict.fromkeys(symbol_ids) if s not in self._quotes]
        self._quotes.update(dict.fromkeys(new, account))
        try:
            await self._subscribe(account, new)
        except BaseException:
            for symbol_id in new:
                self._quotes.pop(symbol_id, None)
            raise

    async def load_catalogue(self, account: str) -> None:
        """Read assets and symbols anew; one reader at a time."""
        number = int(account)
        async with self._catalogue_turn:
            assets = await self._ask(messages.ProtoOAAssetListReq(ctidTraderAccountId=number))
            light = await self._ask(messages.ProtoOASymbolsListReq(ctidTraderAccountId=number))
            ids = [symbol.symbolId for symbol in light.message.symbol]
            full: list[Any] = []
            for start in range(0, len(ids), _SYMBOLS_A_QUERY):
                part = ids[start : start + _SYMBOLS_A_QUERY]
                reply = await self._ask(
                    messages.ProtoOASymbolByIdReq(ctidTraderAccountId=number, symbolId=part)
                )
                full += reply.message.symbol
            self.catalogue.set_assets(assets.message.asset)
            self.catalogue.set_symbols(light.message.symbol, full)

    async def _authorise(self, session: Session, account: str) -> Refusal | None:
        if not account.isdecimal():
            return Refusal(f"{account!r} is no account number of this platform", passing=False)
        for first in (True, False):
            token = self._tokens.access
            request = messages.ProtoOAAccountAuthReq(
                ctidTraderAccountId=int(account), accessToken=token
            )
            try:
                await self._ask(request, session=session)
                return None
            except PlatformError as error:
                if error.code in ALREADY_THERE:
                    return None
                stale = first and error.code in TOKEN_CODES
                if not (stale and await self._tokens.renew(session, token)):
                    return Refusal(str(error), is_retryable(error.code))
        raise AssertionError("unreachable")

    async def _subscribe(
        self, account: str, symbol_ids: list[int], session: Session | None = None
    ) -> None:
        if not symbol_ids:
            return
        request = messages.ProtoOASubscribeSpotsReq(
            ctidTraderAccountId=int(account), symbolId=symbol_ids, subscribeToSpotTimestamp=True
        )
        try:
            await self._ask(request, session=session)
        except PlatformError as error:
            if error.code not in ALREADY_THERE:
                raise

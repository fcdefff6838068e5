"""Questions that an event leaves open, asked in the background."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from apps.openapi_wire import messages
from apps.openapi_wire.scaling import time_from_wire
from apps.platforms.adapters.ctrader.inbound import read_position, read_trader
from apps.platforms.adapters.ctrader.inbox import Inbox
from apps.platforms.adapters.ctrader.link import Link
from apps.platforms.adapters.ctrader.session import Reply
from apps.platforms.ports import AccountUpdate, Event, PlatformError, PositionUpdate


class FollowUp:
    """Puts the answers into the inbox as events of their own.

    What is asked again while the same question is under way is asked once more afterwards,
    so a stop that trails with every tick costs no more than one question at a time. A
    question that fails is dropped: the session is broken then and all is read anew.
    """

    def __init__(self, link: Link, inbox: Inbox) -> None:
        self._link = link
        self._inbox = inbox
        self._under_way: dict[tuple[str, str], bool] = {}

    def ask_state(self, account: str) -> None:
        """AccountUpdate with the account's state of now."""
        request = messages.ProtoOATraderReq(ctidTraderAccountId=int(account))
        self._ask((account, ""), request, lambda reply: self._state(account, reply))

    def ask_position(self, account: str, position_id: str) -> None:
        """PositionUpdate with the position of now, nothing when it is gone."""
        request = messages.ProtoOAReconcileReq(ctidTraderAccountId=int(account))
        self._ask(
            (account, position_id),
            request,
            lambda reply: self._position(account, position_id, reply),
        )

    def _ask(
        self, key: tuple[str, str], request: Any, read: Callable[[Reply], list[Event]]
    ) -> None:
        if key in self._under_way:
            self._under_way[key] = True
            return
        self._under_way[key] = False
        self._link.spawn(self._until_answered(key, request, read))

    async def _until_answered(
        self, key: tuple[str, str], request: Any, read: Callable[[Reply], list[Event]]
    ) -> None:
        try:
            again = True
            while again:
                self._under_way[key] = False
                events = read(await self._link.ask(request))
                if events:
                    self._inbox.put(events)
                again = self._under_way[key]
        except (ConnectionError, PlatformError):
            return
        finally:
            del self._under_way[key]

    def _state(self, account: str, reply: Reply) -> list[Event]:
        catalogue = self._link.accounts.catalogue
        state = read_trader(reply.message.trader, catalogue, reply.received_at)
        return [AccountUpdate(account, state, reply.received_at)]

    def _position(self, account: str, position_id: str, reply: Reply) -> list[Event]:
        for row in reply.message.position:
            if str(row.positionId) == position_id:
                position = read_position(row, self._link.accounts.catalogue)
                if position is not None:
                    changed_at = time_from_wire(row.utcLastUpdateTimestamp)
                    return [PositionUpdate(account, position, changed_at, reply.received_at)]
        return []

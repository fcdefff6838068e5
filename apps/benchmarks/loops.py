"""What the copy engine is compared with: the floor, and what a simple copier does.

Both speak to the same kind of venue over a socket of their own and keep nothing.
"""

from __future__ import annotations

import socket
import statistics
import time
from collections.abc import Sequence
from typing import Any

from apps.demo.client import VenueClient
from apps.demo.desk import Endpoint
from apps.openapi_wire import FrameDecoder, PayloadType, encode_frame, messages
from apps.openapi_wire.enums import ExecutionType, OrderType, TradeSide

REPEATS = 5


def new_order(account: int, symbol: int, volume: int, key: str) -> Any:
    """A market order as the gateway sends one, with its id where the gateway puts it."""
    return messages.ProtoOANewOrderReq(
        ctidTraderAccountId=account,
        symbolId=symbol,
        orderType=OrderType.MARKET,
        tradeSide=TradeSide.BUY,
        volume=volume,
        clientOrderId=key,
        label=key,
    )


def bare_wire_ms(endpoint: Endpoint, accounts: Sequence[int], symbol: int, volume: int) -> float:
    """Median milliseconds to encode one order per account and hand it to the socket.

    One frame, one write, nothing else in between. What was opened is closed again.
    """
    with _BareSession(endpoint) as session:
        session.sign_in(accounts)
        times = [session.burst(accounts, symbol, volume, f"b{n}") for n in range(REPEATS)]
    return statistics.median(times)


async def naive_loop_ms(
    endpoint: Endpoint, accounts: Sequence[int], symbol: int, volume: int
) -> float:
    """Median milliseconds of a loop that awaits the fill of each order before the next."""
    client = await endpoint.open()
    try:
        for account in accounts:
            await client.authorise(account, endpoint.access_token)
        return statistics.median(
            [await _naive_pass(client, accounts, symbol, volume, n) for n in range(3)]
        )
    finally:
        await client.close()


async def _naive_pass(
    client: VenueClient, accounts: Sequence[int], symbol: int, volume: int, number: int
) -> float:
    positions = []
    begin = time.perf_counter()
    for index, account in enumerate(accounts):
        key = f"n{number}x{index}"
        done = await client.execute(new_order(account, symbol, volume, key))
        positions.append((account, done.position.positionId))
    took = (time.perf_counter() - begin) * 1000
    for account, position in positions:
        await client.execute(
            messages.ProtoOAClosePositionReq(
                ctidTraderAccountId=account, positionId=position, volume=volume
            )
        )
    return took


class _BareSession:
    """A blocking socket and as little as possible around it."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._socket = socket.create_connection((endpoint.host, endpoint.port), timeout=30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._decoder = FrameDecoder()

    def __enter__(self) -> _BareSession:
        return self

    def __exit__(self, *exc: object) -> None:
        self._socket.close()

    def sign_in(self, accounts: Sequence[int]) -> None:
        self._send(
            messages.ProtoOAApplicationAuthReq(
                clientId=self._endpoint.client_id, clientSecret=self._endpoint.client_secret
            )
        )
        self._collect(PayloadType.PROTO_OA_APPLICATION_AUTH_RES, 1)
        for account in accounts:
            self._send(
                messages.ProtoOAAccountAuthReq(
                    ctidTraderAccountId=account, accessToken=self._endpoint.access_token
                )
            )
        self._collect(PayloadType.PROTO_OA_ACCOUNT_AUTH_RES, len(accounts))

    def burst(self, accounts: Sequence[int], symbol: int, volume: int, prefix: str) -> float:
        """One order per account; milliseconds until the last was handed to the socket."""
        send = self._socket.sendall
        begin = time.perf_counter()
        for index, account in enumerate(accounts):
            key = f"{prefix}x{index}"
            send(encode_frame(new_order(account, symbol, volume, key), key))
        took = (time.perf_counter() - begin) * 1000
        self._close_all(self._fills(len(accounts)), volume)
        return took

    def _close_all(self, fills: Sequence[Any], volume: int) -> None:
        for fill in fills:
            self._send(
                messages.ProtoOAClosePositionReq(
                    ctidTraderAccountId=fill.ctidTraderAccountId,
                    positionId=fill.position.positionId,
                    volume=volume,
                )
            )
        self._fills(len(fills))

    def _fills(self, count: int) -> list[Any]:
        return self._collect(
            PayloadType.PROTO_OA_EXECUTION_EVENT, count, ExecutionType.ORDER_FILLED
        )

    def _collect(self, kind: int, count: int, execution: int | None = None) -> list[Any]:
        """Read until ``count`` such messages have come; ConnectionError on a refusal."""
        found: list[Any] = []
        while len(found) < count:
            data = self._socket.recv(1 << 20)
            if not data:
                raise ConnectionError("the venue closed the session")
            for frame in self._decoder.feed(data):
                if frame.payload_type == PayloadType.PROTO_OA_ERROR_RES:
                    raise ConnectionError(f"the venue refused: {frame.message().errorCode}")
                if frame.payload_type != kind:
                    continue
                message = frame.message()
                if execution is None or message.executionType == execution:
                    found.append(message)
        return found

    def _send(self, message: Any) -> None:
        self._socket.sendall(encode_frame(message, "q"))

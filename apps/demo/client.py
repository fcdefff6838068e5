"""A small Open API client, such as a stranger would write: it knows the wire and nothing else.

Used by the demo traders, the ``demo_trade`` command and the benchmarks, so that master trades
come from outside and not through the product's own road to a platform.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Sequence
from typing import Any

from apps.openapi_wire import (
    Frame,
    FrameDecoder,
    FrameError,
    PayloadType,
    encode_frame,
    messages,
)
from apps.openapi_wire.enums import ExecutionType
from apps.openapi_wire.payloads import CommonPayloadType

Listener = Callable[[Any], None]


class VenueRefused(Exception):
    """The venue answered with an error; ``code`` is the venue's own."""

    def __init__(self, code: str, description: str = "") -> None:
        super().__init__(f"the venue refused: {code} {description}".rstrip())
        self.code = code


class VenueClient:
    """One session with an Open API server.

    Requests are matched to answers by client message id. What the server sends unasked goes
    to ``listener`` as a parsed message. A broken session ends every waiting request with
    ConnectionError; there is no reconnect inside, whoever needs one opens a new client.
    """

    HEARTBEAT_S = 10.0
    ANSWER_S = 10.0

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        listener: Listener | None = None,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._listener = listener
        self._decoder = FrameDecoder()
        self._waiting: dict[str, tuple[asyncio.Future[Any], bool]] = {}
        self._number = 0
        self._tasks = [
            asyncio.create_task(self._read(), name="venue-client-read"),
            asyncio.create_task(self._beat(), name="venue-client-beat"),
        ]
        self.broken = asyncio.Event()

    @classmethod
    async def connect(
        cls,
        host: str,
        port: int,
        *,
        client_id: str,
        client_secret: str,
        tls: bool = False,
        listener: Listener | None = None,
    ) -> VenueClient:
        """Open a session and sign the application in. VenueRefused or OSError on failure."""
        context = _lenient_tls() if tls else None
        reader, writer = await asyncio.open_connection(host, port, ssl=context)
        client = cls(reader, writer, listener)
        try:
            await client.request(
                messages.ProtoOAApplicationAuthReq(clientId=client_id, clientSecret=client_secret)
            )
        except BaseException:
            await client.close()
            raise
        return client

    async def authorise(self, account: int, token: str) -> None:
        """Open an account on this session."""
        await self.request(
            messages.ProtoOAAccountAuthReq(ctidTraderAccountId=account, accessToken=token)
        )

    async def request(self, message: Any) -> Any:
        """Send a request and return the first message that answers it."""
        return await self._exchange(message, to_the_end=False)

    async def execute(self, message: Any) -> Any:
        """Send a trading request and return the execution event that completes it.

        A market order passes through ACCEPTED first; a change of stop loss or take profit is
        complete when replaced.
        """
        return await self._exchange(message, to_the_end=True)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._fail(ConnectionError("the client was closed"))
        self._writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            await asyncio.wait_for(self._writer.wait_closed(), 2)

    async def _exchange(self, message: Any, *, to_the_end: bool) -> Any:
        if self.broken.is_set():
            raise ConnectionError("the session with the venue is broken")
        self._number += 1
        key = f"x{self._number}"
        future = asyncio.get_running_loop().create_future()
        self._waiting[key] = (future, to_the_end)
        try:
            self._writer.write(encode_frame(message, key))
            return await asyncio.wait_for(future, self.ANSWER_S)
        except TimeoutError:
            raise ConnectionError("the venue did not answer in time") from None
        finally:
            self._waiting.pop(key, None)

    async def _read(self) -> None:
        try:
            while data := await self._reader.read(262_144):
                for frame in self._decoder.feed(data):
                    self._take(frame)
            reason = "the venue closed the session"
        except (OSError, FrameError) as error:
            reason = f"the session with the venue broke: {error}"
        self.broken.set()
        self._fail(ConnectionError(reason))

    def _take(self, frame: Frame) -> None:
        future, to_the_end = self._waiting.get(frame.client_msg_id, (None, False))
        if future is None:
            if self._listener is not None:
                self._listener(frame.message())
            return
        answer = frame.message()
        if self._listener is not None and frame.payload_type == _EXECUTION:
            self._listener(answer)
        if future.done():
            return
        if frame.payload_type in _ERRORS:
            future.set_exception(VenueRefused(answer.errorCode, answer.description))
        elif frame.payload_type == _EXECUTION and answer.executionType in _REFUSALS:
            future.set_exception(VenueRefused(answer.errorCode or "ORDER_REJECTED"))
        elif not to_the_end or answer.executionType in _COMPLETE:
            future.set_result(answer)

    def _fail(self, error: ConnectionError) -> None:
        for future, _ in list(self._waiting.values()):
            if not future.done():
                future.set_exception(error)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self.HEARTBEAT_S)
            self._writer.write(encode_frame(messages.ProtoHeartbeatEvent()))


async def symbols_of(client: VenueClient, account: int) -> dict[str, Any]:
    """Full symbol messages by name, with ``symbolName`` filled in by the listing."""
    listing = await client.request(messages.ProtoOASymbolsListReq(ctidTraderAccountId=account))
    names = {light.symbolId: light.symbolName for light in listing.symbol}
    details = await client.request(
        messages.ProtoOASymbolByIdReq(ctidTraderAccountId=account, symbolId=list(names))
    )
    return {names[symbol.symbolId]: symbol for symbol in details.symbol}


async def positions_of(client: VenueClient, account: int) -> Sequence[Any]:
    """Open positions of an account, as the venue lists them."""
    answer = await client.request(messages.ProtoOAReconcileReq(ctidTraderAccountId=account))
    return list(answer.position)


def _lenient_tls() -> ssl.SSLContext:
    """Encrypted but unverified: a paper venue signs its own certificate."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


_EXECUTION = PayloadType.PROTO_OA_EXECUTION_EVENT
_ERRORS = frozenset(
    {
        PayloadType.PROTO_OA_ORDER_ERROR_EVENT,
        PayloadType.PROTO_OA_ERROR_RES,
        CommonPayloadType.ERROR_RES,
    }
)
_REFUSALS = frozenset({ExecutionType.ORDER_REJECTED, ExecutionType.ORDER_CANCEL_REJECTED})
_COMPLETE = frozenset(
    {
        ExecutionType.ORDER_FILLED,
        ExecutionType.ORDER_REPLACED,
        ExecutionType.ORDER_CANCELLED,
    }
)

"""Framing: four bytes of length, big-endian, then a ProtoMessage with the payload inside."""

from __future__ import annotations

from typing import Any, Final

from google.protobuf.message import DecodeError, Message

from apps.openapi_wire import messages
from apps.openapi_wire.messages import CLASS_BY_PAYLOAD_TYPE, PAYLOAD_TYPE

MAX_FRAME_BYTES: Final = 4 * 1024 * 1024
"""A longer frame is taken for garbage. Reconcile answers of large accounts stay far below."""


class FrameError(Exception):
    """The byte stream is not a sequence of Open API frames; the session cannot go on."""


class UnknownPayload(Exception):
    """A frame carries a payload type that the tables do not define."""

    def __init__(self, payload_type: int) -> None:
        super().__init__(f"payload type {payload_type} is not defined here")
        self.payload_type = payload_type


class Frame:
    """One received message: its payload type, the client message id ('' if none), its bytes."""

    __slots__ = ("client_msg_id", "payload", "payload_type")

    def __init__(self, payload_type: int, client_msg_id: str, payload: bytes) -> None:
        self.payload_type = payload_type
        self.client_msg_id = client_msg_id
        self.payload = payload

    def message(self) -> Any:
        """Parse the payload. UnknownPayload for a foreign type, FrameError where it is broken."""
        cls = CLASS_BY_PAYLOAD_TYPE.get(self.payload_type)
        if cls is None:
            raise UnknownPayload(self.payload_type)
        try:
            return cls.FromString(self.payload)
        except DecodeError as error:
            raise FrameError(f"broken {cls.DESCRIPTOR.name}: {error}") from error

    def __repr__(self) -> str:
        return f"Frame({self.payload_type}, {self.client_msg_id!r}, {len(self.payload)} bytes)"


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


_HEADS: Final = {cls: b"\x08" + _varint(number) + b"\x12" for cls, number in PAYLOAD_TYPE.items()}
_SMALL: Final = tuple(_varint(size) for size in range(1024))


def encode_frame(message: Message, client_msg_id: str | None = None) -> bytes:
    """Bytes of one frame. ``message`` is any message that has a payload type of its own.

    The envelope (payload type 1, payload 2, client message id 3) is put together here rather
    than by the message class: it is the same few bytes each time, at half the cost.
    """
    payload = message.SerializeToString()
    return encode_payload(type(message), payload, client_msg_id)


def encode_payload(cls: type[Message], payload: bytes, client_msg_id: str | None = None) -> bytes:
    """The same for a payload that is already serialised, so that many sessions share it."""
    size = len(payload)
    body = _HEADS[cls] + (_SMALL[size] if size < 1024 else _varint(size)) + payload
    if client_msg_id:
        tag = client_msg_id.encode()
        length = len(tag)
        body += b"\x1a" + (_SMALL[length] if length < 1024 else _varint(length)) + tag
    return len(body).to_bytes(4, "big") + body


class FrameDecoder:
    """Cuts a byte stream into frames, whatever the sizes of the pieces in which it arrives."""

    def __init__(self, max_frame_bytes: int = MAX_FRAME_BYTES) -> None:
        self._rest = b""
        self._max = max_frame_bytes

    def feed(self, data: bytes) -> list[Frame]:
        """Frames that are complete now. FrameError ends the stream: the decoder is of no use."""
        buffer = self._rest + data if self._rest else bytes(data)
        frames: list[Frame] = []
        parse = messages.ProtoMessage.FromString
        position, end = 0, len(buffer)
        while end - position >= 4:
            start = position + 4
            size = int.from_bytes(buffer[position:start], "big")
            if size > self._max:
                raise FrameError(f"a frame of {size} bytes; at most {self._max} are accepted")
            position = start + size
            if position > end:
                position = start - 4
                break
            try:
                envelope = parse(buffer[start:position])
            except DecodeError as error:
                raise FrameError(f"a frame holds no ProtoMessage: {error}") from error
            frames.append(Frame(envelope.payloadType, envelope.clientMsgId, envelope.payload))
        self._rest = buffer[position:]
        return frames

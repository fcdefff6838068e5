"""The Open API's messages and framing, under both the paper venue and the cTrader adapter.

``messages.ProtoOA...`` are the message classes, ``encode_frame`` and ``FrameDecoder`` the
framing, ``enums`` the protocol's enumerations, ``scaling`` the way from its integers to
Decimal. Volumes on the wire are hundredths of a unit.
"""

from apps.openapi_wire import enums, messages, scaling
from apps.openapi_wire.frames import (
    MAX_FRAME_BYTES,
    Frame,
    FrameDecoder,
    FrameError,
    UnknownPayload,
    encode_frame,
    encode_payload,
)
from apps.openapi_wire.messages import CLASS_BY_PAYLOAD_TYPE, PAYLOAD_TYPE
from apps.openapi_wire.payloads import PayloadType

__all__ = [
    "CLASS_BY_PAYLOAD_TYPE",
    "MAX_FRAME_BYTES",
    "PAYLOAD_TYPE",
    "Frame",
    "FrameDecoder",
    "FrameError",
    "PayloadType",
    "UnknownPayload",
    "encode_frame",
    "encode_payload",
    "enums",
    "messages",
    "scaling",
]

import struct
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.openapi_wire import (
    CLASS_BY_PAYLOAD_TYPE,
    PAYLOAD_TYPE,
    Frame,
    FrameDecoder,
    FrameError,
    PayloadType,
    UnknownPayload,
    encode_frame,
    enums,
    messages,
    scaling,
)

REQUEST = messages.ProtoOANewOrderReq(
    ctidTraderAccountId=7,
    symbolId=1,
    orderType=enums.OrderType.MARKET,
    tradeSide=enums.TradeSide.SELL,
    volume=100_000,
    label="a label",
)


def test_a_frame_is_a_length_and_a_proto_message() -> None:
    frame = encode_frame(REQUEST, "id-1")
    (size,) = struct.unpack(">I", frame[:4])
    assert size == len(frame) - 4
    envelope = messages.ProtoMessage.FromString(frame[4:])
    assert envelope.payloadType == PayloadType.PROTO_OA_NEW_ORDER_REQ == 2106
    assert envelope.clientMsgId == "id-1"
    assert messages.ProtoOANewOrderReq.FromString(envelope.payload) == REQUEST


@pytest.mark.parametrize("size", [0, 1, 90, 127, 128, 1023, 1024, 20_000])
def test_the_hand_made_envelope_is_what_the_class_would_serialise(size: int) -> None:
    message = messages.ProtoOAVersionRes(version="v" * size)
    for tag in (None, "x", "y" * 200):
        envelope = messages.ProtoMessage(
            payloadType=2105, payload=message.SerializeToString(), clientMsgId=tag
        )
        assert encode_frame(message, tag)[4:] == envelope.SerializeToString()


@given(st.lists(st.text(max_size=300), max_size=30), st.lists(st.integers(1, 400), min_size=1))
def test_any_cutting_of_the_stream_gives_the_same_frames(
    versions: list[str], cuts: list[int]
) -> None:
    stream = b"".join(
        encode_frame(messages.ProtoOAVersionRes(version=text), f"m{number}")
        for number, text in enumerate(versions)
    )
    decoder, frames, position, turn = FrameDecoder(), [], 0, 0
    while position < len(stream):
        size = cuts[turn % len(cuts)]
        frames += decoder.feed(stream[position : position + size])
        position, turn = position + size, turn + 1
    assert [frame.message().version for frame in frames] == versions
    assert [frame.client_msg_id for frame in frames] == [f"m{n}" for n in range(len(versions))]


def test_a_length_beyond_the_limit_ends_the_stream() -> None:
    with pytest.raises(FrameError, match="at most 100"):
        FrameDecoder(max_frame_bytes=100).feed(struct.pack(">I", 101))


def test_garbage_is_no_frame() -> None:
    with pytest.raises(FrameError, match="no ProtoMessage"):
        FrameDecoder().feed(struct.pack(">I", 5) + b"\xff" * 5)


def test_a_broken_payload_and_a_foreign_one_are_told_apart() -> None:
    with pytest.raises(FrameError, match="ProtoOANewOrderReq"):
        Frame(2106, "", b"\x08").message()
    with pytest.raises(UnknownPayload, match="9999"):
        Frame(9999, "", b"").message()


def test_every_payload_type_leads_to_its_class_and_back() -> None:
    for cls, number in PAYLOAD_TYPE.items():
        assert CLASS_BY_PAYLOAD_TYPE[number] is cls
        assert cls().payloadType == number  # type: ignore[attr-defined]


def test_a_message_that_is_not_defined_says_so() -> None:
    with pytest.raises(AttributeError, match="ProtoOANothing"):
        _ = messages.ProtoOANothing


units = st.decimals(min_value=0, max_value=10**10, places=2)


@given(units)
def test_volumes_survive_the_wire(value: Decimal) -> None:
    assert scaling.units_from_wire(scaling.units_to_wire(value)) == value


@given(st.decimals(min_value=-(10**10), max_value=10**10, places=2))
def test_money_survives_the_wire(value: Decimal) -> None:
    assert scaling.money_from_wire(scaling.money_to_wire(value, 2), 2) == value


@given(st.integers(1, 10**10), st.integers(0, 5))
def test_prices_survive_the_double_of_the_wire(points: int, digits: int) -> None:
    price = Decimal(points).scaleb(-digits)
    assert scaling.price_from_wire(scaling.price_to_wire(price), digits) == price


def test_what_is_too_fine_for_the_wire_is_refused() -> None:
    with pytest.raises(ValueError, match="too fine"):
        scaling.units_to_wire(Decimal("0.001"))
    with pytest.raises(ValueError, match="too fine"):
        scaling.relative_to_wire(Decimal("0.000001"))


@given(st.integers(0, 2_147_483_646_000))
def test_times_survive_the_wire(milliseconds: int) -> None:
    assert scaling.time_to_wire(scaling.time_from_wire(milliseconds)) == milliseconds

"""What a written order is told: accepted, rejected, or that nobody knows."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from apps.openapi_wire import FrameDecoder, encode_frame, messages
from apps.openapi_wire.enums import ExecutionType
from apps.platforms.adapters.ctrader.answers import OrderAnswers
from apps.platforms.ports import Answer, SubmitResult

NOW = datetime(2026, 1, 5, 10, tzinfo=UTC)


def _frame(message: Any, client_msg_id: str) -> Any:
    return FrameDecoder().feed(encode_frame(message, client_msg_id))[0]


def _execution(kind: ExecutionType, **fields: Any) -> Any:
    trade = messages.ProtoOATradeData(symbolId=1, volume=100, tradeSide=1)
    order = messages.ProtoOAOrder(orderId=42, tradeData=trade, orderType=1, orderStatus=1)
    return messages.ProtoOAExecutionEvent(
        ctidTraderAccountId=1, executionType=kind, order=order, **fields
    )


def _expect(answers: OrderAnswers, client_order_id: str) -> asyncio.Future[SubmitResult]:
    future: asyncio.Future[SubmitResult] = asyncio.get_running_loop().create_future()
    assert answers.expect(client_order_id, future)
    return future


@pytest.fixture
async def answers() -> OrderAnswers:
    return OrderAnswers(asyncio.get_running_loop())


@pytest.mark.parametrize(
    "kind",
    [
        ExecutionType.ORDER_ACCEPTED,
        ExecutionType.ORDER_FILLED,
        ExecutionType.ORDER_PARTIAL_FILL,
        ExecutionType.ORDER_REPLACED,
        ExecutionType.ORDER_CANCELLED,
    ],
)
async def test_the_first_event_accepts(answers: OrderAnswers, kind: ExecutionType) -> None:
    future = _expect(answers, "c1")
    answers.take(_frame(_execution(kind), "c1"), NOW)
    assert future.result() == SubmitResult(
        "c1", Answer.ACCEPTED, platform_order_id="42", answered_at=NOW
    )


@pytest.mark.parametrize(
    ("message", "code", "retryable"),
    [
        (
            messages.ProtoOAOrderErrorEvent(ctidTraderAccountId=1, errorCode="NOT_ENOUGH_MONEY"),
            "NOT_ENOUGH_MONEY",
            False,
        ),
        (messages.ProtoOAErrorRes(errorCode="MARKET_CLOSED"), "MARKET_CLOSED", True),
        (messages.ProtoErrorRes(errorCode="BLOCKED_PAYLOAD_TYPE"), "BLOCKED_PAYLOAD_TYPE", True),
        (
            _execution(ExecutionType.ORDER_REJECTED, errorCode="TRADING_BAD_STOPS"),
            "TRADING_BAD_STOPS",
            False,
        ),
        (
            _execution(ExecutionType.ORDER_CANCEL_REJECTED, errorCode="UNABLE_TO_CANCEL_ORDER"),
            "UNABLE_TO_CANCEL_ORDER",
            False,
        ),
    ],
)
async def test_errors_reject(
    answers: OrderAnswers, message: Any, code: str, retryable: bool
) -> None:
    future = _expect(answers, "c1")
    answers.take(_frame(message, "c1"), NOW)
    result = future.result()
    assert (result.answer, result.code, result.retryable) == (Answer.REJECTED, code, retryable)


async def test_one_timer_ends_all_that_are_late(answers: OrderAnswers) -> None:
    loop = asyncio.get_running_loop()
    late, later = _expect(answers, "c1"), _expect(answers, "c2")
    answers.give_until(loop.time() + 0.2, ["c2"])
    answers.give_until(loop.time() + 0.02, ["c1"])
    assert (await late).answer is Answer.UNKNOWN
    assert not later.done()
    assert (await later).code == "NO_ANSWER"


async def test_a_broken_session_leaves_them_unknown(answers: OrderAnswers) -> None:
    future = _expect(answers, "c1")
    answers.break_off("cut")
    assert (future.result().answer, future.result().message) == (Answer.UNKNOWN, "cut")


async def test_an_answer_after_the_deadline_is_nobodys(answers: OrderAnswers) -> None:
    _expect(answers, "c1")
    answers.break_off("cut")
    assert answers.take(_frame(_execution(ExecutionType.ORDER_FILLED), "c1"), NOW) == 0
    assert "c1" not in answers


@pytest.mark.parametrize(("told", "pause"), [(7, 7.0), (None, 1.0)])
async def test_too_many_says_for_how_long(
    answers: OrderAnswers, told: int | None, pause: float
) -> None:
    _expect(answers, "c1")
    message = messages.ProtoOAErrorRes(errorCode="BLOCKED_PAYLOAD_TYPE", retryAfter=told)
    assert answers.take(_frame(message, "c1"), NOW) == pause


async def test_the_same_id_twice_is_refused(answers: OrderAnswers) -> None:
    _expect(answers, "c1")
    second: asyncio.Future[SubmitResult] = asyncio.get_running_loop().create_future()
    assert not answers.expect("c1", second)

"""One order that cannot be settled must not hold up the others of its master."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import structlog
from django.db import InterfaceError, OperationalError

from apps.execution.api import Fence, Overtaken
from apps.execution.selectors import OrderResult
from apps.execution.troubles import set_aside

#: Of nobody's making: another worker, or a database that is not there.
_NOBODYS = (Overtaken, OperationalError, InterfaceError)

_log = structlog.get_logger(__name__)


def in_isolation(
    take: Callable[[Sequence[OrderResult]], int], results: Sequence[OrderResult], fence: Fence
) -> int:
    """Do ``take`` with all orders, and where that fails with halves of them.

    ``take`` is a transaction that passes the fence; it answers how many were settled. A single
    order with which it fails is set aside. Answers how many were settled in all.
    """
    value = fence.value
    try:
        return take(results)
    except _NOBODYS:
        raise
    except Exception as error:
        fence.value = value  # the transaction that had passed it is gone
        if len(results) == 1:
            _set_aside(results[0], error)
            return 0
    half = len(results) // 2
    return sum(in_isolation(take, some, fence) for some in (results[:half], results[half:]))


def _set_aside(result: OrderResult, error: Exception) -> None:
    said = f"{type(error).__name__}: {error}"
    attempts = set_aside(result.client_order_id, trace_id=result.trace_id, error=said)
    _log.error(
        "an order cannot be settled",
        client_order_id=result.client_order_id,
        trace_id=result.trace_id,
        master_account_id=result.wake_key,
        relation=result.relation,
        attempts=attempts,
        exc_info=error,
    )

"""Who hears of journaled events and finished orders.

Apps above register here, usually in ``AppConfig.ready``, functions that put work into a queue.
A call only says 'look now': whatever it speaks of is committed, and the sweeps of the gateway
say it again while the work is not done, so a receiver may fail or lose the message.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

OnEvents = Callable[[Sequence[int]], None]
OnOrders = Callable[[Sequence[int]], None]
OnTick = Callable[[], None]
OnRead = Callable[[Sequence[int]], None]

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Receiver:
    source: str
    on_events: OnEvents | None
    on_orders: OnOrders | None
    on_tick: OnTick | None
    on_read: OnRead | None


_receivers: dict[str, _Receiver] = {}


def register(
    source: str,
    *,
    on_events: OnEvents | None = None,
    on_orders: OnOrders | None = None,
    on_tick: OnTick | None = None,
    on_read: OnRead | None = None,
) -> None:
    """Have a source's functions called after the gateway's commits.

    ``on_events(account_ids)``: these accounts have events that are not planned.
    ``on_orders(wake_keys)``: orders of ``source`` with these wake keys have become final, have
    begun to rest on the platform, or were filled in part while they rested.
    ``on_read(account_ids)``: these accounts were read whole, when a session began or after a gap.
    ``on_tick()``: about every two seconds from each gateway that holds a connection.
    All are called in a thread of the gateway, outside of any transaction. Registering a
    source again replaces it.
    """
    _receivers[source] = _Receiver(source, on_events, on_orders, on_tick, on_read)


def sources() -> frozenset[str]:
    """The sources that want to hear of their orders."""
    return frozenset(s for s, receiver in _receivers.items() if receiver.on_orders)


def tell_events(account_ids: Sequence[int]) -> None:
    """Call every source's ``on_events``; a failure is logged and goes no further."""
    for receiver in list(_receivers.values()):
        if receiver.on_events is not None:
            _call(receiver.on_events, account_ids, receiver.source)


def tell_orders(source: str, wake_keys: Sequence[int]) -> None:
    """Call ``on_orders`` of one source; a failure is logged and goes no further."""
    receiver = _receivers.get(source)
    if receiver is not None and receiver.on_orders is not None:
        _call(receiver.on_orders, wake_keys, source)


def tell_read(account_ids: Sequence[int]) -> None:
    """Call every source's ``on_read``; a failure is logged and goes no further."""
    for receiver in list(_receivers.values()):
        if receiver.on_read is not None:
            _call(receiver.on_read, account_ids, receiver.source)


def tell_tick() -> None:
    """Call every source's ``on_tick``; a failure is logged and goes no further."""
    for receiver in list(_receivers.values()):
        if receiver.on_tick is not None:
            _call(receiver.on_tick, None, receiver.source)


def _call(function: Callable[..., None], keys: Sequence[int] | None, source: str) -> None:
    try:
        if keys is None:
            function()
        else:
            function(keys)
    except Exception as error:  # a broker that is down must not stop a gateway
        _log.warning("receiver failed", source=source, error=repr(error)[:200])

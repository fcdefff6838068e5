"""Who hears of journaled events and finished orders.

Apps above register here, usually in ``AppConfig.ready``, functions that say which tasks are to
be run or put work into a queue themselves. A call only says 'look now': the sweeps of the gateway
say it again while the work is not done, so a receiver may fail or lose the message.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import structlog

from apps.common.wakeups import Wake

#: Seconds for which whoever was told of an event looks for it before giving up; one whose commit
#: takes longer than half of that is told again.
AWAIT_S = 0.02

OnEvents = Callable[[Mapping[int, Sequence[str]]], Iterable[Wake]]
OnOrders = Callable[[Sequence[int]], Iterable[Wake]]
OnTick = Callable[[], None]
OnRead = Callable[[Sequence[int]], None]

T = TypeVar("T")

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

    ``on_events(awaited)``: these accounts have events that are not planned. The keys named for
    one are of events that are just being committed; they are looked for, see :data:`AWAIT_S`.
    ``on_orders(wake_keys)``: orders of ``source`` with these wake keys have become final, have
    begun to rest on the platform, or were filled in part while they rested.
    ``on_read(account_ids)``: these accounts were read whole, when a session began or after a gap.
    ``on_tick()``: about every two seconds from each gateway that holds a connection.
    The first two are called in the gateway's loop, which they must not keep waiting, and answer
    the tasks to run; the others in a thread, outside of any transaction. Registering a source
    again replaces it.
    """
    _receivers[source] = _Receiver(source, on_events, on_orders, on_tick, on_read)


def sources() -> frozenset[str]:
    """The sources that want to hear of their orders."""
    return frozenset(s for s, receiver in _receivers.items() if receiver.on_orders)


def wakes_for_events(told: Sequence[tuple[int, str]]) -> list[Wake]:
    """What every source's ``on_events`` wants run; a failure is logged and goes no further.

    ``told``: accounts, each with the key of an event that is being committed or ''.
    """
    awaited: dict[int, list[str]] = defaultdict(list)
    for account_id, key in told:
        awaited[account_id] += [key] if key else []
    wakes: list[Wake] = []
    for receiver in list(_receivers.values()):
        if receiver.on_events is not None:
            wakes += _call(receiver.on_events, awaited, receiver.source) or ()
    return wakes


def wakes_for_orders(source: str, wake_keys: Sequence[int]) -> list[Wake]:
    """What ``on_orders`` of one source wants run; a failure is logged and goes no further."""
    receiver = _receivers.get(source)
    if receiver is None or receiver.on_orders is None:
        return []
    return list(_call(receiver.on_orders, wake_keys, source) or ())


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


def _call(function: Callable[..., T], told: object, source: str) -> T | None:
    try:
        return function() if told is None else function(told)
    except Exception as error:  # a broker that is down must not stop a gateway
        _log.warning("receiver failed", source=source, error=repr(error)[:200])
        return None

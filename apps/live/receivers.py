"""From what the engine publishes to the sockets: one small message for each group."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer

from apps.common.events import listen
from apps.common.live_pages import STAFF_GROUP, master_group

#: Published by the engine once for each commit that planned or settled copies of a master.
COPY_CHANGED = "copy.changed"


def register() -> None:
    """Listen; called when the app starts, in every process that publishes."""
    listen(COPY_CHANGED, announce)


def announce(payload: Mapping[str, Any]) -> None:
    """Wake the pages that show copies of this master. Whoever misses it reads it soon after."""
    async_to_sync(_send)(int(payload["master_account_id"]))


async def _send(master_account_id: int) -> None:
    layer = get_channel_layer()
    if layer is None:
        return
    message = {"type": "copy.changed", "master_account_id": master_account_id}
    await layer.group_send(master_group(master_account_id), message)
    await layer.group_send(STAFF_GROUP, message)

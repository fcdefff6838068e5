"""What is published about applications of masters, for notifications and pages."""

from __future__ import annotations

from apps.common.events import publish
from apps.copytrading.models import CopyMaster

#: A customer applies to be a public master.
APPLICATION_RECEIVED = "master.application_received"
#: Staff approved (``approved``) or rejected it, with a ``reason``.
APPLICATION_DECIDED = "master.application_decided"


def tell_received(master: CopyMaster) -> None:
    """After the commit: somebody waits for a decision."""
    publish(APPLICATION_RECEIVED, **_of(master))


def tell_decided(master: CopyMaster) -> None:
    """After the commit: the application was decided as the master's status says."""
    publish(
        APPLICATION_DECIDED,
        **_of(master),
        approved=master.status not in (CopyMaster.Status.REJECTED, CopyMaster.Status.INACTIVE),
        reason=master.status_reason,
    )


def _of(master: CopyMaster) -> dict[str, object]:
    return {
        "master_uuid": str(master.uuid),
        "strategy_name": master.strategy_name,
        "owner_id": master.account.owner_id,
        "account_id": master.account_id,
    }

"""What people chose: which kind by which channel."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from apps.accounts.models import User
from apps.accounts.roles import Permission
from apps.accounts.selectors import may
from apps.notifications.domain.kinds import Kind, kind_of
from apps.notifications.models import Channel, Preference


@dataclass(frozen=True, slots=True)
class Choices:
    """Choices that differ from the defaults, by person, kind and channel (None: in the page)."""

    differing: dict[tuple[int, str, int | None], bool]

    @classmethod
    def of(cls, user_ids: Iterable[int]) -> Choices:
        """Everything these people chose, in one query."""
        rows = Preference.objects.filter(user_id__in=list(user_ids))
        fields = rows.values_list("user_id", "kind", "channel_id", "wanted")
        return cls({(user, kind, channel): wanted for user, kind, channel, wanted in fields})

    def wants(self, user_id: int, kind: str, channel: Channel | None) -> bool:
        """Whether a kind goes to a channel; what concerns security always goes by e-mail."""
        spec = kind_of(kind).spec
        if is_locked(kind, channel):
            return True
        default = True if channel is None else spec.sent
        return self.differing.get((user_id, kind, channel.pk if channel else None), default)


def is_locked(kind: str, channel: Channel | None) -> bool:
    """Whether the customer has no choice: security, in the page and by e-mail."""
    everywhere = channel is None or channel.is_email
    return kind_of(kind).spec.locked and everywhere


def kinds_for(user: User) -> list[Kind]:
    """The kinds that a person can be told of; those of the desk are for staff who may act."""
    asked = {kind.spec.permission for kind in Kind} - {""}
    granted = {name for name in asked if may(user, Permission(name))}
    return [kind for kind in Kind if not kind.spec.permission or kind.spec.permission in granted]

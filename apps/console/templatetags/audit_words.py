"""What an entry of the audit trail says, in words."""

from __future__ import annotations

from django import template

register = template.Library()

#: By action. What is missing is told by its own last part.
WORDS = {
    "subscription.create": "Began to copy",
    "subscription.update": "Changed settings",
    "subscription.pairs": "Changed symbol pairs",
    "subscription.pause": "Paused",
    "subscription.resume": "Resumed",
    "subscription.stop": "Stopped",
    "subscription.delete": "Deleted",
    "subscription.close_position": "Closed one position",
    "subscription.close_everything": "Closed everything",
    "subscription.detach_position": "Detached one position",
    "subscription.loss_limit": "Loss limit reached",
    "subscription.min_equity": "Equity below the minimum",
    "follower.create": "Began to follow",
    "follower.update": "Changed settings of the account",
    "follower.delete": "Ended all copying",
    "legal.publish": "Published a new version",
    "legal.accept": "Accepted",
    "master.create": "Became a master",
    "master.active": "Activated",
    "master.paused": "Paused",
    "master.inactive": "Deactivated",
    "master.pending": "Put up for approval",
    "master.rejected": "Rejected",
    "master.switch_on": "Switched on by its owner",
    "master.switch_off": "Switched off by its owner",
    "master.delete": "Deleted",
    "master.apply": "Applied to be public",
    "master.withdraw": "Withdrew the application",
    "master.approve": "Approved",
    "master.reject": "Rejected",
    "master.update": "Changed the profile",
    "master.picture": "Changed the picture",
}


@register.filter
def audit_words(action: str) -> str:
    """An action of the audit trail as people say it."""
    return WORDS.get(action) or action.rpartition(".")[2].replace("_", " ").capitalize()

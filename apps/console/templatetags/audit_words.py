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
    "subscription.detach_position": "Detached one position",
    "subscription.loss_limit": "Loss limit reached",
    "subscription.min_equity": "Equity below the minimum",
    "follower.create": "Began to follow",
    "follower.update": "Changed settings of the account",
    "follower.delete": "Ended all copying",
    "master.create": "Became a master",
    "master.active": "Activated",
    "master.paused": "Paused",
    "master.inactive": "Deactivated",
    "master.pending": "Put up for approval",
    "master.rejected": "Rejected",
    "master.switch_on": "Switched on by its owner",
    "master.switch_off": "Switched off by its owner",
    "master.delete": "Deleted",
    "customer.create": "Became a customer",
    "customer.permissions": "Changed permissions",
    "customer.lock": "Locked",
    "customer.unlock": "Unlocked",
    "customer.reset_second_factor": "Reset the second factor",
    "customer.view_begin": "Began to view as the customer",
    "customer.view_end": "Ended the view as the customer",
    "staff.create": "Joined the staff",
    "staff.role": "Changed the role",
    "staff.lock": "Locked",
    "staff.unlock": "Unlocked",
    "staff.reset_second_factor": "Reset the second factor",
    "module.enable": "Switched a module on",
    "module.disable": "Switched a module off",
    "defaults.update": "Changed defaults",
    "house.update": "Changed the house",
    "mail.update": "Changed a mail",
    "mail.reset": "Took the built-in mail again",
    "connection.created": "Added a connection",
    "connection.changed": "Changed a connection",
    "connection.credentials_replaced": "Replaced credentials",
    "connection.moved": "Moved a connection",
    "account_group.created": "Added an account group",
    "account_group.changed": "Changed an account group",
    "account.created": "Added a trading account",
    "account.changed": "Changed a trading account",
    "kill_switch.active": "Moved a kill switch to active",
    "kill_switch.reducing": "Moved a kill switch to reducing",
    "kill_switch.halted": "Moved a kill switch to halted",
    "kill_switch.confirm_closes": "Confirmed held closes",
    "drift.repair": "Repaired a difference",
    "drift.accept": "Accepted a difference",
}


@register.filter
def audit_words(action: str) -> str:
    """An action of the audit trail as people say it."""
    return WORDS.get(action) or action.rpartition(".")[2].replace("_", " ").capitalize()

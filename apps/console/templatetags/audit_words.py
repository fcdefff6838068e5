"""What an entry of the audit trail says, in words."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape as escaped
from typing import TYPE_CHECKING

from django import template
from django.utils.safestring import SafeString, mark_safe

if TYPE_CHECKING:
    from apps.console.audit_view import Change

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
    "connection.ended": "Ended a connection",
    "connection.changed": "Changed a connection",
    "connection.credentials_replaced": "Replaced credentials",
    "connection.moved": "Moved a connection",
    "account_group.created": "Added an account group",
    "account_group.changed": "Changed an account group",
    "account.created": "Added a trading account",
    "account.changed": "Changed a trading account",
    "account.removed": "Removed a trading account",
    "account.restored": "Brought a trading account back",
    "track_record.imported": "Imported a track record",
    "track_record.removed": "Removed an imported track record",
    "security.channel_added": "Added a channel for notifications",
    "security.channel_removed": "Removed a channel for notifications",
    "security.password_changed": "Changed the password",
    "security.password_reset": "Reset the password",
    "security.email_added": "Added an address",
    "security.email_changed": "Changed the address",
    "security.email_removed": "Removed an address",
    "security.second_factor_added": "Added a second factor",
    "security.second_factor_removed": "Removed a second factor",
    "security.recovery_codes_made": "Made recovery codes",
    "security.sessions_ended": "Ended sessions",
    "kill_switch.active": "Moved a kill switch to active",
    "kill_switch.reducing": "Moved a kill switch to reducing",
    "kill_switch.halted": "Moved a kill switch to halted",
    "kill_switch.confirm_closes": "Confirmed held closes",
    "drift.repair": "Repaired a difference",
    "drift.accept": "Accepted a difference",
    "master.apply": "Applied to be public",
    "master.make_private": "Made private",
    "master.withdraw": "Withdrew the application",
    "master.approve": "Approved",
    "master.reject": "Rejected",
    "master.close_copies": "Closed all that its copies held",
    "master.gate": "Takes no new followers: a rule",
    "master.ungate": "Takes new followers again",
    "master.acknowledge": "Acknowledged an alarm",
    "master.update": "Changed the profile",
    "master.picture": "Changed the picture",
}


@register.filter
def audit_words(action: str) -> str:
    """An action of the audit trail as people say it."""
    return WORDS.get(action) or action.rpartition(".")[2].replace("_", " ").capitalize()


#: Changes of one entry that stand open, and those that a page lists; all of them are in the file.
OPEN, LISTED = 4, 24


@register.simple_tag
def change_list(changes: Sequence[Change]) -> SafeString:
    """What an entry changed, each value as it was and as it is; without a template, for a page
    lists hundreds."""
    if not changes:
        return mark_safe('<span class="muted">–</span>')
    items = "".join(
        f'<li><span class="soft">{escaped(change.name)}</span> {_values(change)}</li>'
        for change in changes[:LISTED]
    )
    if len(changes) > LISTED:
        items += f'<li class="soft">and {len(changes) - LISTED} more, in the file</li>'
    shown = f'<ul class="changes">{items}</ul>'
    if len(changes) > OPEN:
        told = f"<summary>{len(changes)} values</summary>{shown}"
        shown = f'<details class="why">{told}</details>'
    return mark_safe(shown)


def _values(change: Change) -> str:
    was, now = f"<del>{escaped(change.was)}</del>", f"<ins>{escaped(change.now)}</ins>"
    if change.was and change.now:
        arrow = '<span aria-hidden="true">→</span><span class="visually-hidden">now</span>'
        return f"{was} {arrow} {now}"
    return now if change.now else was

"""What a new installation needs until its first copied trade, and what of it is done."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse
from django.utils import timezone

from apps.accounts.selectors import product_config
from apps.console.live import GATEWAY_SILENCE
from apps.copytrading.module import first_steps
from apps.execution.selectors import gateways
from apps.platforms.selectors import connections, groups_by_name, has_symbols


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do. ``address`` is where, with ``action`` as its words."""

    title: str
    done: bool
    told: str
    action: str = ""
    address: str = ""


def steps() -> list[Step]:
    """All steps in their order; a constant number of queries."""
    return [*_platform_steps(), *_people_steps()]


def _platform_steps() -> list[Step]:
    known = list(connections())
    now = timezone.now()
    running = [g for g in gateways() if now - g.seen_at < GATEWAY_SILENCE]
    live = [c for c in known if getattr(c, "state", None) and c.state.status == "live"]
    groups = groups_by_name()
    return [
        Step(
            "Connect a platform",
            bool(known),
            f"{len(known)} connected" if known else "Address and credentials of its server.",
            "Connect a platform",
            reverse("console:add_connection"),
        ),
        Step(
            "Run a gateway",
            bool(running),
            f"{len(running)} running"
            if running
            else "Start the process gateway; make run starts one.",
            "See operations",
            reverse("console:operations"),
        ),
        Step(
            "Add account groups",
            bool(groups),
            f"{len(groups)} there" if groups else "Mode, leverage and currency of accounts.",
            "Account groups",
            reverse("console:groups"),
        ),
        Step(
            "Read accounts and symbols",
            bool(live) and has_symbols(),
            "A session is live and symbols are known"
            if live and has_symbols()
            else "Happens by itself, seconds after an account was added.",
            "See platforms",
            reverse("console:platforms"),
        ),
    ]


def _people_steps() -> list[Step]:
    found = first_steps()
    on = product_config().copy_trading_enabled
    return [
        Step(
            "Switch Copy Trading on",
            on,
            "It is on" if on else "Look at the defaults of risk settings beside it.",
            "Product Configs",
            reverse("console:product"),
        ),
        Step(
            "Have two trading accounts",
            found.accounts >= 2,
            f"{found.accounts} there"
            if found.accounts >= 2
            else f"{found.accounts} of 2: one leads, one follows",
            "Add an account",
            reverse("console:add_account"),
        ),
        Step(
            "Have a master",
            found.masters > 0,
            f"{found.masters} active" if found.masters else "An account whose trades are copied.",
            "Make an account a master",
            reverse("console:add_master") if on else "",
        ),
        Step(
            "Have a follower",
            found.copies > 0,
            f"{found.copies} copies run"
            if found.copies
            else "The customer follows the master under My copying in the portal.",
            "See customers",
            reverse("console:customers"),
        ),
        Step(
            "Copy the first trade",
            found.copied,
            "Done"
            if found.copied
            else "The next trade of the master appears under Live within a second.",
            "Watch it live",
            reverse("console:live") if on else "",
        ),
    ]

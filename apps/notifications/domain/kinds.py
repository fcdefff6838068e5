"""What people are told of: the kinds, what they mean, and how soon a message leaves."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Self


class Area(enum.StrEnum):
    """Under which heading a kind stands in the preferences."""

    COPYING = "Your copies"
    MASTERS = "Masters"
    ACCOUNTS = "Your accounts"
    DESK = "The desk"
    SECURITY = "Security"


@dataclass(frozen=True, slots=True)
class Spec:
    """``one`` and ``many`` are the titles for a single event and for a count of them.

    What happens within ``gather_s`` seconds becomes one message with a count. ``quiet_s`` is how
    long after a message the next one about the same waits, so that a storm is a few messages.
    ``sent``: whether e-mail and other channels get it unless the customer chose otherwise.
    ``locked``: it always goes out by e-mail, whatever was chosen. ``tone`` is how bad it is.
    ``permission``: for those of staff who have it, and nobody else; '' is for everybody.
    """

    area: Area
    one: str
    many: str
    meaning: str
    gather_s: int = 5
    quiet_s: int = 0
    sent: bool = True
    locked: bool = False
    tone: str = "warn"
    permission: str = ""


class Kind(enum.StrEnum):
    """Stable values, stored with every notification. The enum is documented in the docs."""

    spec: Spec

    def __new__(cls, value: str, spec: Spec) -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.spec = spec
        return member

    COPY_FAILED = (
        "copy_failed",
        Spec(
            Area.COPYING,
            "A trade was not copied: the order failed",
            "{n} trades were not copied: their orders failed",
            "The platform refused an order, or it never arrived there.",
            gather_s=30,
            quiet_s=900,
            tone="bad",
        ),
    )
    COPY_SKIPPED = (
        "copy_skipped",
        Spec(
            Area.COPYING,
            "A trade was not copied: a rule held it back",
            "{n} trades were not copied: rules held them back",
            "A guard, too small a volume or too little margin; not what you switched off yourself.",
            gather_s=60,
            quiet_s=3600,
            sent=False,
        ),
    )
    COPY_STOPPED = (
        "copy_stopped",
        Spec(
            Area.COPYING,
            "A copy was paused, stopped or resumed",
            "Copies were paused, stopped or resumed ({n} times)",
            "By our staff or with your account; what you do yourself is not reported.",
        ),
    )
    LOSS_LIMIT = (
        "loss_limit",
        Spec(
            Area.COPYING,
            "A loss limit was reached",
            "{n} loss limits were reached",
            "The copy has been stopped and its positions are being closed.",
            tone="bad",
        ),
    )
    MIN_EQUITY = (
        "min_equity",
        Spec(
            Area.COPYING,
            "A copy was paused: too little equity",
            "{n} copies were paused: too little equity",
            "The account's equity fell below the minimum that you or we set.",
            tone="bad",
        ),
    )
    DRIFT = (
        "drift",
        Spec(
            Area.COPYING,
            "A position differs from its copy",
            "{n} positions differ from their copies",
            "An account holds something else than its copies should.",
            gather_s=60,
            quiet_s=900,
        ),
    )
    MARGIN = (
        "margin",
        Spec(
            Area.ACCOUNTS,
            "An account is short of margin",
            "{n} margin warnings",
            "Used margin is high for the account's equity, or its margin level is low.",
            quiet_s=900,
            tone="bad",
        ),
    )
    CONNECTION = (
        "connection",
        Spec(
            Area.ACCOUNTS,
            "The connection of an account changed",
            "{n} changes of a connection",
            "Lost for a minute or longer, refused by the platform, or back again.",
            quiet_s=600,
        ),
    )
    KILL_SWITCH = (
        "kill_switch",
        Spec(
            Area.ACCOUNTS,
            "Trading on your accounts was held back or released",
            "Trading on your accounts was held back or released {n} times",
            "Our staff moved a kill switch that concerns you.",
            tone="bad",
        ),
    )
    MASTER_CHANGED = (
        "master_changed",
        Spec(
            Area.MASTERS,
            "A master you follow changed its status",
            "{n} changes of masters you follow",
            "Paused, ended, or active again.",
        ),
    )
    MASTER_DECISION = (
        "master_decision",
        Spec(
            Area.MASTERS,
            "A decision about your own master",
            "{n} decisions about your own masters",
            "Approved, rejected, paused or ended by our staff.",
            tone="info",
        ),
    )
    MASTER_GATED = (
        "master_gated",
        Spec(
            Area.MASTERS,
            "Your master was closed to new followers, or opened again",
            "Your masters were closed to new followers or opened again {n} times",
            "By a rule about loss, drawdown or leverage; copies that there are go on.",
        ),
    )
    MASTER_ALARM = (
        "master_alarm",
        Spec(
            Area.DESK,
            "An alarm about a master",
            "{n} alarms about masters",
            "Something is unusual about how a master trades; the evidence stands on the desk.",
            tone="bad",
            permission="intervene",
        ),
    )
    APPLICATION = (
        "application",
        Spec(
            Area.DESK,
            "A customer applies to be a master",
            "{n} customers apply to be masters",
            "An application waits for somebody to decide.",
            gather_s=30,
            tone="info",
            permission="decide_applications",
        ),
    )
    SIGN_IN = (
        "sign_in",
        Spec(
            Area.SECURITY,
            "Sign-in from a new device",
            "{n} sign-ins from new devices",
            "Somebody signed in with a browser that you have not used here before.",
            gather_s=0,
            locked=True,
        ),
    )
    SECURITY = (
        "security",
        Spec(
            Area.SECURITY,
            "Your security settings changed",
            "{n} changes of your security settings",
            "Password, e-mail address, second factor, passkeys, notification channels.",
            gather_s=0,
            locked=True,
        ),
    )

    @property
    def label(self) -> str:
        """The title of a single one."""
        return self.spec.one

    def heading(self, count: int) -> str:
        """The title of so many of them."""
        return self.spec.one if count == 1 else self.spec.many.format(n=f"{count:,}")


def kind_of(value: str) -> Kind:
    """The kind that is stored under this value."""
    return Kind[value.upper()]


def kind_choices() -> list[tuple[str, str]]:
    return [(kind.value, kind.label) for kind in Kind]

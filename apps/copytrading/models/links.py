"""Master positions, and what subscriptions hold for them."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from apps.common.fields import PriceField, RatioField, UnitsField
from apps.copytrading.domain.link import LinkState
from apps.copytrading.models.words import choices
from apps.trading.orders import Side


class TradeLink(models.Model):
    """A master position and what one subscription holds for it.

    ``ratio`` (follower units per master unit) is frozen at the first open. ``target_units``
    is what should be held, exact; ``held_units`` what our own fills say is held.
    ``in_flight`` is the client order id of the one order that may be under way.
    """

    id = models.BigAutoField(primary_key=True)
    subscription_id = models.BigIntegerField()
    master_account_id = models.BigIntegerField()
    account_id = models.BigIntegerField()
    position_key = models.CharField(max_length=64, help_text="master position, or symbol")
    symbol = models.CharField(max_length=64, help_text="the follower's name of it")
    instrument_id = models.CharField(max_length=64)
    side = models.CharField(max_length=4, choices=choices(Side), help_text="the follower's")
    state = models.CharField(max_length=16, choices=choices(LinkState), default=LinkState.OPEN)
    ratio = RatioField()
    grows = models.BooleanField(help_text="increases of the master add to it")
    master_units = UnitsField(help_text="held by the master after the last applied event")
    target_units = RatioField()
    held_units = UnitsField(default=0)
    stop_loss = PriceField(null=True)
    take_profit = PriceField(null=True)
    position_id = models.CharField(max_length=64, blank=True, help_text="the follower's")
    in_flight = models.CharField(max_length=50, blank=True)
    close_cause = models.CharField(
        max_length=128, blank=True, help_text="why a person or a guard wants it closed"
    )
    close_not_before = models.DateTimeField(
        null=True, help_text="a close that failed is not sent again before"
    )
    master_price = PriceField(null=True)
    result = PriceField(default=0, help_text="realised, account currency, net of costs")
    opened_event_id = models.BigIntegerField()
    last_event_id = models.BigIntegerField()
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["subscription_id", "position_key"],
                condition=Q(state="open"),
                name="one_open_link",
            ),
            models.UniqueConstraint(
                fields=["in_flight"], condition=~Q(in_flight=""), name="one_order_in_flight"
            ),
        ]
        indexes = [
            models.Index(
                fields=["master_account_id", "position_key", "subscription_id"],
                name="link_of_position_in_order",
            ),
            models.Index(fields=["subscription_id", "-id"], name="link_of_subscription"),
            models.Index(
                fields=["account_id", "instrument_id"],
                name="link_open_on_account",
                condition=Q(state="open"),
            ),
            models.Index(
                fields=["master_account_id"],
                name="link_open_of_master",
                condition=Q(state="open"),
            ),
        ]

    def __str__(self) -> str:
        return f"link {self.id}: {self.held_units} of {self.target_units}"


class LinkLeg(models.Model):
    """One follower position that a link holds, with our share of it."""

    id = models.BigAutoField(primary_key=True)
    link_id = models.BigIntegerField()
    account_id = models.BigIntegerField()
    position_id = models.CharField(max_length=64)
    units = UnitsField()
    opened_units = UnitsField()
    open_price = PriceField()
    seen_deal_id = models.BigIntegerField(
        default=0, help_text="newest deal of somebody else that was taken note of"
    )
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["link_id", "position_id"], name="leg_once")]
        indexes = [
            models.Index(fields=["account_id", "position_id"], name="leg_of_position"),
            models.Index(fields=["link_id"], name="leg_open", condition=Q(closed_at=None)),
        ]

    def __str__(self) -> str:
        return f"leg {self.position_id}: {self.units}"


class LinkCorrection(models.Model):
    """What a link held otherwise than by orders for its master's events; written once.

    ``taken``: others had reduced its position, which was noted now. ``reopened``: an order for
    what is missing was committed, of which the link holds ``held_after`` until it is filled.
    """

    class Kind(models.TextChoices):
        TAKEN = "taken", "taken by others"
        REOPENED = "reopened", "opened again"

    id = models.BigAutoField(primary_key=True)
    link_id = models.BigIntegerField(db_index=True)
    kind = models.CharField(max_length=16, choices=Kind.choices)
    at = models.DateTimeField()
    held_before = UnitsField()
    held_after = UnitsField()
    client_order_id = models.CharField(max_length=50, blank=True)

    def __str__(self) -> str:
        return f"{self.kind}: {self.held_before} to {self.held_after}"

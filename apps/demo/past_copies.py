"""What the demo's copies made of their past, as the product keeps it: days, returns and gaps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from apps.analytics import api as analytics
from apps.analytics.copies import grown
from apps.analytics.gap_facts import Place
from apps.analytics.models import SubscriptionDay, SubscriptionFigures
from apps.copytrading.models import CopySubscription
from apps.demo.domain.past.book import Holding, PastBook
from apps.demo.domain.past.calendar import DAY, HOUR
from apps.demo.domain.past.mirror import LOT, PastCopy
from apps.demo.domain.past.prices import PastPrices
from apps.demo.past import Past
from apps.platforms.models import TradingAccount


class _Rates(NamedTuple):
    """Exchange rates of one step of the past."""

    prices: PastPrices
    step: int

    def rate(self, source: str, target: str) -> Decimal:
        return self.prices.rate(source, target, self.step)


class PastCopies:
    """Copies of a past that are stored already, their masters by character."""

    def __init__(
        self,
        past: Past,
        masters: Mapping[str, PastBook],
        made: Mapping[tuple[str, str], CopySubscription],
    ) -> None:
        self._past = past
        self._masters = masters
        self._made = made

    def days(self, now: datetime) -> None:
        """Returns day by day, and chained since the beginning."""
        days, figures = [], []
        for key, copy in self._past.copies.items():
            made, growth = self._made[key], 1.0
            for day in copy.days:
                step = grown(day.gained, day.money)
                growth *= step
                at = self._past.calendar.at(day.step)
                days.append(
                    SubscriptionDay(
                        subscription_id=made.pk, day=at.date(), result=day.result,
                        floating=day.floating, capital=day.capital, growth=step,
                    )
                )  # fmt: skip
            figures.append(self._figures(copy, made, growth, now))
        SubscriptionDay.objects.bulk_create(days, batch_size=5_000)
        SubscriptionFigures.objects.bulk_create(figures)

    def _figures(
        self, copy: PastCopy, made: CopySubscription, growth: float, now: datetime
    ) -> SubscriptionFigures:
        account, master = made.follower.account, made.master.account
        allocated = copy.terms.sizing.allocated_capital
        balance = self._past.books[copy.account].balance
        return SubscriptionFigures(
            subscription_id=made.pk,
            master_id=made.master_id,
            account_id=account.pk,
            started_at=self._past.calendar.at(copy.first),
            master_before=self._before(copy),
            realised=copy.result,
            floating=0,
            capital=allocated + copy.result if allocated else balance,
            growth=growth,
            counts=bool(copy.result) and not _of_one_owner(account, master),
            looked_at=now,
        )

    def _before(self, copy: PastCopy) -> float:
        """What one unit of the master's money became on the first day before the copy began."""
        sampled = self._masters[copy.master].sampled
        day, began = copy.first // DAY * DAY // HOUR, copy.first // HOUR
        if day not in sampled or began not in sampled or not sampled[day].equity:
            return 1.0
        return float(sampled[began].equity / sampled[day].equity)

    def gaps(self, position_id: Callable[[Holding], str], now: datetime) -> int:
        """Every copied trade beside that of its master, at the rates of its last deal."""
        copied: dict[Place, _Rates] = {}
        symbols: dict[tuple[int, str], tuple[str, str, Decimal]] = {}
        for key, copy in self._past.copies.items():
            made, book = self._made[key], self._masters[copy.master]
            connections = {
                made.follower.account.connection_id, made.master.account.connection_id
            }  # fmt: skip
            for term in book.prices.terms.values():
                known = (term.name, term.quote, LOT)
                symbols |= {(pk, term.instrument_id): known for pk in connections}
            for link in copy.links.values():
                place = Place(made.pk, position_id(link.copied))
                copied[place] = _Rates(book.prices, book.fills[link.last_fill].step)
        return analytics.take_up_past(copied, symbols, now=now)


def _of_one_owner(one: TradingAccount, other: TradingAccount) -> bool:
    return one.owner_id is not None and one.owner_id == other.owner_id

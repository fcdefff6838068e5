"""Replaying a subscription: recorded events and settings through the planning code again.

With the recorded settings every outcome must come out as it was written. With some of them
changed it shows what would have been.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from django.core.exceptions import ValidationError
from django.db import models

from apps.accounts.selectors import ProductSettings, product_config
from apps.copytrading.domain.codes import Code
from apps.copytrading.domain.events import MasterEvent
from apps.copytrading.domain.mapping import Symbol
from apps.copytrading.domain.replay import Given, Result, replay
from apps.copytrading.domain.rows import Market, Quote, Row
from apps.copytrading.domain.volume import Funds, Sizing, VolumeMode
from apps.copytrading.errors import InvalidSettings, NotFound
from apps.copytrading.models import CopySubscription
from apps.copytrading.services import sql
from apps.copytrading.services.load import load_master
from apps.copytrading.services.market import load_market
from apps.copytrading.services.settings import FIELDS
from apps.copytrading.services.tape import Cut, Record, cuts, load_record, tape_of
from apps.copytrading.services.terms import Terms, terms_of
from apps.copytrading.services.versions import Version, versions_of
from apps.trading.errors import NoConversionRate
from apps.trading.quantity import ZERO

#: Codes that say why nothing at all was opened then, and the settings that decide it.
_HOLDS: dict[Code, frozenset[str]] = {
    Code.PAUSED: frozenset({"status", "enabled"}),
    Code.STOPPED: frozenset({"status"}),
    Code.CLOSES_ONLY: frozenset({"copy_mode"}),
    Code.LOSS_LIMIT: frozenset({"loss_limit"}),
    Code.MASTER_PAUSED: frozenset(),
    Code.MODULE_DISABLED: frozenset(),
    Code.KILL_SWITCH: frozenset(),
}
_NETTING = ("netting", "spot")

Settings = Mapping[str, Any]


class Line(NamedTuple):
    """One event: what was recorded of it, and what came of it now."""

    event: MasterEvent
    recorded: Result
    replayed: Result | None

    @property
    def same(self) -> bool:
        return self.replayed is not None and self.recorded.same_as(self.replayed)


@dataclass(frozen=True, slots=True)
class Replayed:
    """Every event that could be replayed, in order.

    ``left_out`` counts events of resting orders and of positions that began with one, which
    are not replayed. ``guessed`` counts the moments for which the record does not say how the
    accounts stood, so that what was known last was taken.
    """

    lines: list[Line]
    left_out: int
    guessed: int
    lot_units: Decimal = field(default=Decimal(1))

    @property
    def differing(self) -> list[Line]:
        return [line for line in self.lines if not line.same]


def settings_from(pairs: Sequence[str]) -> dict[str, Any]:
    """Settings from texts like ``risk_multiplier=0.5``; InvalidSettings says what is wrong."""
    found, errors = {}, {}
    for pair in pairs:
        name, given, text = pair.partition("=")
        name = name.strip()
        if not given or name not in FIELDS | {"status"}:
            errors[name] = f"'{pair}' is not name=value of a setting of a copy."
            continue
        setting = CopySubscription._meta.get_field(name)
        assert isinstance(setting, models.Field)
        try:
            value = text.strip() or None
            found[name] = setting.clean(value, CopySubscription())
        except ValidationError as wrong:
            errors[name] = f"{name}: {' '.join(wrong.messages)}"
    if errors:
        raise InvalidSettings(errors)
    return found


def replay_subscription(
    subscription_id: int,
    *,
    settings: Settings | None = None,
    first: int | None = None,
    last: int | None = None,
) -> Replayed:
    """Replay all that is recorded of a subscription; ``first`` and ``last`` bound what is told.

    It always begins at the beginning: what a link holds comes of all that was before. NotFound
    where there is no such subscription.
    """
    record = load_record(subscription_id)
    known = _Known(_copy(subscription_id), record, settings or {})
    results = replay(tape_of(cuts(record), known.given), record.answers())
    lines = [
        Line(record.events[pk], recorded, results.get(pk))
        for pk, recorded in record.results().items()
        if (first is None or pk >= first) and (last is None or pk <= last)
    ]
    return Replayed(lines, len(record.left_out), known.guessed, known.lot_units())


class _Copy(NamedTuple):
    """What does not change of a subscription and its account."""

    subscription_id: int
    key: str
    account_id: int
    platform_account: str
    connection_id: int
    margin_mode: str
    currency: str
    started_after: int
    master_account_id: int


def _copy(subscription_id: int) -> _Copy:
    found = sql.rows(
        "SELECT s.id, replace(s.uuid::text, '-', ''), a.id, a.platform_account_id, "
        "a.connection_id, a.margin_mode, a.currency, s.started_after_event, m.account_id "
        "FROM copytrading_copysubscription s "
        "JOIN copytrading_copymaster m ON m.id = s.master_id "
        "JOIN copytrading_copyfollower f ON f.id = s.follower_id "
        "JOIN platforms_tradingaccount a ON a.id = f.account_id WHERE s.id = %s",
        [subscription_id],
    )
    if not found:
        raise NotFound("There is no such copy.")
    return _Copy(*found[0])


class _Known:
    """What was known at each moment of a record, by recorded or by other settings."""

    def __init__(self, copy: _Copy, record: Record, settings: Settings) -> None:
        self.guessed = 0
        self._copy = copy
        self._record = record
        self._settings = settings
        self._versions = list(versions_of(copy.subscription_id).values())
        self._product = product_config()
        self._funds = Funds(copy.currency, ZERO, ZERO, None)
        self._master = Funds("", ZERO, ZERO, None)
        self._market = self._now()

    def lot_units(self) -> Decimal:
        """Units of a lot of the copy's symbol; 1 where it has several."""
        symbols = {s.lot_units for s in self._market.symbols.values() if s is not None}
        return symbols.pop() if len(symbols) == 1 else Decimal(1)

    def given(self, cut: Cut) -> Given:
        """What was known when the events of a piece of the tape were decided on."""
        numbers = _merged(cut)
        version = self._version(numbers, cut.at)
        said = {**(version.subscription if version else {}), **self._settings}
        self._learn(numbers, bool(cut.moment.written or cut.moment.decided))
        terms = _terms(said, version.follower if version else {}, self._product_then(version))
        row = self._row(cut, numbers, said, terms)
        return Given(row, self._market_then(cut, numbers, version, row))

    def _now(self) -> Market:
        """Symbols as they are mapped today."""
        master = load_master(self._copy.master_account_id, datetime.now().astimezone())
        assert master is not None
        row = self._stub(has_pairs=True)
        return load_market(master, self._record.events.values(), [row], datetime.now().astimezone())

    def _stub(self, *, has_pairs: bool) -> Row:
        copy = self._copy
        sizing = Sizing(VolumeMode.MULTIPLIER, Decimal(1), ZERO, None, ZERO)
        return Row(
            copy.subscription_id, copy.key, copy.account_id, copy.platform_account,
            copy.connection_id, copy.margin_mode in _NETTING, None, sizing, False, ZERO, ZERO,
            True, True, timedelta(0), copy.started_after, self._funds, ZERO, {}, {},
            has_pairs=has_pairs,
        )  # fmt: skip

    def _version(self, numbers: Mapping[str, Any], at: datetime) -> Version | None:
        revision = numbers.get("revision")
        for version in self._versions:
            if version.number == revision:
                return version
        before = [version for version in self._versions if version.at <= at]
        return before[-1] if before else next(iter(self._versions), None)

    def _product_then(self, version: Version | None) -> ProductSettings:
        said = version.product if version else {}
        now = self._product
        names = ProductSettings.__dataclass_fields__
        return ProductSettings(**{name: said.get(name, getattr(now, name)) for name in names})

    def _learn(self, numbers: Mapping[str, Any], decided: bool) -> None:
        if "equity" in numbers and "balance" in numbers:
            self._funds = _funds(numbers, "")
        elif decided:
            self.guessed += 1
        if "master_equity" in numbers:
            self._master = _funds(numbers, "master_")

    def _row(self, cut: Cut, numbers: Mapping[str, Any], said: Settings, terms: Terms) -> Row:
        mode = VolumeMode(said.get("volume_mode", VolumeMode.MULTIPLIER))
        return self._stub(has_pairs=False)._replace(
            hold=self._hold(cut, said, terms),
            sizing=Sizing(
                mode,
                _decimal(said.get("risk_multiplier", 1)),
                _decimal(said.get("fixed_volume", 0)),
                None if said.get("base_equity") is None else _decimal(said["base_equity"]),
                _decimal(said.get("allocated_capital", 0)),
            ),
            round_up=said.get("below_minimum") == "round_up",
            min_volume=_decimal(said.get("min_volume", 0)),
            max_volume=_decimal(said.get("max_volume", 0)),
            copy_sl=bool(said.get("copy_sl", True)),
            copy_tp=bool(said.get("copy_tp", True)),
            max_delay=terms.max_delay,
            funds=self._funds,
            own_result=_decimal(numbers.get("own_result", 0)),
            rules=terms.rules,
            margin_used=_decimal(numbers.get("margin_used", 0)),
            leverage=_decimal(numbers.get("leverage", 0)),
            revision=int(numbers.get("revision", 0)),
        )

    def _hold(self, cut: Cut, said: Settings, terms: Terms) -> Code | None:
        """Why nothing was opened, unless a changed setting decides it anew."""
        changed = set(self._settings)
        if changed & {"status", "enabled"}:
            if said.get("status") == "disabled":
                return Code.STOPPED
            if said.get("status") == "paused" or not said.get("enabled", True):
                return Code.PAUSED
        if "copy_mode" in changed and terms.closes_only:
            return Code.CLOSES_ONLY
        for written in cut.moment.written:
            decided_by = _HOLDS.get(written.code)
            if decided_by is not None and not decided_by & changed:
                return written.code
        return None

    def _market_then(
        self, cut: Cut, numbers: Mapping[str, Any], version: Version | None, row: Row
    ) -> Market:
        codes = {written.code for written in cut.moment.written}
        symbols: dict[tuple[int, str], Symbol | None] = {}
        quotes: dict[tuple[int, str], Quote] = {}
        in_use: dict[tuple[int, str], Any] = {}
        for event in self._events(cut):
            symbol = self._symbol(event, numbers, codes)
            symbols[row.connection_id, event.instrument_id] = symbol
            if symbol is None:
                continue
            place = (row.connection_id, symbol.instrument_id)
            if (quote := _quote(numbers)) is not None:
                quotes[place] = quote
            if Code.SYMBOL_IN_USE in codes:
                in_use[row.account_id, symbol.instrument_id] = ((0, None),)
        stale = version.product.get("stale_account_s") if version else None
        return Market(
            now=self._at(cut, numbers, row),
            master=self._master,
            stale_after_s=float(stale or self._product.stale_account_s),
            master_symbols=self._market.master_symbols,
            symbols=symbols,
            rates=_Rates(numbers, row.funds.currency, self._master.currency, codes),
            in_use=in_use,
            quotes=quotes,
        )

    def _events(self, cut: Cut) -> Iterable[MasterEvent]:
        ids = {w.event_id for w in cut.moment.written} | {d.event_id for d in cut.moment.decided}
        ids.update(event.id for event in cut.events)
        if cut.settles is not None:
            ids.add(cut.settles[0])
        return [self._record.events[pk] for pk in sorted(ids)]

    def _symbol(
        self, event: MasterEvent, numbers: Mapping[str, Any], codes: set[Code]
    ) -> Symbol | None:
        found = self._market.symbol(self._stub(has_pairs=True), event.instrument_id)
        if found is None or Code.NOT_MAPPED in codes:
            return None
        if "lot_units" in numbers:
            found = found._replace(
                lot_units=_decimal(numbers["lot_units"]),
                step_units=_decimal(numbers["step_units"]),
                min_units=_decimal(numbers["min_units"]),
                digits=int(numbers["digits"]),
                pip_digits=int(numbers["pip_digits"]),
            )
        return found._replace(tradable=True, market_open=Code.MARKET_CLOSED not in codes)

    def _at(self, cut: Cut, numbers: Mapping[str, Any], row: Row) -> datetime:
        """When it was decided. The time of an outcome is a little later than that, so what was
        not found late then is not found late now."""
        events = list(self._events(cut))
        oldest = min((event.happened_at for event in events), default=cut.at)
        if "late_s" in numbers:
            return oldest + timedelta(seconds=float(numbers["late_s"]))
        decided = min((made.decided_at for made in cut.moment.decided), default=cut.at)
        if "max_delay_s" in self._settings:
            return decided
        return min(decided, oldest + row.max_delay)


class _Rates:
    """The one rate that was used for sizing, and the one for margin, as they are recorded."""

    def __init__(self, numbers: Mapping[str, Any], own: str, master: str, codes: set[Code]) -> None:
        self._numbers, self._own, self._master = numbers, own, master
        self._unknown = Code.NO_RATE in codes

    def rate(self, source: str, target: str) -> Decimal:
        if source == target:
            return Decimal(1)
        if (source, target) == (self._own, self._master) and not self._unknown:
            if "rate" in self._numbers or "ratio" in self._numbers:
                return _decimal(self._numbers.get("rate", 1))
        elif target == self._own and "base_rate" in self._numbers:
            return _decimal(self._numbers["base_rate"])
        raise NoConversionRate(source, target)


def _merged(cut: Cut) -> dict[str, Any]:
    """The numbers of all that was decided in one moment; those of orders hold."""
    merged: dict[str, Any] = {}
    for written in cut.moment.written:
        merged.update(written.numbers)
    for made in cut.moment.decided:
        merged.update(made.numbers)
    return merged


def _funds(numbers: Mapping[str, Any], whose: str) -> Funds:
    age = numbers.get(f"{whose}age_s")
    return Funds(
        str(numbers.get(f"{whose}currency") or ""),
        _decimal(numbers[f"{whose}equity"]),
        _decimal(numbers[f"{whose}balance"]),
        None if age is None else float(age),
    )


def _quote(numbers: Mapping[str, Any]) -> Quote | None:
    if "bid" in numbers and "ask" in numbers:
        return Quote(_decimal(numbers["bid"]), _decimal(numbers["ask"]))
    if "quote" in numbers:
        return Quote(_decimal(numbers["quote"]), _decimal(numbers["quote"]))
    return None


def _decimal(value: Any) -> Decimal:
    return Decimal(str(value or 0))


_GUARDS = ("max_positions", "max_delay_s", "min_equity", "max_slippage", "min_margin_level",
           "loss_limit")  # fmt: skip


def _terms(said: Settings, follower: Settings, product: ProductSettings) -> Terms:
    """The terms as planning makes them, from the columns that its query joins."""
    flags = ("copy_partial_close", "copy_pending_orders", "reverse_direction")
    values = ["t" if said.get(name, name != "reverse_direction") else "f" for name in flags]
    values.append(str(said.get("copy_mode", "sync")))
    for name in _GUARDS:
        values += [str(level.get(name) or 0) for level in (said, follower)]
    values += [str(said.get("symbols_mode", "all")), str(said.get("symbols", ""))]
    return terms_of("|".join(values), product)

"""What was known at each moment of a record, by recorded settings or by others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from django.utils import timezone

from apps.accounts.selectors import ProductSettings, product_config
from apps.copytrading.domain.codes import Code
from apps.copytrading.domain.events import MasterEvent
from apps.copytrading.domain.mapping import Symbol
from apps.copytrading.domain.replay_items import Given, Stops
from apps.copytrading.domain.rows import Market, Quote, Row
from apps.copytrading.domain.volume import Funds, Sizing, VolumeMode
from apps.copytrading.errors import NotFound
from apps.copytrading.services import sql
from apps.copytrading.services.load import load_master
from apps.copytrading.services.market import load_market
from apps.copytrading.services.tape import Cut
from apps.copytrading.services.tape_record import Record
from apps.copytrading.services.terms import Terms, terms_of
from apps.copytrading.services.versions import Version, versions_of
from apps.trading.errors import NoConversionRate
from apps.trading.quantity import ZERO

Settings = Mapping[str, Any]

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
_UNITS, _DIGITS = ("lot_units", "step_units", "min_units"), ("digits", "pip_digits")


class Copy(NamedTuple):
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


def copy_of(subscription_id: int) -> Copy:
    """A subscription with its account; NotFound."""
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
    return Copy(*found[0])


class Known:
    """What was known at each moment of a record, by recorded or by other settings."""

    def __init__(self, copy: Copy, record: Record, settings: Settings) -> None:
        self.guessed = 0
        self._copy = copy
        self._record = record
        self._settings = settings
        self._versions = list(versions_of(copy.subscription_id).values())
        self._product = product_config()
        self._funds = Funds(copy.currency, ZERO, ZERO, None)
        self._master = Funds("", ZERO, ZERO, None)
        self._market = self._now()
        self._learn_ahead()

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
        return Given(row, self._market_then(cut, numbers, version, row), _shown(numbers))

    def _now(self) -> Market:
        """Symbols as they are mapped today."""
        master = load_master(self._copy.master_account_id, timezone.now())
        assert master is not None
        row = self._stub(has_pairs=True)
        return load_market(master, self._record.events.values(), [row], timezone.now())

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

    def _learn_ahead(self) -> None:
        """Begin with the first money that is recorded, for what was decided before it."""
        for pk, written in self._record.written.items():
            decided = self._record.decided.get(pk, ())
            for numbers in (*(made.numbers for made in decided), written.numbers):
                self._learn(numbers, False)
                if self._funds.age_s is not None and self._master.age_s is not None:
                    return

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
        said: dict[str, Any] = {n: _decimal(numbers[n]) for n in _UNITS if n in numbers}
        said |= {n: int(numbers[n]) for n in _DIGITS if n in numbers}
        found = found._replace(**said)
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


def _shown(numbers: Mapping[str, Any]) -> Stops | None:
    if "shown_sl" not in numbers:
        return None
    stop_loss, take_profit = numbers["shown_sl"], numbers["shown_tp"]
    return (
        None if stop_loss is None else _decimal(stop_loss),
        None if take_profit is None else _decimal(take_profit),
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

"""From what is known of a place to the trades whose gap is told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, localcontext

from apps.analytics.domain.attribution import CopiedTrade, MasterTrade, PairedTrade
from apps.analytics.domain.rounds import Part, Round, average
from apps.analytics.gap_facts import Answer, CloseFill, CopyTerms, Facts, LinkFacts, Place
from apps.trading.errors import NoConversionRate
from apps.trading.orders import Side
from apps.trading.quantity import ZERO

#: Causes of closes that follow the master; all others are a person's wish or a limit's.
_WITH_THE_MASTER = ("event:", "rest:", "pending:")
#: A copy that was stopped misses nothing any more.
_NOT_RUNNING = frozenset({"STOPPED"})
#: Outcomes of an increase that left the copy smaller than it should be.
_MISSED = frozenset({"skipped", "rejected", "failed", "partial"})
_ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class GapTrade:
    """One round of the master and what a copy made of it.

    ``ended_at`` is empty while the master still holds something; ``over``: and the copy holds
    nothing either. ``code`` is why nothing was copied.
    """

    place: Place
    master_account_id: int
    round_key: str
    opened_at: datetime
    ended_at: datetime | None
    over: bool
    link_id: int | None
    code: str
    symbol: str
    pair: PairedTrade


def trades_of(facts: Facts, place: Place) -> Iterator[GapTrade]:
    """The rounds of a place that concern its copy; what is open is valued at prices of now."""
    copy = facts.copies.get(place.subscription_id)
    if copy is None:
        return
    links = facts.links.get(place, [])
    some = facts.rounds.get((copy.master_account_id, place.position_key), [])
    with localcontext(prec=40):
        for one in some:
            found = _trade(facts, copy, place, one, _of_round(facts, copy, one, links, some))
            if found is not None:
                yield found


def _of_round(
    facts: Facts,
    copy: CopyTerms,
    one: Round,
    links: Sequence[LinkFacts],
    all_rounds: Sequence[Round],
) -> list[LinkFacts]:
    """Links of a round: by the event that opened them, or by time where they were taken over."""
    events = _events_of(facts, copy, one)
    others = {pk for other in all_rounds for pk in _events_of(facts, copy, other)} - events
    ended = one.ended_at
    return [
        link
        for link in links
        if link.units > 0
        and (
            link.opened_event_id in events
            or (
                link.opened_event_id not in others
                and one.opened_at <= link.opened_at
                and (ended is None or link.opened_at <= ended)
            )
        )
    ]


def _events_of(facts: Facts, copy: CopyTerms, one: Round) -> set[int]:
    found = {facts.events.get((copy.master_account_id, deal)) for deal in one.deal_ids()}
    return {pk for pk in found if pk is not None}


def _trade(
    facts: Facts, copy: CopyTerms, place: Place, one: Round, links: Sequence[LinkFacts]
) -> GapTrade | None:
    answer = _answer(facts, copy, one.entries[0])
    before = answer is None and one.opened_at < copy.created_at
    if not links and (not before if answer is None else answer.code in _NOT_RUNNING):
        return None
    late = any(link.opened_event_id not in _events_of(facts, copy, one) for link in links)
    start = copy.created_at if late or before else one.opened_at
    exits, share = one.since(start)
    instrument = (copy.master_connection_id, _instrument(facts, copy, place))
    name, quote, _ = facts.symbols.get(instrument, (place.position_key, "", _ONE))
    side = links[0].side if links else (one.side.opposite if copy.reverse else one.side)
    if one.held > 0:
        exits.append(Part("", one.opened_at, one.held, _mark(facts, instrument, one)))
    if not exits:
        return None
    rate = _rate(facts, quote, copy.currency)
    if rate is None:
        return None
    ratio = _ratio(facts, copy, one, links, answer)
    pair = PairedTrade(
        master=MasterTrade(
            side, sum((p.units for p in exits), ZERO), one.entry, average(exits), one.costs * share
        ),
        copy=_copied(facts, copy, one, links, rate, quote, ratio, late) if links else None,
        ratio=ratio,
        rate=rate,
        cost_rate=_rate(facts, copy.master_currency, copy.currency) or ZERO,
        before_start=before,
    )
    return GapTrade(
        place=place,
        master_account_id=copy.master_account_id,
        round_key=one.key,
        opened_at=one.opened_at,
        ended_at=one.ended_at,
        over=one.ended_at is not None and all(link.state != "open" for link in links),
        link_id=links[0].id if links else None,
        code="" if links or answer is None else answer.code,
        symbol=links[0].symbol if links else name,
        pair=pair,
    )


def _answer(facts: Facts, copy: CopyTerms, part: Part) -> Answer | None:
    event_id = facts.events.get((copy.master_account_id, part.deal_id))
    return None if event_id is None else facts.answers.get((event_id, copy.subscription_id))


def _instrument(facts: Facts, copy: CopyTerms, place: Place) -> str:
    return facts.instruments.get((copy.master_account_id, place.position_key), "")


def _mark(facts: Facts, instrument: tuple[int, str], one: Round) -> Decimal:
    """The price at which what the master holds could be closed now."""
    quote = facts.marks.get(instrument)
    if quote is None:
        return one.entry
    return quote[0] if one.side is Side.BUY else quote[1]


def _rate(facts: Facts, source: str, target: str) -> Decimal | None:
    try:
        return facts.rates.rate(source, target)
    except NoConversionRate:
        return None


def _ratio(
    facts: Facts,
    copy: CopyTerms,
    one: Round,
    links: Sequence[LinkFacts],
    answer: Answer | None,
) -> Decimal:
    """Units of the copy for one of the master's: the link's, else what it was sized with, else
    that of the copy's latest trade, else what its settings make of it now."""
    if links:
        link = links[0]
        if link.grows or one.opened <= 0:
            return link.ratio
        return link.ratio * one.entries[0].units / one.opened
    told = answer.numbers.get("ratio") if answer else None
    if told:
        return Decimal(str(told))
    if copy.mode == "fixed":
        place = (copy.master_connection_id, _first_instrument(facts, copy))
        lot = facts.symbols.get(place, ("", "", _ONE))[2]
        return copy.fixed_volume * lot / one.opened if one.opened > 0 else ZERO
    if copy.subscription_id in facts.ratios:
        return facts.ratios[copy.subscription_id]
    if copy.mode == "multiplier":
        return copy.multiplier
    money = copy.allocated or copy.equity or ZERO
    rate = _rate(facts, copy.currency, copy.master_currency) or _ONE
    if not copy.master_equity or copy.master_equity <= 0:
        return ZERO
    return money * rate / copy.master_equity * copy.multiplier


def _first_instrument(facts: Facts, copy: CopyTerms) -> str:
    return next((name for (a, _), name in facts.instruments.items() if a == copy.master_account_id))


def _copied(
    facts: Facts,
    copy: CopyTerms,
    one: Round,
    links: Sequence[LinkFacts],
    rate: Decimal,
    quote: str,
    ratio: Decimal,
    late: bool,
) -> CopiedTrade:
    """What the links of a round made together."""
    side = links[0].side
    entries = [Part("", one.opened_at, link.units, link.entry) for link in links]
    closes = [close for link in links for close in _exits(link)]
    hand = [close for link in links for close in _by_hand(link)]
    entry, exit_price = average(entries), _mean(closes) if closes else average(entries)
    units = sum((link.units for link in links), ZERO)
    costs = sum((link.costs for link in links), ZERO)
    profit = sum((link.result + link.floating for link in links), ZERO) - costs
    own_rate = rate
    moved = (exit_price - entry) * units * side.sign
    if quote != copy.currency and moved and _HALF < profit / moved / rate < _TWICE:
        own_rate = profit / moved
    return CopiedTrade(
        units=units,
        entry=entry,
        exit=exit_price,
        profit=profit,
        costs=costs,
        rate=own_rate,
        skipped_units=_skipped(facts, copy, one, links, ratio),
        late=late,
        hand_units=sum((close.units for close in hand), ZERO),
        hand_exit=_mean(hand),
    )


#: An exchange rate that is farther off than this is no rate: its price hardly moved.
_HALF, _TWICE = Decimal("0.5"), Decimal(2)


def _exits(link: LinkFacts) -> list[CloseFill]:
    """How a link's units were closed; what it holds or left with at the price of then or now."""
    found = list(link.closes) if link.state != "detached" else _until_left(link)
    rest = link.units - sum((close.units for close in found), ZERO)
    if rest > 0 and link.mark is not None:
        cause = "hand:" if link.state == "detached" else "event:"
        found.append(CloseFill(rest, link.mark, cause))
    return found


def _until_left(link: LinkFacts) -> list[CloseFill]:
    """Closes of a position before it left its copy: only ours; what came later is its owner's."""
    found: list[CloseFill] = []
    left = link.units - link.held
    for close in link.closes:
        if left <= 0:
            break
        found.append(close._replace(units=min(close.units, left)))
        left -= close.units
    return found


def _by_hand(link: LinkFacts) -> list[CloseFill]:
    return [
        close
        for close in _exits(link)
        if not close.cause.startswith(_WITH_THE_MASTER) and not _stopped_out(link, close)
    ]


def _stopped_out(link: LinkFacts, close: CloseFill) -> bool:
    """Closed by the position's own stop loss or take profit."""
    if close.cause:
        return False
    low, high = link.stop_loss, link.take_profit
    if link.side is Side.SELL:
        low, high = high, low
    return (low is not None and close.price <= low) or (high is not None and close.price >= high)


def _mean(closes: Sequence[CloseFill]) -> Decimal:
    units = sum((close.units for close in closes), ZERO)
    if units <= 0:
        return ZERO
    return sum((close.units * close.price for close in closes), ZERO) / units


def _skipped(
    facts: Facts, copy: CopyTerms, one: Round, links: Sequence[LinkFacts], ratio: Decimal
) -> Decimal:
    """Units that the copy lacks since an order was refused, or filled in part only."""
    missed = ZERO
    grows = all(link.grows for link in links)
    for number, part in enumerate(one.entries):
        answer = _answer(facts, copy, part)
        if answer is None or answer.state not in _MISSED:
            continue
        if answer.state == "partial":
            missed += max(ZERO, answer.units - answer.filled)
        elif number and grows:
            missed += ratio * part.units
    return missed

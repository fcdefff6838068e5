"""Importing a track record: uploaded, looked at, confirmed, removed again.

A file is read whole or not at all. Until it is confirmed it is a draft that nobody but its owner
sees; then its days stand before those that were recorded here, marked as imported.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import DataError, transaction
from django.utils import timezone

from apps.accounts.api import record_audit
from apps.accounts.models import User
from apps.analytics.domain.statements.fields import MOST_PROBLEMS
from apps.analytics.domain.statements.read import read_statement
from apps.analytics.domain.statements.records import Statement, StatementError
from apps.analytics.domain.statements.track_record import balance_curve, imported_series
from apps.analytics.imported import first_own_day
from apps.analytics.models import (
    EquityDay,
    FigureBook,
    ImportedRecord,
    ImportedTrade,
    RollUp,
)
from apps.platforms.models import TradingAccount

_BATCH = 2_000
_AHEAD = timedelta(days=1)


class ImportRefused(Exception):
    """A file, or an import, that cannot be; ``problems`` gives line (0: none) and sentence.

    ``more``: reading ended at so many problems, there may be others.
    """

    def __init__(self, problems: Sequence[tuple[int, str]]) -> None:
        super().__init__(" ".join(sentence for _, sentence in problems))
        self.problems = list(problems)
        self.more = len(problems) >= MOST_PROBLEMS


def upload_statement(
    *,
    actor: User,
    account: TradingAccount,
    file_name: str,
    data: bytes,
    utc_offset: timedelta = timedelta(0),
) -> ImportedRecord:
    """Read a statement and keep it as a draft, in the place of an earlier draft.

    ImportRefused with every line that is wrong and why; nothing is kept then.
    """
    _require_owner(actor, account)
    if len(data) > settings.STATEMENT_MAX_MB * 1024 * 1024:
        raise _refused(f"The file has more than {settings.STATEMENT_MAX_MB} MB; export less.")
    try:
        statement = read_statement(data, utc_offset=utc_offset)
    except StatementError as error:
        raise ImportRefused([(p.line, _sentence(p.message)) for p in error.problems]) from None
    days = _days_of(statement)
    _check(statement, account, days)
    offset = int(utc_offset.total_seconds() // 60)
    try:
        return _keep(actor, account, file_name, data, offset, statement, days)
    except DataError:
        raise _refused("A number in the file is larger than any account's.") from None


def discard_draft(*, actor: User, account: TradingAccount) -> None:
    """Forget what was uploaded and not confirmed."""
    _require_owner(actor, account)
    ImportedRecord.objects.filter(account_id=account.pk, confirmed_at=None).delete()


@transaction.atomic
def confirm_import(*, actor: User, account: TradingAccount, draft: ImportedRecord) -> int:
    """Put the days of a draft before those that were recorded here; answers how many.

    ImportRefused where the account has an imported record, or where no day lies before its own.
    """
    _require_owner(actor, account)
    RollUp.objects.select_for_update().first()  # no day is closed meanwhile
    held = ImportedRecord.objects.select_for_update().filter(
        pk=draft.pk, account_id=account.pk, confirmed_at=None
    )
    record = held.first()
    if record is None:
        raise _refused("This upload was confirmed or discarded already.")
    if ImportedRecord.objects.filter(account_id=account.pk, confirmed_at__isnull=False).exists():
        raise _refused("This account has an imported record. Remove it before you import another.")
    record.days = days_before(record.days, first_own_day(account.pk))
    if not record.days:
        raise _refused("All days of the file are days that were recorded here themselves.")
    EquityDay.objects.bulk_create(
        [_row(account.pk, values) for values in record.days], batch_size=_BATCH
    )
    record.confirmed_at = timezone.now()
    record.first_day = date.fromisoformat(record.days[0][0])
    record.last_day = date.fromisoformat(record.days[-1][0])
    record.save(update_fields=["days", "first_day", "last_day", "confirmed_at"])
    _figures_are_stale(record.days[0][0])
    _audit(actor, account, record, "track_record.imported")
    return len(record.days)


@transaction.atomic
def remove_import(*, actor: User, account: TradingAccount) -> bool:
    """Take an imported record out of all figures and erase it; answers whether there was one."""
    _require_owner(actor, account)
    RollUp.objects.select_for_update().first()
    held = ImportedRecord.objects.select_for_update().filter(
        account_id=account.pk, confirmed_at__isnull=False
    )
    record = held.first()
    if record is None:
        return False
    EquityDay.objects.filter(account_id=account.pk, imported=True).delete()
    _figures_are_stale(record.days[0][0])
    _audit(actor, account, record, "track_record.removed")
    record.delete()
    return True


def days_before(days: Sequence[list[Any]], first_own: date | None) -> list[list[Any]]:
    """The days of a record that lie before those that were recorded here."""
    limit = first_own.isoformat() if first_own else timezone.now().date().isoformat()
    return [values for values in days if values[0] < limit]


def _days_of(statement: Statement) -> list[list[Any]]:
    """Balance, deposits and return of each day, as :class:`ImportedRecord` keeps them."""
    curve, flows = balance_curve(statement)
    series = imported_series(statement)
    returns = dict(zip(series.days.astype(date).tolist(), series.returns.tolist(), strict=True))
    deposits: dict[date, Decimal] = {}
    for flow in flows:
        day = flow.at.astimezone(UTC).date()
        deposits[day] = deposits.get(day, Decimal(0)) + flow.amount
    balances = {point.at.astimezone(UTC).date(): point.balance for point in curve}
    return [
        [day.isoformat(), str(balance), str(deposits.get(day, Decimal(0))), returns.get(day)]
        for day, balance in sorted(balances.items())
    ]


def _check(statement: Statement, account: TradingAccount, days: Sequence[list[Any]]) -> None:
    if not statement.trades:
        raise _refused("The statement holds no closed trade, so there is nothing to judge by.")
    newest = max(trade.closed_at for trade in statement.trades)
    if newest > timezone.now() + _AHEAD:
        raise _refused(f"The last trade was closed on {newest:%Y-%m-%d}, which is yet to come.")
    if not any(values[3] is not None for values in days):
        raise _refused(
            "The statement does not tell the money that was traded with, neither by a deposit nor "
            "by a balance; a return cannot be computed. Export it from the account's beginning."
        )
    if not days_before(days, first_own_day(account.pk)):
        raise _refused(
            "All days of the file are days that were recorded here themselves. What happened "
            "before this account came here can be imported."
        )


@transaction.atomic
def _keep(
    actor: User,
    account: TradingAccount,
    file_name: str,
    data: bytes,
    offset: int,
    statement: Statement,
    days: list[list[Any]],
) -> ImportedRecord:
    TradingAccount.objects.select_for_update(no_key=True).get(pk=account.pk)  # one at a time
    ImportedRecord.objects.filter(account_id=account.pk, confirmed_at=None).delete()
    external = (op.amount for op in statement.operations if op.kind.external)
    record = ImportedRecord.objects.create(
        account_id=account.pk,
        format=statement.format.value,
        file_name=file_name.replace("\x00", "")[-128:],
        digest=hashlib.sha256(data).hexdigest(),
        source_account=statement.account[:64],
        currency=statement.currency[:8],
        utc_offset_minutes=offset,
        trades=len(statement.trades),
        first_at=min(trade.opened_at for trade in statement.trades),
        last_at=max(trade.closed_at for trade in statement.trades),
        result=statement.result,
        deposits=sum(external, Decimal(0)),
        first_day=date.fromisoformat(days[0][0]),
        last_day=date.fromisoformat(days[-1][0]),
        days=days,
        uploaded_by=actor.pk,
    )
    ImportedTrade.objects.bulk_create(
        (
            ImportedTrade(
                record=record,
                symbol=trade.symbol[:64],
                side=trade.side.value,
                volume=trade.volume,
                opened_at=trade.opened_at,
                closed_at=trade.closed_at,
                open_price=trade.open_price,
                close_price=trade.close_price,
                profit=trade.profit,
                commission=trade.commission,
                swap=trade.swap,
            )
            for trade in statement.trades
        ),
        batch_size=_BATCH,
    )
    return record


def _row(account_id: int, values: Sequence[Any]) -> EquityDay:
    day, balance, deposits = date.fromisoformat(values[0]), Decimal(values[1]), Decimal(values[2])
    return EquityDay(
        account_id=account_id,
        day=day,
        balance=balance,
        equity=balance,
        margin_used=0,
        lowest=balance,
        highest=balance,
        most_margin=0,
        deposits=deposits,
        flows=1 if deposits else 0,
        samples=1,
        last_at=datetime.combine(day, time(23, 59), UTC),
        daily_return=values[3],
        closed=True,
        imported=True,
    )


def _figures_are_stale(first_day: str) -> None:
    """The masters' figures are made anew at the next roll-up."""
    FigureBook.objects.filter(last_day__gte=first_day).update(stale=True)


def _audit(actor: User, account: TradingAccount, record: ImportedRecord, action: str) -> None:
    record_audit(
        actor=actor,
        action=action,
        object_type="trading_account",
        object_id=account.pk,
        object_label=str(account),
        after={"file": record.file_name, "trades": record.trades, "digest": record.digest},
    )


def _require_owner(actor: User, account: TradingAccount) -> None:
    if account.owner_id != actor.pk:
        raise _refused("This account belongs to somebody else.")


def _refused(sentence: str) -> ImportRefused:
    return ImportRefused([(0, sentence)])


def _sentence(message: str) -> str:
    """A parser's message as a sentence."""
    text = message[:1].upper() + message[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."

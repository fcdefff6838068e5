"""Reading imported track records, and telling which accounts have one.

Imported history is marked as such wherever it is shown: nobody but the platform that wrote the
file can say that it is true.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from apps.analytics.domain.statements.records import StatementFormat
from apps.analytics.models import EquityDay, ImportedRecord, ImportedTrade
from apps.common.database import prepared_rows

FORMATS = {
    StatementFormat.METATRADER_4: "MetaTrader 4",
    StatementFormat.METATRADER_5: "MetaTrader 5",
    StatementFormat.CTRADER: "cTrader",
    StatementFormat.GENERIC_CSV: "CSV file",
}


_SPANS = """
    SELECT account_id, first_day, last_day, format FROM analytics_importedrecord
    WHERE account_id = ANY(%s) AND confirmed_at IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class ImportedSpan:
    """The days of an account's record that were imported, both inclusive, and where from."""

    first_day: date
    last_day: date
    source: str


def imported_spans(account_ids: Collection[int]) -> dict[int, ImportedSpan]:
    """What is imported of the records of accounts, by account; one query.

    The span ends before the first day that was recorded here.
    """
    return {
        account_id: ImportedSpan(first_day, last_day, format_label(format))
        for account_id, first_day, last_day, format in prepared_rows(_SPANS, [list(account_ids)])
    }


def has_imported_history(account_ids: Collection[int]) -> set[int]:
    """Those of these accounts whose returns and figures hold imported days; one query."""
    rows = ImportedRecord.objects.filter(
        account_id__in=list(account_ids), confirmed_at__isnull=False
    )
    return set(rows.values_list("account_id", flat=True))


def imported_record(account_id: int) -> ImportedRecord | None:
    """The confirmed record of an account; None where nothing was imported."""
    return ImportedRecord.objects.filter(account_id=account_id, confirmed_at__isnull=False).first()


def draft_of(account_id: int) -> ImportedRecord | None:
    """The record that was uploaded for an account and waits to be confirmed."""
    return ImportedRecord.objects.filter(account_id=account_id, confirmed_at=None).first()


def imported_trades(
    record: ImportedRecord, *, limit: int = 50, offset: int = 0
) -> list[ImportedTrade]:
    """Trades of a record, those closed last first."""
    rows = ImportedTrade.objects.filter(record=record).order_by("-closed_at", "-id")
    return list(rows[offset : offset + limit])


def format_label(format: str) -> str:
    """The name of the platform that wrote a statement."""
    return FORMATS.get(StatementFormat(format), format)


def first_own_day(account_id: int) -> date | None:
    """The first UTC day that was recorded here; None before there is one."""
    days = EquityDay.objects.filter(account_id=account_id, imported=False)
    return days.order_by("day").values_list("day", flat=True).first()

"""A track record is uploaded, looked at, confirmed and removed; figures say that it is there."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.accounts.models import AuditEntry, User
from apps.analytics.api import (
    ImportRefused,
    confirm_import,
    remove_import,
    update_figures,
    upload_statement,
)
from apps.analytics.domain.statements.fields import MOST_PROBLEMS
from apps.analytics.imported import draft_of, has_imported_history, imported_spans
from apps.analytics.models import EquityDay, ImportedRecord, ImportedTrade
from apps.analytics.preview import preview_of
from apps.analytics.qualifying import qualification_of
from apps.analytics.selectors import (
    drawdown_curves,
    equity_curve,
    monthly_returns,
    period_figures,
    stored_figures,
)
from apps.platforms.models import TradingAccount
from tests.factories.accounts import UserFactory
from tests.factories.copytrading import MasterFactory
from tests.factories.platforms import AccountFactory
from tests.support.statements import ALL, GENERIC, SAMPLES

pytestmark = pytest.mark.django_db

HEAD = "type,symbol,volume,open time,close time,open price,close price,profit\n"


def csv(trades: int = 30, profit: str = "10", year: int = 2024) -> bytes:
    """A deposit of 1,000 and a trade a day."""
    start = datetime(year, 1, 1, 9, tzinfo=UTC)
    rows = [f"deposit,,,,{start:%Y-%m-%d %H:%M:%S},,,1000"]
    for day in range(1, trades + 1):
        at = start + timedelta(days=day)
        rows.append(
            f"buy,EURUSD,0.1,{at:%Y-%m-%d %H:%M:%S},{at + timedelta(hours=2):%Y-%m-%d %H:%M:%S},"
            f"1.1,1.2,{profit}"
        )
    return (HEAD + "\n".join(rows) + "\n").encode()


@pytest.fixture
def owner() -> User:
    return UserFactory()


@pytest.fixture
def account(owner: User) -> TradingAccount:
    return AccountFactory(owner=owner)


def upload(account: TradingAccount, data: bytes, **more: Any) -> ImportedRecord:
    assert account.owner is not None
    return upload_statement(
        actor=account.owner, account=account, file_name="record.csv", data=data, **more
    )


def imported(account: TradingAccount, data: bytes) -> int:
    assert account.owner is not None
    return confirm_import(actor=account.owner, account=account, draft=upload(account, data))


def own_day(account: TradingAccount, day: date, **changes: Any) -> EquityDay:
    values: dict[str, Any] = {
        "balance": 500, "equity": 500, "margin_used": 0, "lowest": 500, "highest": 500,
        "most_margin": 0, "deposits": 0, "flows": 0, "samples": 1,
        "last_at": datetime.combine(day, datetime.min.time(), UTC), "daily_return": 0.01,
        "closed": True,
    }  # fmt: skip
    return EquityDay.objects.create(account_id=account.pk, day=day, **(values | changes))


@pytest.mark.parametrize("name", ALL)
def test_every_sample_can_be_imported(account: TradingAccount, name: str) -> None:
    draft = upload(account, (SAMPLES / name).read_bytes())
    preview = preview_of(draft, is_draft=True)
    assert draft.trades == ImportedTrade.objects.count() > 0
    assert preview.days == len(draft.days) > 0
    assert preview.figures["return_all"].value is not None


def test_a_draft_changes_no_figure(account: TradingAccount) -> None:
    upload(account, csv())
    assert has_imported_history([account.pk]) == set()
    assert not EquityDay.objects.exists()
    upload(account, csv(5))
    assert ImportedRecord.objects.get().trades == 5 == ImportedTrade.objects.count()


def test_confirmed_days_are_in_all_returns_and_marked(account: TradingAccount) -> None:
    assert imported(account, csv()) == 31

    today = timezone.now().date()
    span = imported_spans([account.pk])[account.pk]
    assert (span.first_day, span.last_day) == (date(2024, 1, 1), date(2024, 1, 31))
    assert has_imported_history([account.pk, 0]) == {account.pk}
    assert set(EquityDay.objects.values_list("imported", flat=True)) == {True}
    figures = period_figures([account.pk], until=today)[account.pk]
    assert figures["return_all"].value == pytest.approx(0.3)
    assert monthly_returns([account.pk], until=today)[account.pk][date(2024, 1, 1)] == (
        pytest.approx(0.3)
    )
    assert len(drawdown_curves([account.pk], until=today)[account.pk]) == 30
    assert AuditEntry.objects.filter(action="track_record.imported").exists()


def test_its_money_is_not_the_money_of_this_account(account: TradingAccount) -> None:
    own_day(account, date(2025, 6, 2))
    imported(account, csv())
    curve = equity_curve(
        [account.pk],
        since=datetime(2023, 1, 1, tzinfo=UTC),
        until=datetime(2026, 1, 1, tzinfo=UTC),
    )[account.pk]
    assert [point.equity for point in curve] == [500]


def test_days_that_were_recorded_here_are_left_out(account: TradingAccount) -> None:
    own_day(account, date(2024, 1, 11))
    draft = upload(account, csv())
    assert preview_of(draft, is_draft=True).left_out == 21
    assert account.owner is not None
    assert confirm_import(actor=account.owner, account=account, draft=draft) == 10
    assert EquityDay.objects.get(account_id=account.pk, day=date(2024, 1, 11)).imported is False
    assert imported_spans([account.pk])[account.pk].last_day == date(2024, 1, 10)


def test_a_file_about_days_that_are_known_is_refused(account: TradingAccount) -> None:
    own_day(account, date(2023, 12, 1))
    with pytest.raises(ImportRefused, match="recorded here themselves"):
        upload(account, csv())
    assert not ImportedRecord.objects.exists()


def test_stored_figures_of_a_master_take_it_in_and_give_it_up(account: TradingAccount) -> None:
    MasterFactory(account=account)
    own_day(account, date(2025, 6, 2))
    through = date(2025, 6, 3)
    update_figures(through)
    before = stored_figures([account.pk])[account.pk].figures["return_all"].value

    imported(account, csv())
    update_figures(through)
    grown = stored_figures([account.pk])[account.pk].figures["return_all"].value
    assert account.owner is not None
    assert remove_import(actor=account.owner, account=account)
    update_figures(through)

    assert grown == pytest.approx(1.3 * 1.01 - 1)
    assert stored_figures([account.pk])[account.pk].figures["return_all"].value == before
    assert not ImportedRecord.objects.exists() and not ImportedTrade.objects.exists()
    assert not EquityDay.objects.filter(imported=True).exists()


def test_one_record_at_a_time(account: TradingAccount, owner: User) -> None:
    imported(account, csv())
    draft = upload(account, csv(3, year=2022))
    with pytest.raises(ImportRefused, match="Remove it before"):
        confirm_import(actor=owner, account=account, draft=draft)
    remove_import(actor=owner, account=account)
    assert confirm_import(actor=owner, account=account, draft=draft) == 4
    with pytest.raises(ImportRefused, match="already"):
        confirm_import(actor=owner, account=account, draft=draft)


def test_nobody_but_the_owner(account: TradingAccount) -> None:
    draft = upload(account, csv())
    other = UserFactory()
    with pytest.raises(ImportRefused, match="somebody else"):
        upload_statement(actor=other, account=account, file_name="x", data=csv())
    with pytest.raises(ImportRefused, match="somebody else"):
        confirm_import(actor=other, account=account, draft=draft)
    with pytest.raises(ImportRefused, match="somebody else"):
        remove_import(actor=other, account=account)
    assert draft_of(account.pk) is not None


@pytest.mark.parametrize(
    ("data", "line", "said"),
    [
        (b"", 0, "The file is empty"),
        (bytes(9 * 1024 * 1024), 0, "more than 8 MB"),
        (b"PK\x03\x04" + bytes(100), 0, ""),
        (csv().replace(b"1.1,1.2,10", b"1.1,1.2,ten", 1), 3, "ten"),
        (csv(3, year=2099), 0, "yet to come"),
        ((HEAD + "deposit,,,,2024-01-01 09:00:00,,,1000\n").encode(), 0, "no closed trade"),
        (csv(200, profit="9" * 18), 0, "larger than any"),
    ],
    ids=["empty", "huge", "workbook", "word", "future", "no-trade", "overflow"],
)
def test_what_cannot_be_imported_is_said_by_line(
    account: TradingAccount, data: bytes, line: int, said: str
) -> None:
    with pytest.raises(ImportRefused) as refused:
        upload(account, data)
    lines = [number for number, _ in refused.value.problems]
    text = " ".join(sentence for _, sentence in refused.value.problems)
    assert said in text and (not line or line in lines)
    assert not ImportedRecord.objects.exists() and not ImportedTrade.objects.exists()


def test_many_problems_are_counted(account: TradingAccount) -> None:
    with pytest.raises(ImportRefused) as refused:
        upload(account, csv(300).replace(b"1.1,1.2,10", b"1.1,1.2,ten"))
    assert (len(refused.value.problems), refused.value.more) == (MOST_PROBLEMS, True)


def test_the_clock_of_the_platform_is_taken_off(account: TradingAccount) -> None:
    record = upload(account, csv(1), utc_offset=timedelta(hours=3))
    assert record.last_at == datetime(2024, 1, 2, 8, tzinfo=UTC)


def test_rules_for_masters_count_it(account: TradingAccount) -> None:
    def has() -> dict[str, Any]:
        return {c.name: c.has for c in qualification_of([account])[account.pk]}

    assert (has()["trades"], has()["drawdown"]) == (0, None)
    imported(account, csv())
    assert has()["trades"] == 30 and has()["drawdown"] == 0 and has()["age"] > 300


def test_a_whole_sample_by_name_keeps_the_file_out(account: TradingAccount) -> None:
    record = upload(account, (SAMPLES / GENERIC).read_bytes())
    assert len(record.digest) == 64 and record.file_name == "record.csv"

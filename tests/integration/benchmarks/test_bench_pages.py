"""Every page answers on the benchmark's rows: a new page that is not in its catalogue fails."""

from __future__ import annotations

import pytest

from apps.benchmarks.pages import runs
from apps.benchmarks.pages.field import Size, build
from apps.benchmarks.pages.rows import execute
from apps.copytrading.models import CopyMaster, CopySubscription, Outcome

pytestmark = pytest.mark.django_db(transaction=True)


def test_every_page_is_visited_on_rows_like_those_of_the_product(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for table, number in (("execution_accountevent", 1069), ("copytrading_tradelink", 40)):
        execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), {number})")
    build(Size(masters=20, subscriptions=60, outcomes=240, days=25), lambda text: None)
    assert CopyMaster.objects.count() == 20
    assert 50 <= CopySubscription.objects.count() <= 60, "pairs that were drawn twice are left out"
    assert Outcome.objects.count() >= 4 * 50

    monkeypatch.setattr(runs, "WARM_UP", 0)
    measured = runs.measure(1, lambda text: None)
    visited = {row["name"].split(" ")[0] for row in measured}
    assert {"portal:copying", "portal:subscription", "console:live", "console:master"} <= visited
    only_forms = {page.name for page in runs.pages()} - visited
    assert {"portal:check_chain", "console:confirm_closes"} <= only_forms
    assert all(row["queries"] > 0 for row in measured if row["name"] != "portal:theme")
    assert all(0 < row["p50_ms"] <= row["p95_ms"] for row in measured)

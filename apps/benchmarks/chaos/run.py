"""One chaos run from the opening of the accounts to the verdict."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from apps.benchmarks.chaos.audit import Findings, audit
from apps.benchmarks.chaos.books import VenueFile
from apps.benchmarks.chaos.evidence import Evidence
from apps.benchmarks.chaos.field import Field
from apps.benchmarks.chaos.records import Records
from apps.benchmarks.chaos.stage import Say, Stage
from apps.benchmarks.chaos.storm import Storm
from apps.benchmarks.chaos.strikes import Strikes
from apps.benchmarks.chaos.weather import storm_rules

_POLL_S = 0.25
_STILL_S = 3.0  # whatever is wrong with a quiet product shows itself within this time


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked for; ``settle_s`` is how long the product may take to come to rest."""

    kills: int
    seed: int
    masters: int
    subscriptions: int
    per_second: float
    settle_s: float


def run(plan: Plan, folder: Path, say: Say) -> dict[str, Any]:
    """Break everything, wait, and compare; the figures of the run."""
    with Stage(folder, say) as stage:
        field = _field(stage, plan, say)
        records = Records(stage.servers.database_url)
        stage.start()
        stage.rig.wait_until(records.live, "reading all accounts", 180)
        say("the storm begins")
        storm = Storm(field.endpoint(), field.masters, seed=plan.seed, per_second=plan.per_second)
        stage.faults(storm_rules(plan.seed, [m.venue_account for m in field.masters]))
        storm.begin()
        strikes = Strikes(stage, plan.seed, say)
        strikes.run(plan.kills)
        stage.faults(())
        trades = storm.end()
        say(f"the storm is over: {trades} trades, {strikes.kills} kills; waiting for rest")
        rest = _Rest(field, VenueFile(_file(stage)), records)
        converged = rest.wait(plan.settle_s, strikes.last_kill)
        records.dump(stage.rig.folder / "records")
        figures = _figures(plan, field, strikes, rest, converged)
        return figures | {"trades": trades, "folder": str(folder)}


def _field(stage: Stage, plan: Plan, say: Say) -> Field:
    say(f"opening accounts: {plan.masters} masters, {plan.subscriptions} subscriptions")
    path = stage.folder / "field.json"
    stage.manage(
        *("chaos_field", "--port", str(stage.rig.port), "--admin-port", str(stage.rig.admin_port)),
        *("--masters", str(plan.masters), "--subscriptions", str(plan.subscriptions)),
        *("--out", str(path)),
    )
    return Field.load(path)


def _file(stage: Stage) -> Path:
    return stage.rig.folder / "papervenue" / "venue.sqlite3"


class _Rest:
    """Waits until the product says that it is done and the audit finds that it is right."""

    def __init__(self, field: Field, venue: VenueFile, records: Records) -> None:
        self._field = field
        self._venue = venue
        self._records = records
        self._ours = {m.venue_account: m.account_id for m in field.masters}
        self.findings = Findings()
        self.evidence: Evidence | None = None

    def wait(self, limit_s: float, since: float) -> float | None:
        """Seconds from ``since`` until all was right and stayed so; None within ``limit_s``."""
        deadline = since + limit_s
        right_from: float | None = None
        while (now := time.monotonic()) < deadline or right_from is not None:
            if not self._quiet() or not self._look().clean:
                right_from = None
            elif right_from is None:
                right_from = now
            elif now - right_from >= _STILL_S:
                return round(right_from - since, 1)
            time.sleep(_POLL_S)
        self._look()
        return None

    def _quiet(self) -> bool:
        try:
            if self._records.unfinished().total or not self._records.live():
                return False
            deals = self._venue.deal_ids(list(self._ours))
            return {(self._ours[a], deal) for a, deal in deals} <= self._records.journaled()
        except psycopg.OperationalError:
            return False

    def _look(self) -> Findings:
        self.evidence = Evidence(self._field, self._venue.books(), self._records)
        self.findings = audit(self.evidence)
        return self.findings


def _figures(
    plan: Plan, field: Field, strikes: Strikes, rest: _Rest, converged: float | None
) -> dict[str, Any]:
    evidence, findings = rest.evidence, rest.findings
    assert evidence is not None
    return {
        "kills": strikes.kills,
        "events": len(evidence.events),
        "subscriptions": len(field.copies),
        "lost": findings.lost,
        "duplicates": findings.duplicates,
        "unresolved": findings.unresolved,
        "drift": findings.drift,
        "converged_after_s": converged,
        "seed": plan.seed,
        "masters": len(field.masters),
        "freezes": strikes.freezes,
        "outcomes": len(evidence.verdicts),
        "codes": evidence.codes(),
        "details": findings.details,
    }

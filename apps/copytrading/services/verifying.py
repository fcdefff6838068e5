"""Checking the chain of a subscription against its outcomes and its head.

Rows are read in pages of constant size, so a chain may be of any length. The head is read
first: what is sealed meanwhile is not looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from apps.copytrading.domain.sealing import digest
from apps.copytrading.services import sql
from apps.copytrading.services.sealing import ROW, Head, sealed_values

PAGE = 2_000


class Finding(NamedTuple):
    """The first place where a chain does not hold.

    ``number`` is the place in the chain and ``event_id`` the event whose outcome it is; 0 where
    it cannot be told.
    """

    number: int
    event_id: int
    why: str


class Place(NamedTuple):
    """A place in a chain that holds up to here."""

    number: int
    digest: str
    event_id: int


class Checked(NamedTuple):
    """How far a chain was checked: ``number`` of ``total`` rows, and what was found."""

    number: int
    total: int
    digest: str
    finding: Finding | None

    @property
    def done(self) -> bool:
        """Whether nothing is left to check."""
        return self.finding is not None or self.number >= self.total


def verify(subscription_id: int, *, after: int = 0) -> Iterator[Checked]:
    """Check a chain page by page, beginning behind the place ``after``.

    Yields the progress; the last value is ``done``. Whoever stops in between goes on with the
    ``number`` that was reached.
    """
    head, beyond = _head(subscription_id)
    at = _start(subscription_id, after)
    finding: Finding | None = None
    while at.number < head.length and finding is None:
        before, upto = at, min(at.number + PAGE, head.length)
        at, finding = _walk(head, at, upto)
        finding = finding or _added(head, before.event_id, at.event_id)
        if finding is None and at.number < head.length:
            yield Checked(at.number, head.length, at.digest, None)
    if finding is None:
        finding = _at_the_end(head, beyond, at)
    yield Checked(at.number, head.length, at.digest, finding)


def copies_with_outcomes(subscription_id: int | None = None) -> list[tuple[int, str]]:
    """Subscriptions that have an outcome or a sealed one, with their uuid."""
    which = "" if subscription_id is None else "AND s.id = %s"
    return [
        (pk, str(uuid))
        for pk, uuid in sql.rows(
            "SELECT s.id, s.uuid FROM copytrading_copysubscription s WHERE ("
            "EXISTS (SELECT 1 FROM copytrading_outcome o WHERE o.subscription_id = s.id) OR "
            "EXISTS (SELECT 1 FROM copytrading_outcomeseal z WHERE z.subscription_id = s.id) OR "
            "EXISTS (SELECT 1 FROM copytrading_ledgerhead h WHERE h.subscription_id = s.id)"
            f") {which} ORDER BY s.id",
            [] if subscription_id is None else [subscription_id],
        )
    ]


def _head(subscription_id: int) -> tuple[Head, int]:
    """The head of a chain, and how many seals lie beyond it."""
    found = sql.rows(
        "SELECT s.id, coalesce(h.count, 0), coalesce(h.last_event_id, 0), coalesce(h.digest, ''), "
        "(SELECT count(*) FROM copytrading_outcomeseal z "
        " WHERE z.subscription_id = s.id AND z.number > coalesce(h.count, 0)) "
        "FROM copytrading_copysubscription s "
        "LEFT JOIN copytrading_ledgerhead h ON h.subscription_id = s.id WHERE s.id = %s",
        [subscription_id],
    )
    *head, beyond = found[0]
    return Head(*head), beyond


def _start(subscription_id: int, after: int) -> Place:
    """The place from which a check goes on; the beginning where it is not known."""
    found = sql.rows(
        "SELECT z.number, z.digest, o.event_id FROM copytrading_outcomeseal z "
        "JOIN copytrading_outcome o ON o.id = z.outcome_id "
        "WHERE z.subscription_id = %s AND z.number = %s",
        [subscription_id, after],
    )
    return Place(*found[0]) if found else Place(0, "", 0)


def _page(subscription_id: int, after: int, upto: int) -> list[tuple[Any, ...]]:
    return sql.rows(
        f"SELECT z.number, z.digest, z.outcome_id, {ROW} FROM copytrading_outcomeseal z "
        "LEFT JOIN copytrading_outcome o ON o.id = z.outcome_id "
        "WHERE z.subscription_id = %s AND z.number > %s AND z.number <= %s ORDER BY z.number",
        [subscription_id, after, upto],
    )


def _walk(head: Head, at: Place, upto: int) -> tuple[Place, Finding | None]:
    """Go along the chain to the place ``upto``, or to the first one that does not hold."""
    for number, stored, outcome_id, *row in _page(head.subscription_id, at.number, upto):
        if number != at.number + 1:
            return at, Finding(at.number + 1, _gone(head, at), "its seal is missing")
        if row[0] is None:
            why = f"its outcome (row {outcome_id}) is missing"
            return at, Finding(number, _gone(head, at), why)
        event_id = row[1]
        if digest(at.digest, sealed_values(row)) != stored:
            return at, Finding(number, event_id, "it was changed after it had been sealed")
        if event_id <= at.event_id:
            return at, Finding(number, event_id, "it lies behind an event that is not older")
        at = Place(number, stored, event_id)
    if at.number < upto:
        return at, Finding(at.number + 1, _gone(head, at), _missing(head, at))
    return at, None


def _missing(head: Head, at: Place) -> str:
    more = sql.rows(
        "SELECT 1 FROM copytrading_outcomeseal WHERE subscription_id = %s "
        "AND number > %s AND number <= %s LIMIT 1",
        [head.subscription_id, at.number, head.length],
    )
    if more:
        return "its seal is missing"
    return f"the newest {head.length - at.number} of {head.length} sealed outcomes are missing"


def _gone(head: Head, at: Place) -> int:
    """The event whose outcome is not there: the master's first one without, behind a place."""
    found = sql.rows(
        "SELECT e.id FROM copytrading_copysubscription s "
        "JOIN copytrading_copymaster m ON m.id = s.master_id "
        "JOIN execution_accountevent e ON e.account_id = m.account_id "
        "WHERE s.id = %s AND e.id > greatest(%s, s.started_after_event) AND e.id <= %s "
        "AND NOT EXISTS (SELECT 1 FROM copytrading_outcome o "
        "                WHERE o.event_id = e.id AND o.subscription_id = s.id) "
        "ORDER BY e.id LIMIT 1",
        [head.subscription_id, at.event_id, head.last_event_id],
    )
    return int(found[0][0]) if found else 0


def _added(head: Head, after: int, upto: int) -> Finding | None:
    """An outcome that lies among sealed ones and has no seal of its own."""
    found = sql.rows(
        "SELECT o.event_id FROM copytrading_outcome o "
        "LEFT JOIN copytrading_outcomeseal z ON z.outcome_id = o.id "
        "AND z.subscription_id = o.subscription_id "
        "WHERE o.subscription_id = %s AND o.event_id > %s AND o.event_id <= %s "
        "AND z.outcome_id IS NULL ORDER BY o.event_id LIMIT 1",
        [head.subscription_id, after, upto],
    )
    if not found:
        return None
    return Finding(0, found[0][0], "it was added after later ones had been sealed")


def _at_the_end(head: Head, beyond: int, at: Place) -> Finding | None:
    if beyond:
        why = f"{beyond} sealed outcomes lie beyond the {head.length} that the head counts"
        return Finding(head.length + 1, 0, why)
    if head.length and at.digest != head.digest:
        return Finding(head.length, at.event_id, "its digest is not the one that the head keeps")
    return None

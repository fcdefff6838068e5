"""Finding every page of portal and console and measuring it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from django.test.utils import override_settings
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from apps.benchmarks.pages.catalogue import CATALOGUE, Sample, Visit, Visits
from apps.benchmarks.pages.visiting import Counter, Visitor
from apps.benchmarks.rig import RigError

#: Bound of the 95th percentile, milliseconds of server time.
BOUND_MS = 60.0
#: Addresses that are not the product's own pages.
NOT_OURS = frozenset({"admin"})
_STAFF = "console"
#: So that paper accounts are offered; a page that is read asks nothing there.
_PAPER_VENUE = "http://127.0.0.1:1"
WARM_UP = 3
#: Addresses that only take a form, and lead a reader to it.
_NOT_READ = frozenset({302, 405})


@dataclass(frozen=True, slots=True)
class Page:
    """An address with its name; ``takes`` are the names of its arguments."""

    name: str
    takes: tuple[str, ...]


def pages() -> list[Page]:
    """Every named address under a namespace of ours, in the order of the patterns."""
    found: dict[str, Page] = {}
    for name, pattern, outer in _walk(get_resolver().url_patterns, "", ()):
        takes = (*outer, *pattern.pattern.regex.groupindex)
        fixed = set(pattern.default_args)
        found.setdefault(name, Page(name, tuple(t for t in takes if t not in fixed)))
    return list(found.values())


def _walk(
    patterns: Iterable[URLPattern | URLResolver], namespace: str, takes: tuple[str, ...]
) -> Iterator[tuple[str, URLPattern, tuple[str, ...]]]:
    for each in patterns:
        if isinstance(each, URLPattern):
            if namespace and each.name:
                yield f"{namespace}:{each.name}", each, takes
        elif (each.namespace or "") not in NOT_OURS:
            inner = ":".join(part for part in (namespace, each.namespace) if part)
            yield from _walk(each.url_patterns, inner, (*takes, *each.pattern.regex.groupindex))


def visits_of(page: Page, catalogue: Mapping[str, Visits], sample: Sample) -> list[Visit]:
    """How a page is visited; RigError where it takes arguments that nobody has named."""
    entry = catalogue.get(page.name)
    if entry is not None:
        return entry(sample)
    if page.takes:
        raise RigError(
            f"no sample arguments for the page {page.name} ({', '.join(page.takes)}): add it to "
            "apps/benchmarks/pages/catalogue.py"
        )
    return [Visit()]


def check_catalogue(found: Sequence[Page], catalogue: Mapping[str, Visits]) -> None:
    """RigError for an entry that no page has any more."""
    gone = sorted(set(catalogue) - {page.name for page in found})
    if gone:
        raise RigError(f"apps/benchmarks/pages/catalogue.py names pages that are gone: {gone}")


def measure(times: int, say: Callable[[str], object]) -> list[dict[str, Any]]:
    """Every page, each visit ``times`` times: name, p50_ms, p95_ms and queries."""
    sample, found = Sample(), pages()
    check_catalogue(found, CATALOGUE)
    work = [(page, visit) for page in found for visit in visits_of(page, CATALOGUE, sample)]
    counter = Counter()
    readers = {
        staff: Visitor(sample.staff if staff else sample.customer, counter)
        for staff in (True, False)
    }
    logging.getLogger("django.request").setLevel(logging.CRITICAL)  # 405 is an answer here
    say("     p50      p95 here ms queries")
    with counter.counting(), override_settings(PAPERVENUE_URL=_PAPER_VENUE):
        return asyncio.run(_measure_all(work, readers, times, say))


async def _measure_all(
    work: Sequence[tuple[Page, Visit]],
    readers: Mapping[bool, Visitor],
    times: int,
    say: Callable[[str], object],
) -> list[dict[str, Any]]:
    measured, refused = [], []
    for page, visit in work:
        reader = readers[visit.staff or page.name.partition(":")[0] == _STAFF]
        row = await _measure(page, visit, reader, times)
        if row is not None and row["status"] >= 400:
            refused.append(f"{row['name']} answers {row['status']}")
        elif row is not None:
            measured.append(row)
            times_ms = f"{row['p50_ms']:>8.1f} {row['p95_ms']:>8.1f} {row['cpu_p50_ms']:>8.1f}"
            say(f"{times_ms} {row['queries']:>4}  {row['name']}")
    if refused:
        raise RigError(f"pages that do not answer: {'; '.join(refused)}")
    return measured


async def _measure(page: Page, visit: Visit, reader: Visitor, times: int) -> dict[str, Any] | None:
    path = reverse(page.name, kwargs=dict(visit.arguments))
    answers = []
    for _ in range(WARM_UP + times):
        answer = await reader.get(path, visit.query, htmx=visit.htmx)
        if answer.status in _NOT_READ:
            return None
        answers.append(answer)
    taken = sorted(answer.seconds * 1000 for answer in answers[WARM_UP:])
    worked = sorted(answer.worked * 1000 for answer in answers[WARM_UP:])
    return {
        "name": _title(page, visit),
        "p50_ms": round(_rank(taken, 0.50), 2),
        "p95_ms": round(_rank(taken, 0.95), 2),
        "cpu_p50_ms": round(_rank(worked, 0.50), 2),
        "queries": min(answer.queries for answer in answers),
        "status": answers[-1].status,
        "bytes": answers[-1].size,
    }


def _title(page: Page, visit: Visit) -> str:
    """The page's name, with what tells its visits apart."""
    given = visit.arguments
    action = given.get("action") or given.get("decision") or ""
    query = visit.query.split("=")[0] if "uuid" in visit.query else visit.query
    return page.name + (f" {action}" if action else "") + (f" ?{query[:40]}" if query else "")


def _rank(ordered: Sequence[float], share: float) -> float:
    """Nearest rank: a value that was measured."""
    return ordered[max(0, ceil(share * len(ordered)) - 1)]


def slow(measured: Iterable[Mapping[str, Any]]) -> list[str]:
    """Names of the pages beyond the bound."""
    return [row["name"] for row in measured if row["p95_ms"] > BOUND_MS]

"""Fences: of several who work on one key at once, only one can commit.

See :class:`apps.execution.models.Fence`. The order matters: a fence is read before whatever is
decided upon, and passed in every transaction that stores what was decided.
"""

from __future__ import annotations

from dataclasses import dataclass

from apps.common.database import Query, raw_cursor
from apps.common.roundtrip import Rows

_READ = "SELECT value FROM execution_fence WHERE source = %s AND wake_key = %s"

_MAKE = """
    INSERT INTO execution_fence (source, wake_key, value) VALUES (%s, %s, 0)
    ON CONFLICT DO NOTHING
"""

#: %s: source, %s: wake key, %s: the value that is expected.
PASS = """
    UPDATE execution_fence SET value = value + 1
    WHERE source = %s AND wake_key = %s AND value = %s RETURNING value
"""


class Overtaken(Exception):
    """Somebody else has worked on the same key since the fence was read; begin anew."""


@dataclass(slots=True)
class Fence:
    """A fence as it was read; passing it moves ``value``."""

    source: str
    wake_key: int
    value: int

    @property
    def values(self) -> tuple[str, int, int]:
        """The parameters of :data:`PASS`."""
        return self.source, self.wake_key, self.value

    def passed(self, found: bool) -> None:
        """Note what :data:`PASS` has found. Raises Overtaken when it found nothing."""
        if not found:
            raise Overtaken(f"another worker has gone on with {self.source} {self.wake_key}")
        self.value += 1


def read_fence(source: str, wake_key: int) -> Fence:
    """The fence of a key as it stands; made when it is asked for the first time."""
    return fence_query(source, wake_key).ask()


def fence_query(source: str, wake_key: int) -> Query[Fence]:
    """Asks for :func:`read_fence`."""

    def made_of(found: Rows) -> Fence:
        if not found:
            with raw_cursor() as cursor:
                cursor.execute(_MAKE, [source, wake_key])
        return Fence(source, wake_key, found[0][0] if found else 0)

    return Query(_READ, [source, wake_key], made_of)


def pass_fence(fence: Fence) -> None:
    """Pass a fence in the caller's transaction. Raises Overtaken; the transaction must fail."""
    fence.passed(Query(PASS, fence.values, bool).ask())

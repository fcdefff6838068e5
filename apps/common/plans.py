"""How PostgreSQL is to plan what is asked over and over for rows by their keys."""

from __future__ import annotations

#: Options of a connection that keeps its plans and asks for few rows of many. PostgreSQL makes
#: such a plan once, for a table as it is then: of one that is nearly empty it reads everything,
#: and keeps doing so when there are a hundred thousand rows, until somebody counts them anew.
#: Rows are found through indexes and joined one by one instead, where there is an index at all.
BY_INDEX = "-c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off"


def by_index(given: str | None) -> str:
    """The options that an installation gives its connections, and these."""
    return f"{given or ''} {BY_INDEX}".strip()

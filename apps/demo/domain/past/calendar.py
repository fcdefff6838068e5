"""Steps of the past and the moments that they stand for."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

STEP_S = 300
#: Steps of one day.
DAY = 86_400 // STEP_S
#: Steps of one hour.
HOUR = 3_600 // STEP_S


class Calendar:
    """The last ``days`` business days (Monday to Friday, UTC) before ``today``.

    >>> Calendar(date(2026, 3, 2), 2).days
    [datetime.date(2026, 2, 26), datetime.date(2026, 2, 27)]
    """

    def __init__(self, today: date, days: int) -> None:
        found: list[date] = []
        day = today
        while len(found) < days:
            day -= timedelta(days=1)
            if day.weekday() < 5:
                found.append(day)
        self.days = found[::-1]
        self._midnights = [datetime.combine(day, time.min, UTC) for day in self.days]

    @property
    def steps(self) -> int:
        return len(self.days) * DAY

    def at(self, step: int, seconds: float = 0.0) -> datetime:
        """The moment of a step, so many seconds into it."""
        number, rest = divmod(step, DAY)
        return self._midnights[number] + timedelta(seconds=rest * STEP_S + seconds)

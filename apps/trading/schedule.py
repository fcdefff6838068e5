"""When a symbol is traded: weekly hours and holidays."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

DAY_S = 86_400
WEEK_S = 7 * DAY_S
_FAR = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class Holiday:
    """Closed from ``start_s`` to ``end_s`` of a day, every year where it recurs."""

    day: date
    start_s: int = 0
    end_s: int = DAY_S
    recurring: bool = False

    def ends(self, local: datetime) -> datetime | None:
        """When the holiday that holds at a local time is over, None where it does not hold."""
        same = (self.day.month, self.day.day) == (local.month, local.day)
        if not same or not (self.recurring or self.day.year == local.year):
            return None
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
        if not self.start_s <= (local - midnight).total_seconds() < self.end_s:
            return None
        return midnight + timedelta(seconds=self.end_s)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Trading hours of a symbol; without any it is always open.

    ``hours`` are half-open intervals in seconds since Sunday 00:00 of ``zone``, in order and
    apart; summer time moves them as it moves that zone's clocks.

    >>> weekdays = Schedule(hours=((86_400, 6 * 86_400),))
    >>> weekdays.is_open(datetime(2026, 3, 6, 23, 59, tzinfo=UTC))
    True
    >>> weekdays.next_open(datetime(2026, 3, 7, 12, tzinfo=UTC))
    datetime.datetime(2026, 3, 9, 0, 0, tzinfo=datetime.timezone.utc)
    """

    hours: tuple[tuple[int, int], ...] = ()
    holidays: tuple[Holiday, ...] = ()
    zone: str = "UTC"

    def __bool__(self) -> bool:
        """Whether there are times at which it is closed."""
        return bool(self.hours or self.holidays)

    def is_open(self, at: datetime) -> bool:
        return not self or self._opens(self._local(at)) is None

    def next_open(self, at: datetime) -> datetime | None:
        """``at`` where it is open then, else when it opens; None: not within 400 days."""
        if not self:
            return at
        local = start = self._local(at)
        while (later := self._opens(local)) is not None:
            local = later
            if local - start > _FAR:
                return None
        return at if local == start else local.replace(tzinfo=self._zone()).astimezone(UTC)

    def _opens(self, local: datetime) -> datetime | None:
        """The earliest later moment that may be open, None where it is open now."""
        for holiday in self.holidays:
            if (end := holiday.ends(local)) is not None:
                return end
        if not self.hours:
            return None
        days = (local.weekday() + 1) % 7
        sunday = local.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days)
        second = (local - sunday).total_seconds()
        index = bisect_right(self.hours, second, key=lambda interval: interval[0])
        if index and second < self.hours[index - 1][1]:
            return None
        start = self.hours[index][0] if index < len(self.hours) else self.hours[0][0] + WEEK_S
        return sunday + timedelta(seconds=start)

    def _local(self, at: datetime) -> datetime:
        return at.astimezone(self._zone()).replace(tzinfo=None)

    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.zone)

    def as_json(self) -> dict[str, Any]:
        """Plain values; {} for one that is always open."""
        if not self:
            return {}
        holidays = [
            {
                "date": h.day.isoformat(),
                "start": h.start_s,
                "end": h.end_s,
                "recurring": h.recurring,
            }
            for h in self.holidays
        ]
        return {"hours": [list(h) for h in self.hours], "holidays": holidays, "zone": self.zone}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Schedule:
        """The schedule of :meth:`as_json`. ValueError where it makes no sense."""
        try:
            hours = [(int(start), int(end)) for start, end in value.get("hours", ())]
            holidays = [
                Holiday(
                    date.fromisoformat(day["date"]),
                    int(day.get("start", 0)),
                    int(day.get("end", DAY_S)),
                    bool(day.get("recurring", False)),
                )
                for day in value.get("holidays", ())
            ]
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"trading hours are incomplete: {error}") from error
        return make_schedule(hours, holidays, str(value.get("zone") or "UTC"))


ALWAYS = Schedule()


def make_schedule(
    hours: list[tuple[int, int]], holidays: list[Holiday], zone: str = "UTC"
) -> Schedule:
    """A schedule of intervals in any order; those that touch are joined.

    ValueError for an interval outside the week, an empty one, or a zone nobody knows.
    """
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        message = f"trading hours are in {zone!r}; use a name like America/New_York"
        raise ValueError(message) from None
    joined: list[tuple[int, int]] = []
    for start, end in sorted(hours):
        if not 0 <= start < end <= WEEK_S:
            raise ValueError(
                f"trading hours from {start} to {end} are not within a week of {WEEK_S} seconds"
            )
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    if any(not 0 <= h.start_s < h.end_s for h in holidays):
        raise ValueError("a holiday ends after it has begun")
    if joined == [(0, WEEK_S)]:
        joined = []
    if not joined and not holidays:
        return ALWAYS
    return Schedule(tuple(joined), tuple(holidays), zone)

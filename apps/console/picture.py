"""The topology of master and follower platforms as a picture: boxes, and bands between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from apps.copytrading.topology import Flow

#: Of the picture, in its own units; its height grows with the boxes.
WIDTH, BOX, ROW, GAP = 920, 260, 52, 16
_THINNEST, _THICKEST = 2.0, 26.0


@dataclass(frozen=True, slots=True)
class Box:
    """A connection on one side of the picture."""

    x: int
    y: int
    name: str
    note: str
    status: str


@dataclass(frozen=True, slots=True)
class Band:
    """Copies from one box to another; ``label`` tells them where there is room."""

    path: str
    width: str
    label: str
    label_x: int
    label_y: int


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything to draw, and the same in sentences for those who do not see it."""

    height: int
    boxes: list[Box]
    bands: list[Band]
    sentences: list[str]


def picture(flows: Sequence[Flow], names: dict[int, tuple[str, str]]) -> Picture:
    """Draw the flows; ``names`` gives name and status of each connection."""
    leads = list(dict.fromkeys(flow.master_connection for flow in flows))
    follows = list(dict.fromkeys(flow.follower_connection for flow in flows))
    rows = max(len(leads), len(follows), 1)
    height = rows * (ROW + GAP) + GAP
    left = _places(leads, height)
    right = _places(follows, height)
    boxes = [
        *_boxes(left, 0, names, {k: _leading(flows, k) for k in leads}),
        *_boxes(right, WIDTH - BOX, names, {k: _following(flows, k) for k in follows}),
    ]
    most = max((flow.copies for flow in flows), default=1)
    bands = [
        _band(
            left[flow.master_connection] + ROW // 2,
            right[flow.follower_connection] + ROW // 2,
            flow,
            most,
        )
        for flow in flows
    ]
    sentences = [
        f"{names[flow.master_connection][0]} to {names[flow.follower_connection][0]}: "
        f"{_copies(flow.copies)}, {flow.positions} open positions"
        for flow in flows
    ]
    return Picture(height, boxes, bands, sentences)


def _places(connections: Sequence[int], height: int) -> dict[int, int]:
    """Upper edges, spread over the height."""
    room = height / max(len(connections), 1)
    return {key: int(room * i + (room - ROW) / 2) for i, key in enumerate(connections)}


def _boxes(
    places: dict[int, int], x: int, names: dict[int, tuple[str, str]], notes: dict[int, str]
) -> list[Box]:
    return [Box(x, y, names[key][0], notes[key], names[key][1]) for key, y in places.items()]


def _leading(flows: Sequence[Flow], connection: int) -> str:
    count = sum(f.masters for f in flows if f.master_connection == connection)
    copies = sum(f.copies for f in flows if f.master_connection == connection)
    return f"{count} master{'' if count == 1 else 's'} · {_copies(copies)}"


def _following(flows: Sequence[Flow], connection: int) -> str:
    count = sum(f.followers for f in flows if f.follower_connection == connection)
    held = sum(f.positions for f in flows if f.follower_connection == connection)
    return f"{count} follower{'' if count == 1 else 's'} · {held} open"


def _copies(count: int) -> str:
    return f"{count} cop{'y' if count == 1 else 'ies'}"


def _band(start: int, end: int, flow: Flow, most: int) -> Band:
    first, last = BOX, WIDTH - BOX
    middle = WIDTH // 2
    width = _THINNEST + (_THICKEST - _THINNEST) * flow.copies / most
    path = f"M{first} {start}C{middle} {start} {middle} {end} {last} {end}"
    return Band(path, f"{width:.1f}", str(flow.copies), middle, (start + end) // 2)

"""How long a close that came to nothing waits before it is sent again."""

from __future__ import annotations

from apps.copytrading.services.closing import again, pause_s


def attempts(*arrived: bool) -> tuple[list[str], list[int]]:
    causes = ["event:7"]
    for one in arrived:
        causes.append(again(causes[-1], arrived=one))
    return causes, [pause_s(cause) for cause in causes]


def test_pauses_grow_while_the_platform_refuses() -> None:
    causes, pauses = attempts(*[True] * 8)
    assert causes[:4] == ["event:7", "rest:event:7#2", "rest:event:7#3", "rest:event:7#4"]
    assert pauses == [0, 1, 2, 4, 8, 16, 32, 60, 60]


def test_what_has_not_arrived_is_sent_again_soon_under_an_id_of_its_own() -> None:
    causes, pauses = attempts(False, False, False, True, False)
    assert len(set(causes)) == len(causes)
    assert pauses == [0, 1, 1, 1, 2, 2]

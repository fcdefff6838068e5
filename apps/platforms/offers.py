"""How a customer can add accounts in this installation."""

from __future__ import annotations

from typing import NamedTuple

from apps.accounts.models import User
from apps.platforms import oauth, paper


class Ways(NamedTuple):
    """``paper_left`` is how many paper accounts the customer may still open."""

    paper: bool
    paper_left: int
    ctrader: bool

    @property
    def any(self) -> bool:
        return self.paper or self.ctrader


def ways_to_add(user: User) -> Ways:
    """What the installation is set up for, and the product allows."""
    return Ways(paper.is_offered(), paper.left_to_open(user), oauth.is_offered())

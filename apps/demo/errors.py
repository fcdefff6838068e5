"""What can be wrong with the demo, in sentences that say what to do."""

from __future__ import annotations

from django.core.management.base import CommandError


class NotADemo(CommandError):
    """The installation was not filled with the demo."""

    def __init__(self) -> None:
        super().__init__(
            "This installation has no demo: run `manage.py demo` on an empty one, "
            "or start it with `make run`."
        )


class NotEmpty(CommandError):
    """The installation holds data of its own."""

    def __init__(self) -> None:
        super().__init__(
            "This installation has data of its own, so it is not filled with the demo. "
            "Use another database, or start with DEMO=0."
        )

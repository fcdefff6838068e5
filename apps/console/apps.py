from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    name = "apps.console"
    label = "console"
    verbose_name = "Console"

    def ready(self) -> None:
        from apps.common.live_pages import register
        from apps.console import (
            live,
            live_alarms,
            live_copying,
            live_drift,
            live_followers,
            live_kill_switch,
            live_masters,
            live_operations,
        )

        masters = (live_masters.MASTERS, live_copying.MASTER, live_copying.MASTER_TRADES)
        pages = (live_copying.LIVE, *masters, live_alarms.ALARMS)
        followers = live_followers.FOLLOWERS
        safe = (live.PLATFORMS, live_operations.OPERATIONS, live_drift.DRIFT)
        for page in (*pages, followers, *safe, live_kill_switch.KILL_SWITCH):
            register(page)

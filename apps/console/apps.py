from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    name = "apps.console"
    label = "console"
    verbose_name = "Console"

    def ready(self) -> None:
        from apps.common.live_pages import register
        from apps.console import live, live_copying, live_drift, live_kill_switch

        pages = (live_copying.LIVE, live_copying.MASTERS, live_copying.MASTER)
        for page in (*pages, live.PLATFORMS, live_drift.DRIFT, live_kill_switch.KILL_SWITCH):
            register(page)

from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    name = "apps.console"
    label = "console"
    verbose_name = "Console"

    def ready(self) -> None:
        from apps.common.live_pages import register
        from apps.console import live, live_copying

        pages = (live_copying.LIVE, live_copying.MASTERS, live_copying.MASTER)
        for page in (*pages, live.PLATFORMS):
            register(page)

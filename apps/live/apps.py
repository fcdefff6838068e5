from django.apps import AppConfig


class LiveConfig(AppConfig):
    name = "apps.live"
    label = "live"
    verbose_name = "Live"

    def ready(self) -> None:
        from apps.common import live_pages
        from apps.live import bell, receivers

        receivers.register()
        live_pages.register(bell.BELL)
        live_pages.beside("bell", bell.said_to)

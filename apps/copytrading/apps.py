from django.apps import AppConfig


class CopytradingConfig(AppConfig):
    name = "apps.copytrading"
    label = "copytrading"

    def ready(self) -> None:
        from apps.copytrading import receivers

        receivers.connect()

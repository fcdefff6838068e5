from django.apps import AppConfig


class CopyTradingConfig(AppConfig):
    name = "apps.copytrading"
    label = "copytrading"
    verbose_name = "Copy trading"

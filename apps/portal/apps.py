from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "apps.portal"
    label = "portal"
    verbose_name = "Portal"

    def ready(self) -> None:
        from apps.common.live_pages import register
        from apps.portal import live, live_copying

        for page in (live.ACCOUNTS, live.ACCOUNT, live_copying.COPYING, live_copying.SUBSCRIPTION):
            register(page)

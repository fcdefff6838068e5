from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AccountsConfig(AppConfig):
    name = "apps.accounts"
    label = "accounts"
    verbose_name = "Accounts"

    def ready(self) -> None:
        from apps.accounts import view_as

        post_migrate.connect(ensure_roles, sender=self)
        view_as.register()


def ensure_roles(**_: Any) -> None:
    """Have a group for every role whenever the tables stand, also after a test emptied them."""
    from django.contrib.auth.models import Group

    from apps.accounts.roles import Role

    for role in Role:
        Group.objects.get_or_create(name=role.value)

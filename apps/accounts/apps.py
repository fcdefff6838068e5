from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AccountsConfig(AppConfig):
    name = "apps.accounts"
    label = "accounts"
    verbose_name = "Accounts"

    def ready(self) -> None:
        from apps.accounts import sign_ins, view_as

        post_migrate.connect(ensure_roles, sender=self)
        post_migrate.connect(ensure_legal_texts, sender=self)
        sign_ins.connect()
        view_as.register()


def ensure_roles(**_: Any) -> None:
    """Have a group for every role whenever the tables stand, also after a test emptied them."""
    from django.contrib.auth.models import Group

    from apps.accounts.roles import Role

    for role in Role:
        Group.objects.get_or_create(name=role.value)


def ensure_legal_texts(apps: Any = None, **_: Any) -> None:
    """Have a risk disclosure and terms from the first day on, until the house writes its own."""
    if apps is not None and "legaltext" not in apps.all_models["accounts"]:
        return  # migrated back to before there were any
    from apps.accounts.legal import publish_defaults

    publish_defaults()

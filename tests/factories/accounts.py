"""Users for tests."""

from __future__ import annotations

import factory
from django.contrib.auth.models import Group

from apps.accounts.models import Customer, User
from apps.accounts.roles import Role


class UserFactory(factory.django.DjangoModelFactory[User]):
    """A customer's user."""

    class Meta:
        model = User

    email = factory.Sequence(lambda n: f"user{n}@example.com")


class CustomerFactory(factory.django.DjangoModelFactory[Customer]):
    class Meta:
        model = Customer

    user = factory.SubFactory(UserFactory)
    name = factory.Sequence(lambda n: f"Customer {n}")


def staff(role: Role) -> User:
    """A member of staff with one role."""
    user: User = UserFactory(is_staff=True, is_superuser=role is Role.OWNER)
    user.groups.add(Group.objects.get_or_create(name=role)[0])
    return user

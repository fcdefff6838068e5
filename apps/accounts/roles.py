"""Roles of staff and what each may do."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """Names of the Django groups that staff belong to."""

    OWNER = "owner"
    ADMIN = "admin"
    RISK = "risk"
    SUPPORT = "support"


class Permission(StrEnum):
    """What pages and actions of staff ask for."""

    VIEW = "view"
    INTERVENE = "intervene"  # pause, stop and close what customers run
    HALT = "halt"  # kill switches
    VIEW_AS_CUSTOMER = "view_as_customer"  # see the portal as a customer does, reading only
    DECIDE_APPLICATIONS = "decide_applications"  # who becomes a master
    MANAGE_CUSTOMERS = "manage_customers"
    MANAGE_PLATFORMS = "manage_platforms"
    MANAGE_PRODUCT = "manage_product"  # modules, limits and defaults of the product
    MANAGE_STAFF = "manage_staff"


_SUPPORT = frozenset({Permission.VIEW, Permission.VIEW_AS_CUSTOMER})
_RISK = _SUPPORT | {Permission.INTERVENE, Permission.HALT, Permission.DECIDE_APPLICATIONS}
_ADMIN = _RISK | {
    Permission.MANAGE_CUSTOMERS,
    Permission.MANAGE_PLATFORMS,
    Permission.MANAGE_PRODUCT,
}

PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.OWNER: frozenset(Permission),
    Role.ADMIN: _ADMIN,
    Role.RISK: _RISK,
    Role.SUPPORT: _SUPPORT,
}

#: What a role is for, for the people who give it.
ROLE_WORDS: dict[Role, str] = {
    Role.OWNER: "Everything, and the staff.",
    Role.ADMIN: "Everything but the staff.",
    Role.RISK: "Looks at everything, intervenes in copying and moves kill switches.",
    Role.SUPPORT: "Looks at everything and sees the portal as a customer does; changes nothing.",
}

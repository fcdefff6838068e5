"""What a master shows of itself, and whom it lets follow."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from typing import Any, TypedDict, Unpack

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Field

from apps.accounts.models import User
from apps.common.pictures import square_picture
from apps.copytrading.errors import InvalidSettings
from apps.copytrading.models import CopyMaster, MasterPicture
from apps.copytrading.services.acting import audit, publish_change, require_owner
from apps.copytrading.services.applications import locked_master
from apps.copytrading.services.masters import check_words

LONGEST_DESCRIPTION = 2000
PICTURE_SIDE = 256


class MasterProfile(TypedDict, total=False):
    """What an owner may change; ``min_investment`` in the currency of the master's account."""

    strategy_name: str
    description: str
    allowed_follower_modes: str
    max_followers: int
    min_investment: Decimal
    show_positions: str
    show_trades: str
    trades_delay_h: int


@transaction.atomic
def update_master(
    *, actor: User | None, master: CopyMaster, **profile: Unpack[MasterProfile]
) -> CopyMaster:
    """Change what a master shows and whom it lets follow; copies that run go on.

    InvalidSettings with a sentence for each field that cannot be. What is not given stays.
    """
    locked = locked_master(master)
    require_owner(actor, locked.account.owner_id)
    known: dict[str, Any] = {**profile}
    if "strategy_name" in known:
        known["strategy_name"] = str(known["strategy_name"]).strip()
        check_words(str(known["strategy_name"]), locked.visibility)
    before = {name: getattr(locked, name) for name in known}
    _set(locked, known)
    changed = {name: value for name, value in known.items() if before[name] != value}
    if not changed:
        return locked
    locked.save(update_fields=sorted(changed))
    audit(
        actor, "master.update", locked,
        before={name: before[name] for name in changed}, after=changed,
    )  # fmt: skip
    publish_change(locked.account_id)
    return locked


def _set(master: CopyMaster, values: dict[str, Any]) -> None:
    errors = {}
    if len(str(values.get("description", ""))) > LONGEST_DESCRIPTION:
        errors["description"] = f"Use at most {LONGEST_DESCRIPTION:,} characters."
    for name, value in values.items():
        field = master._meta.get_field(name)
        assert isinstance(field, Field)
        try:
            values[name] = field.clean(value, master)
        except ValidationError as error:
            errors.setdefault(name, " ".join(error.messages))
        else:
            setattr(master, name, values[name])
    if errors:
        raise InvalidSettings(errors)


@transaction.atomic
def set_picture(*, actor: User | None, master: CopyMaster, data: bytes) -> None:
    """Give a master a picture: read, cut to a square and encoded anew.

    InvalidSettings says what is wrong with the file.
    """
    locked = locked_master(master)
    require_owner(actor, locked.account.owner_id)
    try:
        image = square_picture(data, PICTURE_SIDE)
    except ValueError as error:
        raise InvalidSettings({"picture": str(error)}) from None
    digest = hashlib.blake2b(image, digest_size=8).hexdigest()
    MasterPicture.objects.update_or_create(
        master=locked, defaults={"image": image, "digest": digest}
    )
    audit(actor, "master.picture", locked, after={"digest": digest})


@transaction.atomic
def remove_picture(*, actor: User | None, master: CopyMaster) -> None:
    """Take a master's picture away; no change where it has none."""
    locked = locked_master(master)
    require_owner(actor, locked.account.owner_id)
    if MasterPicture.objects.filter(master=locked).delete()[0]:
        audit(actor, "master.picture", locked, after={"digest": ""})

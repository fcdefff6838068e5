"""Symbol pairs of a subscription: stored whole or one by one, never half."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.copytrading.domain.pairs import (
    Line,
    Listed,
    Names,
    Problem,
    check_lines,
    read_lines,
)
from apps.copytrading.errors import InvalidPairs
from apps.copytrading.models import CopySubscription, SymbolPair
from apps.copytrading.services.acting import audit, publish_change, require_owner
from apps.copytrading.services.versions import record_version
from apps.platforms.selectors import symbol_listing

#: The largest file that is read.
MOST_BYTES = 1_000_000
#: So many changed pairs are spelled out in the audit trail.
_AUDITED = 200


def upload_symbol_pairs(
    *, actor: User | None, subscription: CopySubscription, content: bytes
) -> int:
    """Replace all pairs by those of a CSV file; answers how many there are now.

    InvalidPairs names every line that is wrong; nothing is stored then.
    """
    if len(content) > MOST_BYTES:
        raise InvalidPairs([Problem(1, "The file is larger than 1 MB; leave symbols out.")])
    lines, problems = read_lines(content)
    if not problems and not lines:
        problems = [Problem(1, "There is no pair in this file. To end the mapping, remove it.")]
    return _replace(actor, subscription, lines, problems)


def set_symbol_pairs(
    *, actor: User | None, subscription: CopySubscription, pairs: Mapping[str, str]
) -> int:
    """Replace all pairs, follower's symbols by the master's, '' for 'not copied'.

    An empty mapping removes all. InvalidPairs counts the pairs from 1.
    """
    lines = [Line(n, m.strip(), f.strip()) for n, (m, f) in enumerate(pairs.items(), 1)]
    return _replace(actor, subscription, lines, [])


def set_symbol_pair(
    *,
    actor: User | None,
    subscription: CopySubscription,
    master_symbol: str,
    follower_symbol: str | None,
) -> None:
    """Set one pair, '' for 'not copied'; None takes it away, so that names decide again.

    InvalidPairs says why not. The other pairs stay, also where a platform has dropped a symbol.
    """
    with transaction.atomic():
        locked = _locked(actor, subscription)
        master, follower = names_of(locked)
        before = stored_pairs(locked)
        if follower_symbol is None:
            wanted = master_symbol.strip().upper()
            after = {name: taken for name, taken in before.items() if name.upper() != wanted}
        else:
            line = Line(1, master_symbol.strip(), follower_symbol.strip())
            pairs, problems = check_lines([line], master, follower, before)
            if problems:
                raise InvalidPairs(problems)
            after = {**before, **pairs}
        _store(actor, locked, before, after)


def _replace(
    actor: User | None,
    subscription: CopySubscription,
    lines: Sequence[Line],
    problems: Sequence[Problem],
) -> int:
    with transaction.atomic():
        locked = _locked(actor, subscription)
        pairs, wrong = check_lines(lines, *names_of(locked))
        if problems or wrong:
            raise InvalidPairs(sorted([*problems, *wrong]))
        _store(actor, locked, stored_pairs(locked), pairs)
    return len(pairs)


def _store(
    actor: User | None,
    subscription: CopySubscription,
    before: Mapping[str, str],
    after: Mapping[str, str],
) -> None:
    changed = sorted(n for n in {*before, *after} if before.get(n) != after.get(n))
    if not changed:
        return
    SymbolPair.objects.filter(subscription=subscription, master_symbol__in=changed).delete()
    SymbolPair.objects.bulk_create(
        SymbolPair(subscription=subscription, master_symbol=name, follower_symbol=after[name])
        for name in changed
        if name in after
    )
    subscription.has_pairs = bool(after)
    subscription.save(update_fields=["has_pairs"])
    record_version(subscription, timezone.now())
    told = changed[:_AUDITED]
    audit(
        actor,
        "subscription.pairs",
        subscription,
        before={name: before.get(name) for name in told},
        after={name: after.get(name) for name in told} | {"pairs": len(after)},
    )
    publish_change(subscription.master.account_id)


def names_of(subscription: CopySubscription) -> tuple[Names, Names]:
    """The symbols of the master's platform and those of the follower's."""
    ends = (subscription.master.account, subscription.follower.account)
    listing = symbol_listing([account.connection_id for account in ends])
    master, follower = (
        Names(Listed(*symbol) for symbol in listing.get(account.connection_id, ()))
        for account in ends
    )
    return master, follower


def stored_pairs(subscription: CopySubscription) -> dict[str, str]:
    """Its pairs by the master's symbol; '' is not copied."""
    rows = SymbolPair.objects.filter(subscription=subscription).order_by("master_symbol")
    return dict(rows.values_list("master_symbol", "follower_symbol"))


def _locked(actor: User | None, subscription: CopySubscription) -> CopySubscription:
    locked = (
        CopySubscription.objects.select_for_update(of=("self",))
        .select_related("master__account", "follower__account")
        .get(pk=subscription.pk)
    )
    require_owner(actor, locked.follower.account.owner_id)
    return locked

"""Who may copy whom: never oneself, never in a loop, never twice."""

from __future__ import annotations

from decimal import Decimal

from apps.accounts.selectors import product_config
from apps.copytrading.domain.guards import strictest_maximum
from apps.copytrading.errors import (
    AlreadyExists,
    BelowMinimumInvestment,
    FollowerModeNotAllowed,
    FollowerNotFound,
    InvalidAccount,
    LoopNotAllowed,
    MasterFull,
    MasterGated,
    MasterNotAvailable,
    MaxMastersReached,
)
from apps.copytrading.master_gates import gates_of
from apps.copytrading.models import CopyFollower, CopyMaster, CopySubscription, TradeLink
from apps.copytrading.services import sql
from apps.platforms.models import AccountGroup
from apps.platforms.selectors import account_states, rates
from apps.trading.errors import NoConversionRate
from apps.trading.money import currency_digits

# A copy leads on as long as it runs or holds something; one at rest copies nothing any more.
_REACHES = """
    WITH RECURSIVE reached (account_id) AS (
        SELECT %(start)s::bigint
        UNION
        SELECT f.account_id
        FROM reached r
        JOIN copytrading_copymaster m ON m.account_id = r.account_id
        JOIN copytrading_copysubscription s ON s.master_id = m.id
            AND (s.archived_at IS NULL AND s.status <> 'disabled' OR EXISTS (
                SELECT 1 FROM copytrading_tradelink l
                WHERE l.subscription_id = s.id AND l.state = 'open'))
        JOIN copytrading_copyfollower f ON f.id = s.follower_id)
    SELECT EXISTS (SELECT 1 FROM reached WHERE account_id = %(target)s)
"""


def locked_pair(master: CopyMaster, follower: CopyFollower) -> tuple[CopyMaster, CopyFollower]:
    """Both as they stand now, held until the transaction ends: neither is deleted meanwhile."""
    masters = CopyMaster.objects.select_related("account__group")
    followers = CopyFollower.objects.select_related("account__group")
    return (
        masters.select_for_update(of=("self",), no_key=True).get(pk=master.pk),
        followers.select_for_update(of=("self",), no_key=True).get(pk=follower.pk),
    )


def check_relation(master: CopyMaster, follower: CopyFollower, owner_id: int | None) -> None:
    """Refuse a subscription that must not be; the graph is locked by the caller.

    ``owner_id`` is the owner of the follower's account.
    """
    if master.account_id == follower.account_id:
        raise LoopNotAllowed("An account cannot copy itself; choose another account.")
    if follower.archived_at is not None or not follower.account.active:
        raise FollowerNotFound("This account is not in use any more; choose another one.")
    _check_master(master, follower, owner_id)
    if reaches(follower.account_id, master.account_id):
        raise LoopNotAllowed(
            "The master already copies this account, directly or through others; trades would "
            "go round in circles. Choose another account or another master."
        )


def _check_master(master: CopyMaster, follower: CopyFollower, owner_id: int | None) -> None:
    own = owner_id is not None and master.account.owner_id == owner_id
    open_to_all = master.visibility == CopyMaster.Visibility.PUBLIC
    available = master.status in (CopyMaster.Status.ACTIVE, CopyMaster.Status.PAUSED)
    if master.archived_at is not None or not available or not (own or open_to_all):
        raise MasterNotAvailable("This master takes no new followers; choose another one.")
    real, demo = AccountGroup.Mode.REAL, AccountGroup.Mode.DEMO
    modes = (follower.account.group.mode, master.account.group.mode)
    if modes == (real, demo):
        raise FollowerModeNotAllowed(
            "Real money does not follow a demo account; use a demo account to copy this master."
        )
    if master.allowed_follower_modes not in (CopyMaster.FollowerModes.BOTH, modes[0]) and not own:
        kind = "real" if modes[0] == demo else "demo"
        raise FollowerModeNotAllowed(
            f"This master lets {kind} accounts follow only; choose another account."
        )
    if master.max_followers and not own and _followers(master) >= master.max_followers:
        raise MasterFull(
            f"This master takes {master.max_followers} followers at most, and has as many; "
            "choose another one, or try again later."
        )
    if not own:
        check_gates(master)


def check_gates(master: CopyMaster) -> None:
    """MasterGated while a rule of the house keeps new followers away from a master.

    The owner's own accounts may copy it all the same, and copies that there are go on.
    """
    gates = gates_of([master.pk]).get(master.pk)
    if gates:
        reasons = " ".join(gate.reason for gate in gates)
        raise MasterGated(
            f"This master takes no new followers now. {reasons} It does again by itself when the "
            "figures are back; choose another one, or try again later."
        )


def _followers(master: CopyMaster) -> int:
    """Copies of a master that run, those of its own owner left aside."""
    copies = CopySubscription.objects.filter(master=master, archived_at=None)
    running = copies.exclude(status=CopySubscription.Status.DISABLED)
    return running.exclude(follower__account__owner_id=master.account.owner_id).count()


def check_investment(
    master: CopyMaster, follower: CopyFollower, capital: Decimal, owner_id: int | None
) -> None:
    """BelowMinimumInvestment where a copy would begin with less than the master asks for.

    ``capital`` is what the customer sets aside for it, 0 for the whole account; what cannot be
    compared, since the account was not read yet or no rate is known, is refused too.
    """
    account = follower.account
    own = owner_id is not None and master.account.owner_id == owner_id
    if not master.min_investment or own:
        return
    state = account_states([account.pk]).get(account.pk)
    invested = capital or (state.equity if state else Decimal(0))
    least = master.min_investment
    if account.currency != master.account.currency:
        ids = [account.connection_id, master.account.connection_id]
        try:
            least = rates(ids).convert(least, master.account.currency, account.currency)
        except NoConversionRate:
            raise BelowMinimumInvestment(
                "The minimum investment of this master cannot be converted to the currency of "
                "this account at the moment; try again later or choose another account."
            ) from None
    if invested < least:
        digits = currency_digits(account.currency)
        raise BelowMinimumInvestment(
            f"This master asks for {round(least, digits):,} {account.currency} at least; this copy "
            f"would begin with {round(invested, digits):,} {account.currency}."
        )


def end_former_relation(master: CopyMaster, follower: CopyFollower) -> CopySubscription | None:
    """The stopped relation that a new one replaces; AlreadyExists when one still runs."""
    copies = CopySubscription.objects.filter(master=master, follower=follower)
    former = copies.filter(archived_at=None).first()
    if former is not None and former.status != CopySubscription.Status.DISABLED:
        raise AlreadyExists("This account already copies this master; change that copy instead.")
    if TradeLink.objects.filter(subscription_id__in=copies.values("pk"), state="open").exists():
        raise AlreadyExists(
            "An earlier copy of this master still holds positions on this account; close them "
            "or wait until they are closed."
        )
    return former


def check_master_count(follower: CopyFollower) -> None:
    """MaxMastersReached where one more copy would be too many; the graph is locked.

    The strictest of product and follower holds; a paused copy counts, a stopped one does not.
    """
    most = strictest_maximum(product_config().max_master_count, follower.max_master_count)
    if not most:
        return
    running = (
        CopySubscription.objects.filter(follower=follower, archived_at=None)
        .exclude(status=CopySubscription.Status.DISABLED)
        .count()
    )
    if running >= most:
        raise MaxMastersReached(
            f"This account follows {running} master{'s' if running > 1 else ''} already and may "
            f"follow {most} at most. Stop one of these copies or choose another account."
        )


def reaches(start_account_id: int, target_account_id: int) -> bool:
    """Whether trades of the first account are copied, over any number of steps, to the other."""
    values = {"start": start_account_id, "target": target_account_id}
    with sql.raw_cursor() as cursor:
        cursor.execute(_REACHES, values)
        found = cursor.fetchone()
    return bool(found and found[0])


def check_new_profile(account_active: bool) -> None:
    """An account that is switched off can neither lead nor follow."""
    if not account_active:
        raise InvalidAccount("This account is not in use any more; choose another one.")

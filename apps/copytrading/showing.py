"""A master as its page shows it, who may see what of it, and why it cannot be followed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from apps.accounts.models import User
from apps.common.database import prepared_rows
from apps.copytrading.errors import MasterNotFound
from apps.copytrading.models import CopyMaster
from apps.copytrading.services import sql
from apps.platforms.models import TradingAccount

Audience = CopyMaster.Audience

_SHOWN = """
    SELECT m.id, m.uuid, m.strategy_name, m.description, m.status, m.status_reason, m.enabled,
           m.visibility, m.allowed_follower_modes, m.max_followers, m.min_investment,
           m.show_positions, m.show_trades, m.trades_delay_h, m.created_at, p.digest,
           a.id, a.login, a.currency, a.platform, a.connection_id, g.mode, a.owner_id = %(user)s,
           st.equity, st.balance, st.margin_used,
           n.followers,
           -- Its owner's copies are few, and reached from the owner; nobody's are all the rest.
           CASE WHEN a.owner_id IS NULL THEN (
               SELECT count(*) FROM copytrading_copysubscription s
               JOIN copytrading_copyfollower f ON f.id = s.follower_id
               JOIN platforms_tradingaccount fa ON fa.id = f.account_id
               WHERE s.master_id = m.id AND s.archived_at IS NULL AND s.status <> 'disabled'
                 AND fa.owner_id IS NOT NULL)
           ELSE n.followers - (
               SELECT count(*) FROM copytrading_copysubscription s
               WHERE s.master_id = m.id AND s.archived_at IS NULL AND s.status <> 'disabled'
                 AND s.follower_id = ANY(ARRAY(
                     SELECT f.id FROM platforms_tradingaccount fa
                     JOIN copytrading_copyfollower f ON f.account_id = fa.id
                     WHERE fa.owner_id = a.owner_id))) END,
           coalesce((SELECT string_agg(h.reason, ' ' ORDER BY h.began_at, h.id)
                     FROM copytrading_mastergate h
                     WHERE h.master_id = m.id AND h.lifted_at IS NULL), '')
    FROM copytrading_copymaster m
    JOIN platforms_tradingaccount a ON a.id = m.account_id
    JOIN platforms_accountgroup g ON g.id = a.group_id
    LEFT JOIN platforms_accountstate st ON st.account_id = a.id
    LEFT JOIN copytrading_masterpicture p ON p.master_id = m.id
    CROSS JOIN LATERAL (
        SELECT count(*) AS followers FROM copytrading_copysubscription s
        WHERE s.master_id = m.id AND s.archived_at IS NULL AND s.status <> 'disabled') n
    WHERE m.uuid = %(uuid)s AND m.archived_at IS NULL
"""
_VISIBLE = (
    " AND (a.owner_id = %(user)s OR m.visibility = 'public' AND m.status IN ('active', 'paused'))"
)
_COPIES = """
    SELECT s.uuid, coalesce(nullif(a.name, ''), a.login), s.status, a.id
    FROM copytrading_copysubscription s
    JOIN copytrading_copyfollower f ON f.id = s.follower_id
    JOIN platforms_tradingaccount a ON a.id = f.account_id
    WHERE s.master_id = %s AND a.owner_id = %s AND s.archived_at IS NULL AND s.status <> 'disabled'
    ORDER BY s.id
"""
# Accounts whose trades reach the master: what it copies, and what that copies in turn.
_UPSTREAM = """
    WITH RECURSIVE leads (account_id) AS (
        SELECT %s::bigint
        UNION
        SELECT m.account_id
        FROM leads l
        JOIN copytrading_copyfollower f ON f.account_id = l.account_id
        JOIN copytrading_copysubscription s ON s.follower_id = f.id
            AND (s.archived_at IS NULL AND s.status <> 'disabled' OR EXISTS (
                SELECT 1 FROM copytrading_tradelink t
                WHERE t.subscription_id = s.id AND t.state = 'open'))
        JOIN copytrading_copymaster m ON m.id = s.master_id)
    SELECT account_id FROM leads
"""


_POSITIONS = """
    SELECT coalesce(y.name, p.instrument_id), coalesce(y.digits, 5), p.side,
           p.units / coalesce(y.lot_units, 1), p.price, p.stop_loss, p.take_profit, p.open_result,
           p.opened_at
    FROM execution_position p
    JOIN platforms_tradingaccount a ON a.id = p.account_id
    LEFT JOIN platforms_symbol y
        ON y.connection_id = a.connection_id AND y.instrument_id = p.instrument_id
    WHERE p.account_id = %s AND p.closed_at IS NULL ORDER BY p.opened_at DESC, p.id DESC LIMIT %s
"""


class ShownPosition(NamedTuple):
    """An open position; ``open_result`` in account currency at the last quote."""

    symbol: str
    digits: int
    side: str
    lots: Decimal
    price: Decimal
    stop_loss: Decimal | None
    take_profit: Decimal | None
    open_result: Decimal
    opened_at: datetime


class OwnCopy(NamedTuple):
    """A customer's copy of a master that runs."""

    uuid: UUID
    account: str
    status: str
    account_id: int


@dataclass(frozen=True, slots=True)
class ShownMaster:
    """A master with its account; money in ``currency``. ``digest`` names its picture.

    ``own`` says whether the account is the viewer's. ``followers`` counts the copies that run,
    ``others`` those that are not its owner's. ``gate`` says why a rule keeps new followers away
    now, '' where none does.
    """

    id: int
    uuid: UUID
    name: str
    description: str
    status: str
    status_reason: str
    enabled: bool
    visibility: str
    allowed_follower_modes: str
    max_followers: int
    min_investment: Decimal
    show_positions: str
    show_trades: str
    trades_delay_h: int
    created_at: datetime
    digest: str | None
    account_id: int
    login: str
    currency: str
    platform: str
    connection_id: int
    mode: str
    own: bool
    equity: Decimal | None
    balance: Decimal | None
    margin_used: Decimal | None
    followers: int
    others: int
    gate: str

    def shows_positions(self, *, follows: bool) -> bool:
        return self._shows(self.show_positions, follows)

    def shows_trades(self, *, follows: bool) -> bool:
        return self._shows(self.show_trades, follows)

    def trades_until(self, now: datetime, *, follows: bool) -> datetime | None:
        """Closed trades are shown up to this moment; None without a delay."""
        if self.own or follows or not self.trades_delay_h:
            return None
        return now - timedelta(hours=self.trades_delay_h)

    def _shows(self, audience: str, follows: bool) -> bool:
        return (
            self.own
            or audience == Audience.EVERYBODY
            or (follows and audience == Audience.FOLLOWERS)
        )


def shown_master(user: User, uuid: UUID) -> ShownMaster:
    """The master as this customer may see it; MasterNotFound for one who may not.

    Public ones that are active or paused are there for everybody, also when they are full; their
    owner sees them always.
    """
    return _shown(_SHOWN + _VISIBLE, user.pk, uuid)


def master_for_staff(uuid: UUID) -> ShownMaster:
    """A master whatever its status, nobody's own; MasterNotFound for a deleted one."""
    return _shown(_SHOWN, None, uuid)


def _shown(statement: str, user_id: int | None, uuid: UUID) -> ShownMaster:
    rows = prepared_rows(statement, {"user": user_id, "uuid": uuid})
    if not rows:
        raise MasterNotFound("There is no such master.")
    values = list(rows[0])
    values[22] = bool(values[22])  # NULL: the account has no owner
    return ShownMaster(*values)


def own_copies_of(user: User, master_id: int) -> list[OwnCopy]:
    """The copies of a master that run on a customer's accounts."""
    return [OwnCopy(*row) for row in prepared_rows(_COPIES, [master_id, user.pk])]


def open_positions_of(account_id: int, *, limit: int) -> list[ShownPosition]:
    """What an account holds, the newest first. Who may see it decides the caller."""
    return [ShownPosition(*row) for row in prepared_rows(_POSITIONS, [account_id, limit])]


def why_not_to_follow(
    master: ShownMaster, accounts: list[TradingAccount], copies: list[OwnCopy]
) -> str:
    """Why none of a customer's accounts can begin to copy a master, in a sentence; '' if one can.

    The same rules as when a copy is made, see :mod:`apps.copytrading.services.relations`; the
    minimum investment is judged there, where the money that is set aside is known.
    """
    if reason := _master_refuses(master):
        return reason
    usable = [account for account in accounts if account.active]
    if not usable:
        return "Add one of your trading accounts first; then it can copy this master."
    others = [account for account in usable if account.pk != master.account_id]
    if not others:
        return "This is your only account, and an account cannot copy itself. Add another one."
    fitting = [account for account in others if _mode_fits(master, account)]
    if not fitting:
        return _wrong_mode(master, others)
    upstream = {row[0] for row in sql.rows(_UPSTREAM, [master.account_id])}
    fitting = [account for account in fitting if account.pk not in upstream]
    if not fitting:
        return (
            "The master already copies your account, directly or through others; trades would go "
            "round in circles. Add another account to copy with."
        )
    taken = {copy.account_id for copy in copies}
    if all(account.pk in taken for account in fitting):
        return "All of your accounts that could copy this master already do."
    return ""


def _master_refuses(master: ShownMaster) -> str:
    if master.status == CopyMaster.Status.PAUSED:
        return "This master is paused: nothing new is copied until it is active again."
    if master.status != CopyMaster.Status.ACTIVE:
        return "This master takes no followers at present."
    if not master.enabled:
        return "This master is switched off by its owner: nothing new is copied until it is on."
    if master.max_followers and master.others >= master.max_followers and not master.own:
        return (
            f"This master takes {master.max_followers} followers at most, and has as many; try "
            "again later."
        )
    if master.gate and not master.own:
        return f"This master takes no new followers now. {master.gate} Copies that there are go on."
    return ""


def _mode_fits(master: ShownMaster, account: TradingAccount) -> bool:
    mode = account.group.mode
    if (mode, master.mode) == ("real", "demo"):
        return False
    return master.own or master.allowed_follower_modes in (CopyMaster.FollowerModes.BOTH, mode)


def _wrong_mode(master: ShownMaster, accounts: list[TradingAccount]) -> str:
    if master.mode == "demo" and all(account.group.mode == "real" for account in accounts):
        return "Real money does not follow a demo account; copy this master with a demo account."
    kind = master.allowed_follower_modes
    return f"This master lets {kind} accounts follow only, and you have none."

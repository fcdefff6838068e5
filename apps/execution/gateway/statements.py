"""The statements that write in bulk; each takes its rows as one JSON array.

One text parameter is several times cheaper to make and to send than an array per column.
"""

from __future__ import annotations

from apps.common.database import NOT_YET_ON_DISK

_POSITION_COLUMNS = """
    account_id bigint, position_id text, instrument_id text, side text, units numeric,
    price numeric, stop_loss numeric, take_profit numeric, tag text, margin numeric,
    opened_at timestamptz, closed_at timestamptz, updated_at timestamptz
"""

_POSITION_INSERT = """
    INSERT INTO execution_position (account_id, position_id, instrument_id, side, units, price,
        stop_loss, take_profit, tag, margin, opened_at, closed_at, updated_at, open_result, changes)
"""

_POSITION_VALUES = """
    r.account_id, r.position_id, r.instrument_id, r.side, r.units, r.price, r.stop_loss,
    r.take_profit, r.tag, r.margin, r.opened_at, r.closed_at, r.updated_at, 0
"""

_POSITION_UPDATE = """
    side = excluded.side, units = excluded.units, price = excluded.price,
    stop_loss = excluded.stop_loss, take_profit = excluded.take_profit, tag = excluded.tag,
    margin = excluded.margin, closed_at = excluded.closed_at, updated_at = excluded.updated_at
"""

#: %s: rows. Upserts positions; a closed one keeps its last values but its units.
POSITIONS = f"""
    {_POSITION_INSERT}
    SELECT {_POSITION_VALUES}, 0 FROM json_to_recordset(%s::json) AS r ({_POSITION_COLUMNS})
    ON CONFLICT (account_id, position_id) DO UPDATE SET {_POSITION_UPDATE}
"""

#: %s: rows, %s: connection id, %s: epoch. The same, unless a successor holds the lease: it
#: reads positions itself, and what it has read must stand.
POSITIONS_WITHOUT_SUCCESSOR = f"""
    {_POSITION_INSERT}
    SELECT {_POSITION_VALUES}, 0 FROM json_to_recordset(%s::json) AS r ({_POSITION_COLUMNS})
    WHERE EXISTS (SELECT 1 FROM execution_connectionlease
                  WHERE connection_id = %s AND epoch = %s FOR SHARE)
    ON CONFLICT (account_id, position_id) DO UPDATE SET {_POSITION_UPDATE}
"""

#: %s: connection id, %s: rows in order. Answers the accounts whose events are new.
DEAL_EVENTS = """
    INSERT INTO execution_accountevent (account_id, connection_id, kind, dedupe_key, position_id,
        payload, trace_id, ts_event, received_at)
    SELECT r.account_id, %s, 'deal', r.dedupe_key, r.position_id, r.payload, r.trace_id,
        r.ts_event, r.received_at
    FROM ROWS FROM (json_to_recordset(%s::json) AS (account_id bigint, dedupe_key text,
        position_id text, payload jsonb, trace_id text, ts_event timestamptz,
        received_at timestamptz)) WITH ORDINALITY AS r (account_id, dedupe_key, position_id,
        payload, trace_id, ts_event, received_at, n)
    JOIN platforms_tradingaccount a ON a.id = r.account_id AND a.journaled
    ORDER BY n
    ON CONFLICT (account_id, dedupe_key) DO NOTHING
    RETURNING account_id, trace_id
"""

#: %s: connection id, %s: events in order, %s: positions after them. The same, with the positions
#: of watched accounts in the same transaction, which does not wait for the disk.
DEAL_EVENTS_AHEAD = f"""
    WITH told AS ({DEAL_EVENTS}), positions AS (
        {_POSITION_INSERT}
        SELECT {_POSITION_VALUES}, 0 FROM json_to_recordset(%s::json) AS r ({_POSITION_COLUMNS})
        JOIN platforms_tradingaccount a ON a.id = r.account_id AND a.journaled
        ON CONFLICT (account_id, position_id) DO UPDATE SET {_POSITION_UPDATE}
    )
    SELECT account_id, trace_id, {NOT_YET_ON_DISK} FROM told
"""

#: %s: rows (one per position), %s: connection id. Numbers each change by the position's row.
PROTECTION_EVENTS = f"""
    WITH r AS (
        SELECT r.* FROM json_to_recordset(%s::json) AS r ({_POSITION_COLUMNS}, payload jsonb,
            trace_id text, ts_event timestamptz, received_at timestamptz)
        JOIN platforms_tradingaccount a ON a.id = r.account_id AND a.journaled
    ), p AS (
        {_POSITION_INSERT}
        SELECT {_POSITION_VALUES}, 1 FROM r
        ON CONFLICT (account_id, position_id) DO UPDATE SET {_POSITION_UPDATE},
            changes = execution_position.changes + 1
        RETURNING account_id, position_id, changes
    )
    INSERT INTO execution_accountevent (account_id, connection_id, kind, dedupe_key, position_id,
        payload, trace_id, ts_event, received_at)
    SELECT r.account_id, %s, 'protection', 'protection:' || r.position_id || ':' || p.changes,
        r.position_id, r.payload, r.trace_id, r.ts_event, r.received_at
    FROM r JOIN p USING (account_id, position_id)
    ON CONFLICT (account_id, dedupe_key) DO NOTHING
    RETURNING account_id, trace_id
"""

#: %s: rows (one per order), %s: connection id. Keeps each order, and journals what is told.
ORDER_EVENTS = """
    WITH r AS (
        SELECT r.* FROM json_to_recordset(%s::json) AS r (account_id bigint,
            platform_order_id text, client_order_id text, instrument_id text, side text, type text,
            units numeric, filled_units numeric, state text, price numeric, stop_price numeric,
            stop_loss numeric, take_profit numeric, expires_at timestamptz, ended_at timestamptz,
            told boolean, position_id text, payload jsonb, trace_id text, ts_event timestamptz,
            received_at timestamptz)
        JOIN platforms_tradingaccount a ON a.id = r.account_id AND a.journaled
    ), o AS (
        INSERT INTO execution_restingorder AS o (account_id, platform_order_id, client_order_id,
            instrument_id, side, type, units, filled_units, state, price, stop_price, stop_loss,
            take_profit, expires_at, ended_at, updated_at, changes)
        SELECT account_id, platform_order_id, client_order_id, instrument_id, side, type, units,
            filled_units, state, price, stop_price, stop_loss, take_profit, expires_at, ended_at,
            ts_event, told::int
        FROM r
        ON CONFLICT (account_id, platform_order_id) DO UPDATE SET type = excluded.type,
            units = excluded.units, filled_units = excluded.filled_units, state = excluded.state,
            price = excluded.price, stop_price = excluded.stop_price,
            stop_loss = excluded.stop_loss, take_profit = excluded.take_profit,
            expires_at = excluded.expires_at, ended_at = excluded.ended_at,
            updated_at = excluded.updated_at, changes = o.changes + excluded.changes
        RETURNING account_id, platform_order_id, changes
    )
    INSERT INTO execution_accountevent (account_id, connection_id, kind, dedupe_key, position_id,
        payload, trace_id, ts_event, received_at)
    SELECT r.account_id, %s, 'order', 'order:' || r.platform_order_id || ':' || o.changes,
        r.position_id, r.payload, r.trace_id, r.ts_event, r.received_at
    FROM r JOIN o USING (account_id, platform_order_id) WHERE r.told
    ON CONFLICT (account_id, dedupe_key) DO NOTHING
    RETURNING account_id, trace_id
"""

_ORDER_INSERT = """
    INSERT INTO execution_order (client_order_id, platform_order_id, account_id, connection_id,
        batch_id, ordinal, source, relation, wake_key, cause, trace_id, leg, instrument_id, side,
        type, units, filled_units, average_price, position_id, state, code, message,
        committed_at, sent_at, accepted_at, final_at, settled_at, rested_at)
    SELECT r.* FROM json_to_recordset(%s::json) AS r (client_order_id text,
        platform_order_id text, account_id bigint, connection_id bigint, batch_id bigint,
        ordinal int, source text, relation text, wake_key bigint, cause text, trace_id text,
        leg text, instrument_id text, side text, type text, units numeric, filled_units numeric,
        average_price numeric, position_id text, state text, code text, message text,
        committed_at timestamptz, sent_at timestamptz, accepted_at timestamptz,
        final_at timestamptz, settled_at timestamptz, rested_at timestamptz)
"""

_ORDER_UPDATE = """
    ON CONFLICT (client_order_id) DO UPDATE SET units = excluded.units,
        platform_order_id = excluded.platform_order_id, filled_units = excluded.filled_units,
        average_price = excluded.average_price, position_id = excluded.position_id,
        state = excluded.state, code = excluded.code, message = excluded.message,
        sent_at = coalesce(execution_order.sent_at, excluded.sent_at),
        accepted_at = excluded.accepted_at,
        final_at = excluded.final_at, settled_at = excluded.settled_at,
        rested_at = coalesce(execution_order.rested_at, excluded.rested_at),
        rest_settled_at = CASE WHEN excluded.filled_units > execution_order.filled_units
            THEN NULL ELSE execution_order.rest_settled_at END
    WHERE execution_order.final_at IS NULL
"""

#: %s: rows. A final state that is stored stays.
ORDERS = f"""{_ORDER_INSERT}{_ORDER_UPDATE}"""

#: %s: rows, %s: connection id, %s: epoch. The same, unless a successor holds the lease: it asks
#: for all that was claimed, and two who say what became of an order may both act on it.
ORDERS_WITHOUT_SUCCESSOR = f"""
    {_ORDER_INSERT}
    WHERE EXISTS (SELECT 1 FROM execution_connectionlease
                  WHERE connection_id = %s AND epoch = %s FOR SHARE)
    {_ORDER_UPDATE}
"""

#: %s: rows.
DEALS = """
    INSERT INTO execution_deal (account_id, deal_id, platform_order_id, client_order_id,
        position_id, instrument_id, side, effect, units, price, commission, swap, profit,
        balance, executed_at, received_at)
    SELECT r.* FROM json_to_recordset(%s::json) AS r (account_id bigint, deal_id text,
        platform_order_id text, client_order_id text, position_id text, instrument_id text,
        side text, effect text, units numeric, price numeric, commission numeric, swap numeric,
        profit numeric, balance numeric, executed_at timestamptz, received_at timestamptz)
    ON CONFLICT (account_id, deal_id) DO UPDATE SET client_order_id = excluded.client_order_id
    WHERE execution_deal.client_order_id = '' AND excluded.client_order_id <> ''
"""

#: %s: batch ids, %s: so many of the items of each have come to their end. Items that were claimed
#: since, whose end nobody has seen, keep their batch from being settled. Answers those that are.
_SETTLE = """
    UPDATE execution_batch b SET settled = true
    FROM unnest(%s::bigint[], %s::int[]) AS done (id, items)
    WHERE b.id = done.id AND (b.settled OR b.claimed = b.size AND b.size = done.items)
"""
SETTLE_BATCHES = f"{_SETTLE} RETURNING b.id"

#: As above, %s: connection id, %s: epoch. The same, unless a successor holds the lease,
#: who asks for the orders of what is not settled.
SETTLE_BATCHES_WITHOUT_SUCCESSOR = f"""
    {_SETTLE}
      AND EXISTS (SELECT 1 FROM execution_connectionlease
                  WHERE connection_id = %s AND epoch = %s FOR SHARE)
    RETURNING b.id
"""

#: %s: rows.
ACCOUNT_STATES = """
    INSERT INTO platforms_accountstate (account_id, balance, equity, margin_used, open_result,
        open_positions, synced, as_of)
    SELECT r.* FROM json_to_recordset(%s::json) AS r (account_id bigint, balance numeric,
        equity numeric, margin_used numeric, open_result numeric, open_positions int,
        synced boolean, as_of timestamptz)
    JOIN platforms_tradingaccount a ON a.id = r.account_id
    ON CONFLICT (account_id) DO UPDATE SET balance = excluded.balance, equity = excluded.equity,
        margin_used = excluded.margin_used, open_result = excluded.open_result,
        open_positions = excluded.open_positions, synced = excluded.synced,
        as_of = excluded.as_of
"""

#: %s: rows.
OPEN_RESULTS = """
    UPDATE execution_position p SET open_result = r.open_result
    FROM json_to_recordset(%s::json) AS r (account_id bigint, position_id text,
        open_result numeric)
    WHERE p.account_id = r.account_id AND p.position_id = r.position_id
"""

#: %s: connection id, %s: rows.
QUOTES = """
    INSERT INTO platforms_quote (connection_id, instrument_id, bid, ask, at)
    SELECT %s, r.* FROM json_to_recordset(%s::json) AS r (instrument_id text, bid numeric,
        ask numeric, at timestamptz)
    ON CONFLICT (connection_id, instrument_id) DO UPDATE SET bid = excluded.bid,
        ask = excluded.ask, at = excluded.at
"""

#: %s: connection id, %s: rows.
SYMBOLS = """
    INSERT INTO platforms_symbol (connection_id, instrument_id, name, folded, description, base,
        quote, digits, pip_digits, lot_units, min_units, step_units, max_units, tradable,
        schedule, updated_at)
    SELECT %s, r.*, clock_timestamp() FROM json_to_recordset(%s::json) AS r (
        instrument_id text, name text, folded text, description text, base text, quote text,
        digits int, pip_digits int, lot_units numeric, min_units numeric, step_units numeric,
        max_units numeric, tradable boolean, schedule jsonb)
    ON CONFLICT (connection_id, instrument_id) DO UPDATE SET name = excluded.name,
        folded = excluded.folded, description = excluded.description, base = excluded.base,
        quote = excluded.quote, digits = excluded.digits, pip_digits = excluded.pip_digits,
        lot_units = excluded.lot_units, min_units = excluded.min_units,
        step_units = excluded.step_units, max_units = excluded.max_units,
        tradable = excluded.tradable, schedule = excluded.schedule,
        updated_at = excluded.updated_at
    WHERE (platforms_symbol.name, platforms_symbol.folded, platforms_symbol.description,
           platforms_symbol.base, platforms_symbol.quote, platforms_symbol.digits,
           platforms_symbol.pip_digits, platforms_symbol.lot_units, platforms_symbol.min_units,
           platforms_symbol.step_units, platforms_symbol.max_units, platforms_symbol.tradable,
           platforms_symbol.schedule)
       IS DISTINCT FROM
          (excluded.name, excluded.folded, excluded.description, excluded.base, excluded.quote,
           excluded.digits, excluded.pip_digits, excluded.lot_units, excluded.min_units,
           excluded.step_units, excluded.max_units, excluded.tradable,
           excluded.schedule)
"""

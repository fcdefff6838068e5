"""The questions behind :mod:`apps.analytics.gap_facts`, each asked once for many copies."""

from __future__ import annotations

COPIES = """
SELECT s.id, s.created_at, a.id, a.connection_id, a.currency, st.equity, s.reverse_direction,
       s.volume_mode, s.risk_multiplier, s.fixed_volume, s.allocated_capital, ma.id,
       ma.connection_id, ma.currency, ms.equity
FROM copytrading_copysubscription s
JOIN copytrading_copyfollower f ON f.id = s.follower_id
JOIN platforms_tradingaccount a ON a.id = f.account_id
JOIN copytrading_copymaster m ON m.id = s.master_id
JOIN platforms_tradingaccount ma ON ma.id = m.account_id
LEFT JOIN platforms_accountstate st ON st.account_id = a.id
LEFT JOIN platforms_accountstate ms ON ms.account_id = ma.id
WHERE s.id = ANY(%s)
"""
DEALS = """
SELECT d.account_id, d.position_id, d.instrument_id, d.deal_id, d.executed_at, d.side, d.effect,
       d.units, d.price, d.commission + d.swap
FROM execution_deal d
JOIN unnest(%s::bigint[], %s::text[]) w (account_id, position_id) USING (account_id, position_id)
ORDER BY d.account_id, d.position_id, d.executed_at, length(d.deal_id), d.deal_id
"""
EVENTS = """
SELECT e.account_id, e.dedupe_key, e.id FROM execution_accountevent e
JOIN unnest(%s::bigint[], %s::text[]) w (account_id, dedupe_key) USING (account_id, dedupe_key)
"""
LINKS = """
SELECT l.subscription_id, l.position_key, l.id, l.state, l.side, l.symbol, l.instrument_id,
       l.ratio, l.grows, l.held_units, l.stop_loss, l.take_profit, l.result, l.opened_event_id,
       l.opened_at, l.closed_at, coalesce(g.units, 0), coalesce(g.entry, 0),
       coalesce(r.worth, p.open_result * least(1, l.held_units / nullif(p.units, 0)), 0),
       coalesce(r.price, CASE l.side WHEN 'buy' THEN q.bid ELSE q.ask END)
FROM copytrading_tradelink l
JOIN unnest(%s::bigint[], %s::text[], %s::bigint[]) w (master_account_id, position_key, copy)
    ON l.master_account_id = w.master_account_id AND l.position_key = w.position_key
   AND l.subscription_id = w.copy
JOIN platforms_tradingaccount a ON a.id = l.account_id
LEFT JOIN LATERAL (
    SELECT sum(opened_units) AS units,
           sum(opened_units * open_price) / nullif(sum(opened_units), 0) AS entry
    FROM copytrading_linkleg WHERE link_id = l.id) g ON true
LEFT JOIN analytics_releasedposition r ON r.link_id = l.id
LEFT JOIN execution_position p ON p.account_id = l.account_id AND p.position_id = l.position_id
     AND p.closed_at IS NULL AND l.state = 'open' AND l.held_units > 0
LEFT JOIN platforms_quote q ON q.connection_id = a.connection_id
     AND q.instrument_id = l.instrument_id AND p.id IS NOT NULL
ORDER BY l.id
"""
LINK_DEALS = """
SELECT g.link_id, d.effect, d.units, d.price, d.commission + d.swap, coalesce(o.cause, '')
FROM copytrading_linkleg g
JOIN execution_deal d ON d.account_id = g.account_id AND d.position_id = g.position_id
LEFT JOIN execution_order o ON o.client_order_id = d.client_order_id AND d.client_order_id <> ''
WHERE g.link_id = ANY(%s)
"""
ANSWERS = """
SELECT event_id, subscription_id, state, code, units, filled_units, numbers
FROM copytrading_outcome WHERE event_id = ANY(%s) AND subscription_id = ANY(%s)
"""
SYMBOLS = """
SELECT s.connection_id, s.instrument_id, s.name, s.quote, s.lot_units, q.bid, q.ask
FROM platforms_symbol s
JOIN unnest(%s::bigint[], %s::text[]) w (connection_id, instrument_id)
    USING (connection_id, instrument_id)
LEFT JOIN platforms_quote q USING (connection_id, instrument_id)
"""
RATIOS = """
SELECT w.id, l.ratio FROM unnest(%s::bigint[]) w (id) CROSS JOIN LATERAL (
    SELECT ratio FROM copytrading_tradelink
    WHERE subscription_id = w.id AND grows ORDER BY id DESC LIMIT 1) l
"""

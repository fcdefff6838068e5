"""Followers and subscriptions are numbered anew with every change, as accounts are.

The result of a subscription does not count: it moves with every trade, and is read each time.
"""

from django.db import migrations

SUBSCRIPTION = (
    "max_positions, min_equity, max_slippage, max_delay_s, loss_limit, min_margin_level, uuid, "
    "master_id, follower_id, status, status_reason, enabled, volume_mode, risk_multiplier, "
    "fixed_volume, base_equity, allocated_capital, below_minimum, min_volume, max_volume, "
    "copy_sl, copy_tp, copy_partial_close, copy_pending_orders, copy_existing_positions, "
    "copy_mode, reverse_direction, symbols_mode, symbols, auto_repair, has_pairs, revision, "
    "started_after_event, created_at, archived_at"
)

CREATE = f"""
ALTER TABLE copytrading_copyfollower ADD COLUMN row_version bigint NOT NULL DEFAULT 0;
ALTER TABLE copytrading_copysubscription ADD COLUMN row_version bigint NOT NULL DEFAULT 0;
CREATE SEQUENCE copytrading_row_version;
CREATE FUNCTION copytrading_next_row_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.row_version := nextval('copytrading_row_version');
    RETURN NEW;
END $$;
CREATE TRIGGER next_row_version BEFORE UPDATE ON copytrading_copyfollower
    FOR EACH ROW EXECUTE FUNCTION copytrading_next_row_version();
CREATE TRIGGER next_row_version BEFORE UPDATE OF {SUBSCRIPTION} ON copytrading_copysubscription
    FOR EACH ROW EXECUTE FUNCTION copytrading_next_row_version();
"""
DROP = """
DROP TRIGGER next_row_version ON copytrading_copysubscription;
DROP TRIGGER next_row_version ON copytrading_copyfollower;
DROP FUNCTION copytrading_next_row_version();
DROP SEQUENCE copytrading_row_version;
ALTER TABLE copytrading_copysubscription DROP COLUMN row_version;
ALTER TABLE copytrading_copyfollower DROP COLUMN row_version;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("copytrading", "0022_masters_that_wait"),
        ("platforms", "0008_row_versions"),
    ]
    operations = [migrations.RunSQL(CREATE, DROP)]

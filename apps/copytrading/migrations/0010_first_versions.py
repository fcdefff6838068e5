"""Subscriptions that were made before their settings had a history get its first entry."""

from django.db import migrations

RECORD = """
    INSERT INTO copytrading_subscriptionversion (subscription_id, number, settings, at)
    SELECT s.id, s.revision, jsonb_build_object(
        'subscription', to_jsonb(s) - '{id,uuid,master_id,follower_id,status_reason,revision,
            result,has_pairs,created_at}'::text[],
        'follower', to_jsonb(f) - '{id,uuid,account_id,created_at,archived_at}'::text[],
        'product', to_jsonb(c) - '{id,name,timezone,updated_at}'::text[],
        'pairs', (SELECT coalesce(jsonb_object_agg(p.master_symbol, p.follower_symbol), '{}')
                  FROM copytrading_symbolpair p WHERE p.subscription_id = s.id)), now()
    FROM copytrading_copysubscription s
    JOIN copytrading_copyfollower f ON f.id = s.follower_id
    LEFT JOIN accounts_productconfig c ON c.id = 1
    ON CONFLICT DO NOTHING
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_guard_defaults"),
        ("copytrading", "0009_decisions_without_links"),
    ]
    operations = [migrations.RunSQL(RECORD, migrations.RunSQL.noop)]

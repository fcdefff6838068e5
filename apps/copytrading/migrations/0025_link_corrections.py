"""What links lost to others is noted; of links until now by the deals of their positions."""

from django.db import migrations, models

import apps.common.fields

# What was held before and after is counted from the deals; when note was taken is not known.
FROM_DEALS = """
    INSERT INTO copytrading_linkcorrection
        (link_id, kind, at, held_before, held_after, client_order_id)
    SELECT link_id, 'taken', received_at, after + units, after, ''
    FROM (SELECT g.link_id, d.id, d.received_at, d.effect, d.units, d.client_order_id,
                 sum(CASE d.effect WHEN 'open' THEN d.units ELSE -d.units END)
                     OVER (PARTITION BY g.id ORDER BY d.id) AS after
          FROM copytrading_linkleg g
          JOIN execution_deal d ON d.account_id = g.account_id AND d.position_id = g.position_id) s
    WHERE effect <> 'open' AND after >= 0 AND NOT EXISTS (
        SELECT 1 FROM execution_order o WHERE o.client_order_id = s.client_order_id)
    ORDER BY id
"""
WRITTEN_ONCE = (
    "CREATE TRIGGER written_once BEFORE UPDATE OR DELETE ON copytrading_linkcorrection "
    "FOR EACH STATEMENT EXECUTE FUNCTION copytrading_written_once();"
)


class Migration(migrations.Migration):
    dependencies = [
        ("copytrading", "0024_links_in_order"),
        ("execution", "0012_claims_know_their_batches"),
    ]
    operations = [
        migrations.CreateModel(
            name="LinkCorrection",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("link_id", models.BigIntegerField(db_index=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[("taken", "taken by others"), ("reopened", "opened again")],
                        max_length=16,
                    ),
                ),
                ("at", models.DateTimeField()),
                (
                    "held_before",
                    apps.common.fields.UnitsField(decimal_places=8, max_digits=28),
                ),
                (
                    "held_after",
                    apps.common.fields.UnitsField(decimal_places=8, max_digits=28),
                ),
                ("client_order_id", models.CharField(blank=True, max_length=50)),
            ],
        ),
        migrations.RunSQL(FROM_DEALS, migrations.RunSQL.noop),
        migrations.RunSQL(WRITTEN_ONCE, migrations.RunSQL.noop),
    ]

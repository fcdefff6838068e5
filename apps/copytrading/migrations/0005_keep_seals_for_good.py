"""Seals and former settings are written once, like the outcomes that they belong to."""

from django.db import migrations

TABLES = ("copytrading_outcomeseal", "copytrading_subscriptionversion")

CREATE = "".join(
    f"CREATE TRIGGER written_once BEFORE UPDATE OR DELETE ON {table} "
    "FOR EACH STATEMENT EXECUTE FUNCTION copytrading_written_once();"
    for table in TABLES
)
DROP = "".join(f"DROP TRIGGER written_once ON {table};" for table in TABLES)


class Migration(migrations.Migration):
    dependencies = [("copytrading", "0004_settings_ledger_holdings")]
    operations = [migrations.RunSQL(CREATE, DROP)]

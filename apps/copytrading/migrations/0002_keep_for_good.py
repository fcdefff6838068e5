"""Decisions and outcomes are written once: PostgreSQL refuses to change or erase them."""

from django.db import migrations

TABLES = ("copytrading_decision", "copytrading_outcome")

CREATE = """
CREATE FUNCTION copytrading_written_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% rows are written once and kept for good', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
""" + "".join(
    f"CREATE TRIGGER written_once BEFORE UPDATE OR DELETE ON {table} "
    "FOR EACH STATEMENT EXECUTE FUNCTION copytrading_written_once();"
    for table in TABLES
)
DROP = (
    "".join(f"DROP TRIGGER written_once ON {table};" for table in TABLES)
    + "DROP FUNCTION copytrading_written_once();"
)


class Migration(migrations.Migration):
    dependencies = [("copytrading", "0001_initial")]
    operations = [migrations.RunSQL(CREATE, DROP)]

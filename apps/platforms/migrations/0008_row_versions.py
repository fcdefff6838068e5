"""Accounts are numbered anew with every change, so that planning may keep in memory what it read.

The column belongs to PostgreSQL: no model knows it, nobody writes it but the trigger. The numbers
are a sequence's, which a rollback does not give back: none ever stands for two states of a row.
"""

from django.db import migrations

CREATE = """
ALTER TABLE platforms_tradingaccount ADD COLUMN row_version bigint NOT NULL DEFAULT 0;
CREATE SEQUENCE platforms_row_version;
CREATE FUNCTION platforms_next_row_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.row_version := nextval('platforms_row_version');
    RETURN NEW;
END $$;
CREATE TRIGGER next_row_version BEFORE UPDATE ON platforms_tradingaccount
    FOR EACH ROW EXECUTE FUNCTION platforms_next_row_version();
"""
DROP = """
DROP TRIGGER next_row_version ON platforms_tradingaccount;
DROP FUNCTION platforms_next_row_version();
DROP SEQUENCE platforms_row_version;
ALTER TABLE platforms_tradingaccount DROP COLUMN row_version;
"""


class Migration(migrations.Migration):
    dependencies = [("platforms", "0007_accounts_by_login")]
    operations = [migrations.RunSQL(CREATE, DROP)]

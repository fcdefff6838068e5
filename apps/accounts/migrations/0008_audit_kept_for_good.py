"""The audit trail is written once: PostgreSQL refuses to change or erase its entries."""

from django.db import migrations

CREATE = """
CREATE FUNCTION accounts_audit_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'entries of the audit trail are written once and kept for good'
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER kept_for_good BEFORE UPDATE OR DELETE ON accounts_auditentry
    FOR EACH STATEMENT EXECUTE FUNCTION accounts_audit_is_kept();
"""
DROP = """
DROP TRIGGER kept_for_good ON accounts_auditentry;
DROP FUNCTION accounts_audit_is_kept();
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0007_house_permissions_audit_order")]
    operations = [migrations.RunSQL(CREATE, DROP)]

"""Texts that customers accept, and their acceptances: written once, PostgreSQL refuses changes."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

TABLES = ("accounts_legaltext", "accounts_acceptance")

CREATE = """
CREATE FUNCTION accounts_written_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% rows are written once and kept for good', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
""" + "".join(
    f"CREATE TRIGGER written_once BEFORE UPDATE OR DELETE ON {table} "
    "FOR EACH STATEMENT EXECUTE FUNCTION accounts_written_once();"
    for table in TABLES
)
DROP = (
    "".join(f"DROP TRIGGER written_once ON {table};" for table in TABLES)
    + "DROP FUNCTION accounts_written_once();"
)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_paper_accounts_and_master_rules")]
    operations = [
        migrations.CreateModel(
            name="LegalText",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(choices=[("risk", "Risk disclosure"), ("terms", "Terms of copying")], max_length=8)),
                ("version", models.PositiveIntegerField(help_text="counts from 1 within its kind")),
                ("text", models.TextField(help_text="plain paragraphs, with an empty line between two of them")),
                ("published_at", models.DateTimeField()),
                ("published_by", models.CharField(max_length=254)),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("kind", "version"), name="legal_version_once")],
            },
        ),
        migrations.CreateModel(
            name="Acceptance",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                ("text", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="acceptances", to="accounts.legaltext")),
                ("user", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="acceptances", to=settings.AUTH_USER_MODEL)),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("user", "text"), name="accepted_once")],
            },
        ),
        migrations.RunSQL(CREATE, DROP),
    ]

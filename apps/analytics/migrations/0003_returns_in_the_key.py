"""Returns stand in the key of an account's days, so that curves are read from the index alone.

The days of an account were written one a day, between those of all others: a year of it lies on
365 pages of the table, and on two of the index.
"""

from django.db import migrations

KEY = "ALTER TABLE analytics_equityday DROP CONSTRAINT analytics_equityday_pkey, ADD PRIMARY KEY"


class Migration(migrations.Migration):
    dependencies = [("analytics", "0002_equity_by_month")]
    operations = [
        migrations.RunSQL(
            f"{KEY} (account_id, day) INCLUDE (daily_return)", f"{KEY} (account_id, day)"
        )
    ]

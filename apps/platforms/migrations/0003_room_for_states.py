from django.db import migrations

# Written each second while prices move; with room on its page no index changes.


class Migration(migrations.Migration):
    dependencies = [
        ("platforms", "0002_symbol_schedule"),
    ]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE platforms_accountstate SET (fillfactor = 60)",
            "ALTER TABLE platforms_accountstate RESET (fillfactor)",
        ),
    ]

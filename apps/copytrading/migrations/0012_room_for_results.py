from django.db import migrations

# The result of a subscription changes with every close; with room on its page no index does.


class Migration(migrations.Migration):
    dependencies = [
        ("copytrading", "0011_numbers_as_text"),
    ]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE copytrading_copysubscription SET (fillfactor = 60)",
            "ALTER TABLE copytrading_copysubscription RESET (fillfactor)",
        ),
    ]

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("platforms", "0005_busiest_second"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="tradingaccount",
            index=models.Index(
                fields=["connection"], name="account_active", condition=models.Q(active=True)
            ),
        ),
    ]

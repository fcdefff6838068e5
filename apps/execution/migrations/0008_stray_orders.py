from django.db import migrations, models

import apps.common.fields


class Migration(migrations.Migration):
    dependencies = [
        ("execution", "0007_settle_troubles"),
    ]

    operations = [
        migrations.CreateModel(
            name="StrayOrder",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("account_id", models.BigIntegerField()),
                ("platform_order_id", models.CharField(max_length=64)),
                ("client_order_id", models.CharField(max_length=50)),
                ("instrument_id", models.CharField(max_length=64)),
                (
                    "side",
                    models.CharField(choices=[("buy", "buy"), ("sell", "sell")], max_length=4),
                ),
                ("units", apps.common.fields.UnitsField(decimal_places=8, max_digits=28)),
                ("shown_at", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("account_id", "platform_order_id"), name="stray_order_once"
                    )
                ],
            },
        ),
    ]

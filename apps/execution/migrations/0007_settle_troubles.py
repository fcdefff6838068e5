from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("execution", "0006_fewer_indexes"),
    ]

    operations = [
        migrations.CreateModel(
            name="SettleTrouble",
            fields=[
                (
                    "client_order_id",
                    models.CharField(max_length=50, primary_key=True, serialize=False),
                ),
                ("trace_id", models.CharField(blank=True, max_length=32)),
                ("error", models.CharField(max_length=500)),
                ("attempts", models.PositiveIntegerField(default=1)),
                ("first_at", models.DateTimeField()),
                ("retry_at", models.DateTimeField()),
            ],
        ),
    ]

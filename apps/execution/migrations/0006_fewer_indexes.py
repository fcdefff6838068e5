from django.db import migrations, models

# Positions are valued each second while prices move; with room on their page no index changes.


class Migration(migrations.Migration):
    dependencies = [
        ("execution", "0005_position_events"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="order",
            name="order_of_batch",
        ),
        migrations.AlterField(
            model_name="order",
            name="client_order_id",
            field=models.CharField(max_length=50),
        ),
        migrations.AddConstraint(
            model_name="order",
            constraint=models.UniqueConstraint(fields=("client_order_id",), name="order_once"),
        ),
        migrations.RunSQL(
            "ALTER TABLE execution_position SET (fillfactor = 70)",
            "ALTER TABLE execution_position RESET (fillfactor)",
        ),
    ]

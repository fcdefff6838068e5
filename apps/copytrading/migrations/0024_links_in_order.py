"""Links of a position by subscription: pages of them are read without looking at others."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("copytrading", "0023_row_versions")]
    operations = [
        migrations.AddIndex(
            model_name="tradelink",
            index=models.Index(
                fields=["master_account_id", "position_key", "subscription_id"],
                name="link_of_position_in_order",
            ),
        ),
        migrations.RemoveIndex(model_name="tradelink", name="link_of_position"),
    ]

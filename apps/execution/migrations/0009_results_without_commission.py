from django.db import migrations

import apps.common.fields


class Migration(migrations.Migration):
    dependencies = [
        ("execution", "0008_stray_orders"),
    ]

    operations = [
        migrations.AlterField(
            model_name="position",
            name="open_result",
            field=apps.common.fields.PriceField(
                decimal_places=8,
                default=0,
                help_text="without commission, account currency, at the last quote",
                max_digits=28,
            ),
        ),
    ]

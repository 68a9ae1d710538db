from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tracker", "0032_month_outlooks")]

    operations = [
        migrations.AddField(
            model_name="assessment",
            name="parts",
            field=models.JSONField(blank=True, default=list),
        ),
    ]

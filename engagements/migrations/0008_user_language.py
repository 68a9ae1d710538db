from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("engagements", "0007_service_level_measures")]

    operations = [
        migrations.AddField(
            model_name="user",
            name="language",
            field=models.CharField(
                blank=True,
                default="",
                editable=False,
                help_text="Blank for that of the browser, and English in mails.",
                max_length=10,
                verbose_name="language",
            ),
            preserve_default=False,
        ),
    ]

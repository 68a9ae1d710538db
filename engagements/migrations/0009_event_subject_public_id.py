from django.db import migrations, models

import engagements.models.guards


class Migration(migrations.Migration):
    dependencies = [
        ("engagements", "0008_user_language"),
    ]

    operations = [
        migrations.AddField(
            model_name="event",
            name="subject_public_id",
            field=models.UUIDField(editable=False, null=True),
        ),
        # SQLite may make the table anew, and its triggers don't follow.
        engagements.models.guards.AppendOnly(model_name="event"),
    ]

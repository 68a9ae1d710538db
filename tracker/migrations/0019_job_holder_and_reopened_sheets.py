from django.db import migrations, models

from tracker.spend.guards import GuardTimesheets, LiftTimesheetGuards


class Migration(migrations.Migration):
    dependencies = [
        ("tracker", "0018_idempotency_keys"),
    ]

    operations = [
        migrations.AddField(
            model_name="jobrun",
            name="held_by",
            field=models.CharField(blank=True, max_length=64),
        ),
        # A sheet whose bill was credited may be billed anew.
        LiftTimesheetGuards(),
        GuardTimesheets(),
    ]

from django.db import migrations

from tracker.spend.guards import GuardLoggedWork


class Migration(migrations.Migration):
    dependencies = [("tracker", "0030_flags_of_dates")]

    operations = [GuardLoggedWork()]

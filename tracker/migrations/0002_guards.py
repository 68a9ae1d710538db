from django.db import migrations

from engagements.models.guards import AppendOnly


class Migration(migrations.Migration):
    dependencies = [("tracker", "0001_records")]

    operations = [AppendOnly("LedgerEntry")]

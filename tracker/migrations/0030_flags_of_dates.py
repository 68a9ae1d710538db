from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

# From where on the other model fitted better, unless a policy said otherwise.
OPPOSED = 0.70


def _name_no_model(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Flags that a date raised named the other model, whatever the verdict was."""
    flags = apps.get_model("tracker", "Flag").objects.exclude(pattern="")
    flags.filter(opposition__lt=OPPOSED).update(leaning="")


def _name_the_other(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    flags = apps.get_model("tracker", "Flag").objects.filter(leaning="")
    for kind, other in (("managed", "augmented"), ("augmented", "managed")):
        flags.filter(engagement__kind=kind).update(leaning=other)


class Migration(migrations.Migration):
    dependencies = [("tracker", "0029_daily_cap_and_kept_payments")]

    operations = [
        migrations.AlterField(
            model_name="flag",
            name="leaning",
            field=models.CharField(
                blank=True,
                choices=[
                    ("managed", "Managed service"),
                    ("augmented", "Augmented contractor"),
                ],
                max_length=12,
                verbose_name="model that fits better",
            ),
        ),
        migrations.RunPython(_name_no_model, _name_the_other),
        migrations.AddConstraint(
            model_name="flag",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("leaning", ""), _negated=True),
                    models.Q(("pattern", ""), _negated=True),
                    _connector="OR",
                ),
                name="flag_leans_or_is_dated",
            ),
        ),
    ]

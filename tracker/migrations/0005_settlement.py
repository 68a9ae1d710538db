"""When an invoice was paid, and a person's word that no further one will come."""

import django.db.models.deletion
import uuid
from django.apps.registry import Apps
from django.conf import settings
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.utils import timezone

from engagements.models.guards import AppendOnly


def date_what_was_paid(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Nobody kept the day: it was paid by the time this was last recorded."""
    invoices = apps.get_model("tracker", "Invoice").objects
    for invoice in invoices.filter(status="paid", paid_on=None).iterator():
        day = timezone.localdate(invoice.updated_at)
        invoices.filter(pk=invoice.pk).update(paid_on=day)


class Migration(migrations.Migration):

    dependencies = [
        ('engagements', '0005_boarding'),
        ('tracker', '0004_exchange_rates'),
    ]

    operations = [
        migrations.CreateModel(
            name='Settlement',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('settled_at', models.DateTimeField(editable=False, verbose_name='settled at')),
                ('reason', models.CharField(help_text='How you know, such as “Paid in full by the old system”. It is kept for good: name no people.', max_length=300, verbose_name='reason')),
                ('engagement', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='settlements', to='engagements.engagement', verbose_name='engagement')),
                ('settled_by', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='settled by')),
            ],
            options={
                'ordering': ['-settled_at', '-id'],
                'constraints': [
                    models.CheckConstraint(condition=models.Q(('reason', ''), _negated=True), name='settlement_says_why', violation_error_message='Say how you know.'),
                ],
            },
        ),
        AppendOnly('Settlement'),
        migrations.AddField(
            model_name='invoice',
            name='paid_by',
            field=models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='payment recorded by'),
        ),
        migrations.AddField(
            model_name='invoice',
            name='paid_on',
            field=models.DateField(blank=True, null=True, verbose_name='paid on'),
        ),
        migrations.RunPython(date_what_was_paid, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name='invoice',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('paid_on__isnull', False), ('status', 'paid')), models.Q(models.Q(('status', 'paid'), _negated=True), ('paid_by__isnull', True), ('paid_on__isnull', True)), _connector='OR'), name='invoice_paid_is_dated', violation_error_message='A paid invoice has the day of payment.'),
        ),
    ]

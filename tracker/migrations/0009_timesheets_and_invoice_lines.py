"""Timesheets around work logs; what an invoice and its lines say for the match."""

import django.db.models.deletion
import engagements.models.fields
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('engagements', '0007_service_level_measures'),
        ('tracker', '0008_performance'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Timesheet',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('external_id', models.CharField(blank=True, help_text="The record's id in another system; unique where given.", max_length=200, null=True, unique=True, verbose_name='external id')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True, db_index=True)),
                ('version', models.PositiveIntegerField(default=1, editable=False)),
                ('starts_on', models.DateField(verbose_name='from')),
                ('ends_on', models.DateField(verbose_name='to')),
                ('status', models.CharField(choices=[('draft', 'Draft'), ('submitted', 'Submitted'), ('approved', 'Approved'), ('rejected', 'Rejected'), ('invoiced', 'Invoiced')], default='draft', editable=False, max_length=10, verbose_name='status')),
                ('submitted_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='submitted at')),
                ('decided_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='decided at')),
                ('reason', models.CharField(blank=True, max_length=300, verbose_name='reason')),
                ('contractor', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='timesheets', to='engagements.contractor', verbose_name='contractor')),
                ('decided_by', models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='decided by')),
                ('engagement', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='timesheets', to='engagements.engagement', verbose_name='engagement')),
                ('submitted_by', models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='submitted by')),
            ],
            options={
                'verbose_name': 'timesheet',
                'ordering': ['-starts_on', '-id'],
                'indexes': [models.Index(fields=['status', 'starts_on'], name='tracker_tim_status_6d6681_idx')],
                'constraints': [models.UniqueConstraint(fields=('engagement', 'contractor', 'starts_on'), name='timesheet_once_per_period', violation_error_message='There is a timesheet from this day on.'), models.CheckConstraint(condition=models.Q(('ends_on__gte', models.F('starts_on'))), name='timesheet_period_in_order', violation_error_message='The period ends before it starts.'), models.CheckConstraint(condition=models.Q(('status__in', ['draft', 'submitted', 'approved', 'rejected', 'invoiced'])), name='timesheet_status_known'), models.CheckConstraint(condition=models.Q(models.Q(('status', 'rejected'), _negated=True), models.Q(('reason', ''), _negated=True), _connector='OR'), name='timesheet_rejected_with_reason', violation_error_message='Say why it is rejected.'), models.CheckConstraint(condition=models.Q(('decided_by__isnull', True), ('submitted_by__isnull', True), models.Q(('decided_by', models.F('submitted_by')), _negated=True), _connector='OR'), name='timesheet_not_decided_by_submitter', violation_error_message='Nobody approves their own timesheet.')],
            },
        ),
        migrations.AddField(
            model_name='invoice',
            name='approved_at',
            field=models.DateTimeField(blank=True, editable=False, null=True, verbose_name='approved at'),
        ),
        migrations.AddField(
            model_name='invoice',
            name='approved_by',
            field=models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='approved by'),
        ),
        migrations.AddField(
            model_name='invoice',
            name='credits',
            field=models.ForeignKey(blank=True, help_text='The invoice that this credit note corrects.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='credit_notes', to='tracker.invoice', verbose_name='credits invoice'),
        ),
        migrations.AddField(
            model_name='invoice',
            name='dispute',
            field=models.CharField(blank=True, editable=False, max_length=300, verbose_name='why it is disputed'),
        ),
        migrations.AddField(
            model_name='invoice',
            name='due_on',
            field=models.DateField(blank=True, null=True, verbose_name='due on'),
        ),
        migrations.AddField(
            model_name='invoice',
            name='kind',
            field=models.CharField(choices=[('invoice', 'Invoice'), ('credit_note', 'Credit note')], default='invoice', max_length=12, verbose_name='kind'),
        ),
        migrations.AddField(
            model_name='invoice',
            name='received_by',
            field=models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='recorded by'),
        ),
        migrations.AddField(
            model_name='invoice',
            name='received_on',
            field=models.DateField(blank=True, null=True, verbose_name='received on'),
        ),
        migrations.AddField(
            model_name='invoice',
            name='source',
            field=models.CharField(choices=[('manual', 'Entered by hand'), ('file', 'Imported from a file'), ('api', 'Received by API'), ('electronic', 'Electronic invoice')], default='manual', editable=False, max_length=12, verbose_name='source'),
        ),
        migrations.AddField(
            model_name='invoiceline',
            name='contractor',
            field=models.ForeignKey(blank=True, help_text='Whose work is billed, where the invoice says so.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='invoice_lines', to='engagements.contractor', verbose_name='person'),
        ),
        migrations.AddField(
            model_name='invoiceline',
            name='is_overtime',
            field=models.BooleanField(default=False, verbose_name='overtime'),
        ),
        migrations.AddField(
            model_name='invoiceline',
            name='quantity',
            field=engagements.models.fields.FactorField(blank=True, null=True, verbose_name='quantity'),
        ),
        migrations.AddField(
            model_name='invoiceline',
            name='source_key',
            field=models.CharField(blank=True, editable=False, max_length=100, null=True, unique=True),
        ),
        migrations.AddField(
            model_name='invoiceline',
            name='unit',
            field=models.CharField(blank=True, choices=[('hour', 'Hour'), ('day', 'Day'), ('month', 'Month'), ('piece', 'Piece')], max_length=8, verbose_name='unit'),
        ),
        migrations.AddField(
            model_name='invoiceline',
            name='unit_price',
            field=engagements.models.fields.MoneyField(blank=True, null=True, verbose_name='price of one'),
        ),
        migrations.AddConstraint(
            model_name='invoice',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['invoice', 'credit_note'])), name='invoice_kind_known'),
        ),
        migrations.AddConstraint(
            model_name='invoice',
            constraint=models.CheckConstraint(condition=models.Q(('source__in', ['manual', 'file', 'api', 'electronic'])), name='invoice_source_known'),
        ),
        migrations.AddConstraint(
            model_name='invoice',
            constraint=models.CheckConstraint(condition=models.Q(('credits__isnull', True), ('kind', 'credit_note'), _connector='OR'), name='invoice_credits_by_credit_note', violation_error_message='Only a credit note credits an invoice.'),
        ),
        migrations.AddConstraint(
            model_name='invoice',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status', 'disputed'), _negated=True), models.Q(('dispute', ''), _negated=True), _connector='OR'), name='invoice_disputed_with_reason', violation_error_message='Say why it is disputed.'),
        ),
        migrations.AddConstraint(
            model_name='invoice',
            constraint=models.CheckConstraint(condition=models.Q(('approved_by__isnull', True), ('received_by__isnull', True), models.Q(('approved_by', models.F('received_by')), _negated=True), _connector='OR'), name='invoice_not_approved_by_recorder', violation_error_message='Nobody approves an invoice they recorded.'),
        ),
        migrations.AddConstraint(
            model_name='invoiceline',
            constraint=models.CheckConstraint(condition=models.Q(('unit', ''), ('unit__in', ['hour', 'day', 'month', 'piece']), _connector='OR'), name='invoice_line_unit_known'),
        ),
        migrations.AddField(
            model_name='worklog',
            name='timesheet',
            field=models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='lines', to='tracker.timesheet', verbose_name='timesheet'),
        ),
    ]

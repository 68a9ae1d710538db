"""Drafts, credit notes and attachments of invoices; what is posted stays as it is."""

import django.db.models.deletion
import django.db.models.functions.text
import django.db.models.lookups
import tracker.spend.models.invoice
import uuid
from django.conf import settings
from django.db import migrations, models

from tracker.spend.models.invoice_guards import KeepPostedInvoices


class Migration(migrations.Migration):

    dependencies = [
        ('engagements', '0007_service_level_measures'),
        ('tracker', '0015_fit'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='InvoiceAttachment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('file', models.FileField(upload_to=tracker.spend.models.invoice.attachment_path, verbose_name='file')),
                ('file_name', models.CharField(editable=False, max_length=150, verbose_name='file name')),
                ('content_type', models.CharField(editable=False, max_length=100)),
                ('size', models.PositiveBigIntegerField(editable=False, verbose_name='size')),
                ('sha256', models.CharField(editable=False, max_length=64)),
            ],
            options={
                'verbose_name': 'attachment',
                'ordering': ['created_at', 'id'],
            },
        ),
        migrations.AlterModelOptions(
            name='invoice',
            options={'ordering': ['-issued_on', '-id'], 'verbose_name': 'invoice'},
        ),
        migrations.RemoveConstraint(
            model_name='invoiceline',
            name='invoice_line_fee_once_per_period',
        ),
        migrations.AddField(
            model_name='payment',
            name='invoice',
            field=models.ForeignKey(blank=True, editable=False, help_text='Set where a recorded invoice counts the money already.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='payments', to='tracker.invoice', verbose_name='pays invoice'),
        ),
        migrations.AlterField(
            model_name='invoice',
            name='paid_on',
            field=models.DateField(blank=True, editable=False, null=True, verbose_name='paid on'),
        ),
        migrations.AlterField(
            model_name='invoice',
            name='status',
            field=models.CharField(choices=[('draft', 'Draft'), ('received', 'Received'), ('matched', 'Matched'), ('disputed', 'Disputed'), ('approved', 'Approved'), ('paid', 'Paid')], default='draft', editable=False, max_length=10, verbose_name='status'),
        ),
        migrations.AddIndex(
            model_name='invoice',
            index=models.Index(fields=['status', 'due_on'], name='tracker_inv_status_70414f_idx'),
        ),
        migrations.AddConstraint(
            model_name='invoice',
            constraint=models.CheckConstraint(condition=models.Q(('status', 'draft'), models.Q(('kind', 'credit_note'), _negated=True), ('credits__isnull', False), _connector='OR'), name='invoice_credit_note_names_invoice', violation_error_message='Say which invoice it credits.'),
        ),
        migrations.AddConstraint(
            model_name='invoice',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind', 'credit_note'), _negated=True), ('total__lt', 0), _connector='OR'), name='invoice_credit_note_negative', violation_error_message='A credit note has a negative total.'),
        ),
        migrations.AddConstraint(
            model_name='invoiceline',
            constraint=models.UniqueConstraint(condition=models.Q(('amount__gt', 0), ('charge_kind', 'recurring')), fields=('engagement', 'period_from', 'period_to'), name='invoice_line_fee_once_per_period', violation_error_message='The fee of this period is billed already.'),
        ),
        migrations.AddField(
            model_name='invoiceattachment',
            name='invoice',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='attachments', to='tracker.invoice', verbose_name='invoice'),
        ),
        migrations.AddField(
            model_name='invoiceattachment',
            name='uploaded_by',
            field=models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='added by'),
        ),
        migrations.AddConstraint(
            model_name='invoiceattachment',
            constraint=models.UniqueConstraint(fields=('invoice', 'sha256'), name='invoice_attachment_once', violation_error_message='The same file is attached already.'),
        ),
        migrations.AddConstraint(
            model_name='invoiceattachment',
            constraint=models.CheckConstraint(condition=django.db.models.lookups.Exact(django.db.models.functions.text.Length(models.F('sha256')), 64), name='invoice_attachment_sha256_whole'),
        ),
        KeepPostedInvoices(),
    ]

"""Exceptions of the invoice match, purchase orders with their changes, and savings."""

import django.db.models.deletion
import django.db.models.functions.text
import django.db.models.lookups
import engagements.models.fields
import engagements.models.validators
import uuid
from decimal import Decimal
from django.conf import settings
from django.db import migrations, models

from engagements.models.guards import AppendOnly, ClosedOnce


class Migration(migrations.Migration):

    dependencies = [
        ('engagements', '0007_service_level_measures'),
        ('tracker', '0016_invoices'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='OrderCoverage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('engagement', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='order_coverages', to='engagements.engagement', verbose_name='engagement')),
            ],
            options={
                'verbose_name': 'engagement of an order',
                'verbose_name_plural': 'engagements that it covers',
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='PurchaseOrder',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('external_id', models.CharField(blank=True, help_text="The record's id in another system; unique where given.", max_length=200, null=True, unique=True, verbose_name='external id')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True, db_index=True)),
                ('version', models.PositiveIntegerField(default=1, editable=False)),
                ('number', models.CharField(max_length=40, verbose_name='number')),
                ('normalised_number', models.CharField(editable=False, max_length=40)),
                ('description', models.CharField(blank=True, max_length=200, verbose_name='description')),
                ('currency', models.CharField(help_text='That of the engagements it covers.', max_length=3, validators=[engagements.models.validators.currency_code], verbose_name='currency')),
                ('amount', engagements.models.fields.MoneyField(help_text='As first ordered, without tax.', verbose_name='amount')),
                ('starts_on', models.DateField(verbose_name='starts on')),
                ('ends_on', models.DateField(blank=True, help_text='Last day of service that it pays for; blank for an open end.', null=True, verbose_name='ends on')),
                ('status', models.CharField(choices=[('open', 'Open'), ('closed', 'Closed'), ('cancelled', 'Cancelled')], default='open', editable=False, max_length=9, verbose_name='status')),
                ('short_since', models.DateField(blank=True, editable=False, null=True, verbose_name='running out since')),
                ('engagements', models.ManyToManyField(related_name='purchase_orders', through='tracker.OrderCoverage', to='engagements.engagement', verbose_name='engagements')),
                ('vendor', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='purchase_orders', to='engagements.vendor', verbose_name='vendor')),
            ],
            options={
                'verbose_name': 'purchase order',
                'ordering': ['vendor', 'number'],
            },
        ),
        migrations.AddField(
            model_name='ordercoverage',
            name='order',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='coverages', to='tracker.purchaseorder'),
        ),
        migrations.CreateModel(
            name='OrderChange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('changed_on', models.DateField(verbose_name='changed on')),
                ('amount', engagements.models.fields.MoneyField(default=Decimal('0'), help_text='Negative where it takes off.', verbose_name='amount')),
                ('ends_on', models.DateField(blank=True, null=True, verbose_name='new end')),
                ('reason', models.CharField(max_length=300, verbose_name='reason')),
                ('recorded_by', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='recorded by')),
                ('order', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='changes', to='tracker.purchaseorder')),
            ],
            options={
                'verbose_name': 'change of an order',
                'verbose_name_plural': 'changes',
                'ordering': ['changed_on', 'id'],
            },
        ),
        migrations.CreateModel(
            name='Saving',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('external_id', models.CharField(blank=True, help_text="The record's id in another system; unique where given.", max_length=200, null=True, unique=True, verbose_name='external id')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True, db_index=True)),
                ('version', models.PositiveIntegerField(default=1, editable=False)),
                ('kind', models.CharField(choices=[('negotiated', 'Negotiated'), ('credit', 'Service credit'), ('recovered', 'Recovered overbilling'), ('conversion', 'Conversion of the model')], max_length=10, verbose_name='kind')),
                ('title', models.CharField(max_length=200, verbose_name='title')),
                ('currency', models.CharField(max_length=3, validators=[engagements.models.validators.currency_code], verbose_name='currency')),
                ('claimed_amount', engagements.models.fields.MoneyField(verbose_name='claimed amount')),
                ('claimed_on', models.DateField(verbose_name='since')),
                ('until', models.DateField(blank=True, help_text='The last day on which a lower price counts as a saving.', null=True, verbose_name='until')),
                ('price_before', engagements.models.fields.MoneyField(blank=True, help_text='The monthly fee, or the price of an hour or a day.', null=True, verbose_name='price before')),
                ('price_after', engagements.models.fields.MoneyField(blank=True, null=True, verbose_name='price after')),
                ('status', models.CharField(choices=[('claimed', 'Claimed'), ('realised', 'Realised'), ('withdrawn', 'Withdrawn')], default='claimed', editable=False, max_length=9, verbose_name='status')),
                ('note', models.CharField(blank=True, max_length=300, verbose_name='note')),
                ('source_key', models.CharField(blank=True, editable=False, max_length=60, null=True, unique=True)),
                ('engagement', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='savings', to='engagements.engagement', verbose_name='engagement')),
                ('owner', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='savings', to=settings.AUTH_USER_MODEL, verbose_name='owner')),
                ('vendor', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='savings', to='engagements.vendor', verbose_name='vendor')),
            ],
            options={
                'verbose_name': 'saving',
                'ordering': ['-claimed_on', '-id'],
            },
        ),
        migrations.CreateModel(
            name='SavingRealisation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('realised_on', models.DateField(verbose_name='realised on')),
                ('amount', engagements.models.fields.MoneyField(verbose_name='amount')),
                ('note', models.CharField(blank=True, max_length=300, verbose_name='note')),
                ('invoice_line', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='realised_savings', to='tracker.invoiceline', verbose_name='invoice line')),
                ('saving', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='realisations', to='tracker.saving')),
            ],
            options={
                'verbose_name': 'realisation',
                'ordering': ['realised_on', 'id'],
            },
        ),
        migrations.CreateModel(
            name='MatchException',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('external_id', models.CharField(blank=True, help_text="The record's id in another system; unique where given.", max_length=200, null=True, unique=True, verbose_name='external id')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True, db_index=True)),
                ('version', models.PositiveIntegerField(default=1, editable=False)),
                ('code', models.CharField(choices=[('rate_above_card', 'Rate above card'), ('hours_above_approved', 'Hours above approved'), ('wrong_worker', 'Wrong worker'), ('outside_term', 'Outside the term'), ('after_end', 'After the end'), ('unapproved_overtime', 'Unapproved overtime'), ('fee_mismatch', 'Fee mismatch'), ('duplicate', 'Duplicate'), ('period_gap', 'Period gap'), ('period_overlap', 'Period overlap'), ('over_order', 'Over the order'), ('credit_not_applied', 'Credit not applied'), ('wrong_currency', 'Wrong currency'), ('arithmetic', 'Arithmetic')], max_length=24, verbose_name='what is wrong')),
                ('expected', models.CharField(blank=True, max_length=40, verbose_name='expected')),
                ('found', models.CharField(blank=True, max_length=40, verbose_name='found')),
                ('amount', engagements.models.fields.MoneyField(default=0, verbose_name='at stake')),
                ('currency', models.CharField(max_length=3, verbose_name='currency')),
                ('found_at', models.DateTimeField(verbose_name='found at')),
                ('state', models.CharField(choices=[('open', 'Open'), ('resolved', 'Resolved')], default='open', max_length=8, verbose_name='state')),
                ('resolution', models.CharField(blank=True, choices=[('accepted', 'Accepted as billed'), ('not_an_error', 'Not an error'), ('credit_note_requested', 'Credit note requested'), ('corrected', 'Corrected by the vendor'), ('recovered', 'Money recovered'), ('cleared', 'No longer found')], max_length=24, verbose_name='resolution')),
                ('reason', models.CharField(blank=True, max_length=300, verbose_name='reason')),
                ('resolved_at', models.DateTimeField(blank=True, null=True, verbose_name='resolved at')),
                ('engagement', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='match_exceptions', to='engagements.engagement', verbose_name='engagement')),
                ('invoice', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='exceptions', to='tracker.invoice', verbose_name='invoice')),
                ('line', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='exceptions', to='tracker.invoiceline', verbose_name='line')),
                ('recorded_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='invoice recorded by')),
                ('resolved_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='resolved by')),
            ],
            options={
                'verbose_name': 'invoice exception',
                'ordering': ['-amount', 'id'],
                'indexes': [models.Index(fields=['state', 'amount'], name='tracker_mat_state_63bde7_idx'), models.Index(fields=['invoice', 'state'], name='tracker_mat_invoice_23ed5a_idx')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('state', 'open')), fields=('line', 'code'), name='exception_open_once_per_line'), models.UniqueConstraint(condition=models.Q(('line__isnull', True), ('state', 'open')), fields=('invoice', 'code'), name='exception_open_once_per_invoice'), models.CheckConstraint(condition=models.Q(('code__in', ['rate_above_card', 'hours_above_approved', 'wrong_worker', 'outside_term', 'after_end', 'unapproved_overtime', 'fee_mismatch', 'duplicate', 'period_gap', 'period_overlap', 'over_order', 'credit_not_applied', 'wrong_currency', 'arithmetic'])), name='exception_code_known'), models.CheckConstraint(condition=models.Q(('state__in', ['open', 'resolved'])), name='exception_state_known'), models.CheckConstraint(condition=models.Q(('resolution', ''), ('resolution__in', ['accepted', 'not_an_error', 'credit_note_requested', 'corrected', 'recovered', 'cleared']), _connector='OR'), name='exception_resolution_known'), models.CheckConstraint(condition=django.db.models.lookups.Exact(django.db.models.functions.text.Length(models.F('currency')), 3), name='exception_currency_code'), models.CheckConstraint(condition=models.Q(('amount__gte', 0)), name='exception_amount_not_negative'), models.CheckConstraint(condition=models.Q(models.Q(('resolution', ''), ('resolved_at__isnull', True), ('state', 'open')), models.Q(('resolved_at__isnull', False), ('state', 'resolved'), models.Q(('resolution', ''), _negated=True), models.Q(('reason', ''), _negated=True)), _connector='OR'), name='exception_resolved_with_reason', violation_error_message='Say how it is resolved, and why.'), models.CheckConstraint(condition=models.Q(models.Q(('resolution__in', ['accepted', 'not_an_error']), _negated=True), ('amount', 0), ('recorded_by__isnull', True), models.Q(('resolved_by__isnull', False), models.Q(('resolved_by', models.F('recorded_by')), _negated=True)), _connector='OR'), name='exception_money_not_let_go_by_recorder', violation_error_message="Whoever recorded the invoice can't let its money go.")],
            },
        ),
        migrations.AddConstraint(
            model_name='purchaseorder',
            constraint=models.UniqueConstraint(fields=('vendor', 'normalised_number'), name='purchase_order_number_once_per_vendor', violation_error_message="This vendor's order is recorded already."),
        ),
        migrations.AddConstraint(
            model_name='purchaseorder',
            constraint=models.CheckConstraint(condition=models.Q(('normalised_number', ''), _negated=True), name='purchase_order_number_given', violation_error_message="Give the order's number."),
        ),
        migrations.AddConstraint(
            model_name='purchaseorder',
            constraint=models.CheckConstraint(condition=django.db.models.lookups.Exact(django.db.models.functions.text.Length(models.F('currency')), 3), name='purchase_order_currency_code'),
        ),
        migrations.AddConstraint(
            model_name='purchaseorder',
            constraint=models.CheckConstraint(condition=models.Q(('amount__gt', 0)), name='purchase_order_amount_positive', violation_error_message='An order is for more than 0.'),
        ),
        migrations.AddConstraint(
            model_name='purchaseorder',
            constraint=models.CheckConstraint(condition=models.Q(('ends_on__isnull', True), ('ends_on__gte', models.F('starts_on')), _connector='OR'), name='purchase_order_ends_after_start', violation_error_message="The end can't be before the start."),
        ),
        migrations.AddConstraint(
            model_name='purchaseorder',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['open', 'closed', 'cancelled'])), name='purchase_order_status_known'),
        ),
        migrations.AddConstraint(
            model_name='ordercoverage',
            constraint=models.UniqueConstraint(fields=('order', 'engagement'), name='order_coverage_once', violation_error_message='The order covers it already.'),
        ),
        migrations.AddConstraint(
            model_name='orderchange',
            constraint=models.CheckConstraint(condition=models.Q(('reason', ''), _negated=True), name='order_change_says_why', violation_error_message='Say why the order changes.'),
        ),
        migrations.AddConstraint(
            model_name='orderchange',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('amount', 0), _negated=True), ('ends_on__isnull', False), _connector='OR'), name='order_change_changes_something', violation_error_message='Give an amount, or a new end.'),
        ),
        migrations.AddConstraint(
            model_name='saving',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['negotiated', 'credit', 'recovered', 'conversion'])), name='saving_kind_known'),
        ),
        migrations.AddConstraint(
            model_name='saving',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['claimed', 'realised', 'withdrawn'])), name='saving_status_known'),
        ),
        migrations.AddConstraint(
            model_name='saving',
            constraint=models.CheckConstraint(condition=django.db.models.lookups.Exact(django.db.models.functions.text.Length(models.F('currency')), 3), name='saving_currency_code'),
        ),
        migrations.AddConstraint(
            model_name='saving',
            constraint=models.CheckConstraint(condition=models.Q(('claimed_amount__gt', 0)), name='saving_claimed_positive', violation_error_message='A saving is more than 0.'),
        ),
        migrations.AddConstraint(
            model_name='saving',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('price_after__isnull', True), ('price_before__isnull', True)), models.Q(('price_after__gte', 0), ('price_after__isnull', False), ('price_before__gt', models.F('price_after')), ('price_before__isnull', False)), _connector='OR'), name='saving_price_fell', violation_error_message='The price after is below the one before.'),
        ),
        migrations.AddConstraint(
            model_name='saving',
            constraint=models.CheckConstraint(condition=models.Q(('until__isnull', True), ('until__gte', models.F('claimed_on')), _connector='OR'), name='saving_until_after_since', violation_error_message='It ends before it begins.'),
        ),
        migrations.AddConstraint(
            model_name='savingrealisation',
            constraint=models.UniqueConstraint(condition=models.Q(('invoice_line__isnull', False)), fields=('saving', 'invoice_line'), name='saving_realised_once_per_line', violation_error_message='This line is counted already.'),
        ),
        migrations.AddConstraint(
            model_name='savingrealisation',
            constraint=models.CheckConstraint(condition=models.Q(('amount', 0), _negated=True), name='saving_realisation_is_something'),
        ),
        migrations.AddConstraint(
            model_name='savingrealisation',
            constraint=models.CheckConstraint(condition=models.Q(('invoice_line__isnull', False), models.Q(('note', ''), _negated=True), _connector='OR'), name='saving_realisation_has_a_record', violation_error_message='Name the invoice line, or say how.'),
        ),
        AppendOnly('OrderChange'),
        AppendOnly('SavingRealisation'),
        ClosedOnce(
            'MatchException',
            closing=('resolved_at', 'state', 'resolution', 'reason', 'resolved_by_id', 'version'),
        ),
    ]

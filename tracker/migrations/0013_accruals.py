"""What engagements owed, or had paid ahead, at the end of months."""

import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.text
import django.db.models.lookups
import engagements.models.fields
from django.conf import settings
from django.db import migrations, models

from engagements.models.guards import AppendOnly
from tracker.spend.models.month_guard import OpenMonthsOnly


class Migration(migrations.Migration):

    dependencies = [
        ('engagements', '0007_service_level_measures'),
        ('tracker', '0012_ledger'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Accrual',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('month', models.DateField(verbose_name='month')),
                ('revision', models.PositiveSmallIntegerField(default=1, verbose_name='revision')),
                ('currency', models.CharField(max_length=3, verbose_name='currency')),
                ('earned', engagements.models.fields.MoneyField(verbose_name='earned to date')),
                ('estimated', engagements.models.fields.MoneyField(verbose_name='of which estimated')),
                ('invoiced', engagements.models.fields.MoneyField(verbose_name='invoiced for service to date')),
                ('credits', engagements.models.fields.MoneyField(verbose_name='credits agreed, not applied')),
                ('settled', engagements.models.fields.MoneyField(verbose_name='settled, no invoice to come')),
                ('accrual', engagements.models.fields.MoneyField(verbose_name='accrual')),
                ('prepayment', engagements.models.fields.MoneyField(verbose_name='prepayment')),
                ('fx_rate', engagements.models.fields.FactorField(verbose_name='rate')),
                ('fx_on', models.DateField(verbose_name='rate of')),
                ('fx_source', models.CharField(max_length=60, verbose_name='rate from')),
                ('reporting_accrual', engagements.models.fields.MoneyField(verbose_name='accrual in the reporting currency')),
                ('reporting_prepayment', engagements.models.fields.MoneyField(verbose_name='prepayment in the reporting currency')),
                ('explanation', models.JSONField(default=dict, editable=False)),
                ('reckoned_at', models.DateTimeField(verbose_name='reckoned at')),
            ],
            options={
                'verbose_name': 'accrual',
                'ordering': ['-month', 'engagement', '-revision'],
            },
        ),
        migrations.RemoveConstraint(
            model_name='ledgerentry',
            name='ledger_entry_source_known',
        ),
        migrations.AlterField(
            model_name='ledgerentry',
            name='source_type',
            field=models.CharField(choices=[('work_log', 'Work log'), ('invoice_line', 'Invoice line'), ('payment', 'Imported payment'), ('credit', 'Service credit'), ('accrual', 'Month-end accrual')], max_length=16, verbose_name='source'),
        ),
        migrations.AddConstraint(
            model_name='ledgerentry',
            constraint=models.CheckConstraint(condition=models.Q(('source_type__in', ['work_log', 'invoice_line', 'payment', 'credit', 'accrual'])), name='ledger_entry_source_known'),
        ),
        migrations.AddField(
            model_name='accrual',
            name='engagement',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='accruals', to='engagements.engagement', verbose_name='engagement'),
        ),
        migrations.AddField(
            model_name='accrual',
            name='reckoned_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='reckoned by'),
        ),
        migrations.AddIndex(
            model_name='accrual',
            index=models.Index(fields=['month', 'engagement'], name='tracker_acc_month_297cbd_idx'),
        ),
        migrations.AddConstraint(
            model_name='accrual',
            constraint=models.UniqueConstraint(fields=('engagement', 'month', 'revision'), name='accrual_once_per_revision'),
        ),
        migrations.AddConstraint(
            model_name='accrual',
            constraint=models.CheckConstraint(condition=models.Q(('month__day', 1)), name='accrual_month_is_first_day'),
        ),
        migrations.AddConstraint(
            model_name='accrual',
            constraint=models.CheckConstraint(condition=django.db.models.lookups.Exact(django.db.models.functions.text.Length(models.F('currency')), 3), name='accrual_currency_code'),
        ),
        migrations.AddConstraint(
            model_name='accrual',
            constraint=models.CheckConstraint(condition=models.Q(('accrual__gte', 0), ('prepayment__gte', 0)), name='accrual_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='accrual',
            constraint=models.CheckConstraint(condition=models.Q(('accrual', 0), ('accrual', django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(models.F('earned'), '-', models.F('invoiced')), '-', models.F('credits')), '-', models.F('settled'))), _connector='OR'), name='accrual_is_what_it_says'),
        ),
        migrations.AddConstraint(
            model_name='accrual',
            constraint=models.CheckConstraint(condition=models.Q(('fx_rate__gt', 0)), name='accrual_rate_positive'),
        ),
        AppendOnly('Accrual'),
        # SQLite made the ledger's table anew, without its guards.
        AppendOnly('LedgerEntry'),
        OpenMonthsOnly('LedgerEntry', months='ClosedMonth'),
    ]

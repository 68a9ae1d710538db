"""What was committed and expected at the end of months."""

import django.db.models.deletion
import django.db.models.functions.text
import django.db.models.lookups
import engagements.models.fields
from django.conf import settings
from django.db import migrations, models

from engagements.models.guards import AppendOnly


class Migration(migrations.Migration):

    dependencies = [
        ('engagements', '0011_departures'),
        ('tracker', '0031_logged_work_kept'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='MonthOutlook',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('month', models.DateField(verbose_name='month')),
                ('revision', models.PositiveSmallIntegerField(default=1, verbose_name='revision')),
                ('currency', models.CharField(max_length=3, verbose_name='currency')),
                ('committed', engagements.models.fields.MoneyField(null=True, verbose_name='committed')),
                ('committed_until', models.DateField(null=True, verbose_name='earliest exit')),
                ('to_end', engagements.models.fields.MoneyField(null=True, verbose_name="to the contract's end")),
                ('agreed_until', models.DateField(null=True, verbose_name='contract ends')),
                ('year_ends_on', models.DateField(verbose_name='fiscal year to')),
                ('expected', engagements.models.fields.MoneyField(verbose_name='expected of the fiscal year')),
                ('expected_low', engagements.models.fields.MoneyField(verbose_name='low')),
                ('expected_high', engagements.models.fields.MoneyField(verbose_name='high')),
                ('fx_rate', engagements.models.fields.FactorField(verbose_name='rate')),
                ('fx_on', models.DateField(verbose_name='rate of')),
                ('fx_source', models.CharField(max_length=60, verbose_name='rate from')),
                ('reporting_committed', engagements.models.fields.MoneyField(null=True, verbose_name='committed in the reporting currency')),
                ('reporting_to_end', engagements.models.fields.MoneyField(null=True, verbose_name="to the contract's end in the reporting currency")),
                ('reporting_expected', engagements.models.fields.MoneyField(verbose_name='expected in the reporting currency')),
                ('reporting_low', engagements.models.fields.MoneyField(verbose_name='low in the reporting currency')),
                ('reporting_high', engagements.models.fields.MoneyField(verbose_name='high in the reporting currency')),
                ('months', models.JSONField(default=list, editable=False)),
                ('explanation', models.JSONField(default=dict, editable=False)),
                ('reckoned_at', models.DateTimeField(verbose_name='reckoned at')),
                ('engagement', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='outlooks', to='engagements.engagement', verbose_name='engagement')),
                ('reckoned_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='reckoned by')),
            ],
            options={
                'verbose_name': 'month-end outlook',
                'ordering': ['-month', 'engagement', '-revision'],
                'indexes': [models.Index(fields=['month', 'engagement'], name='tracker_mon_month_bfdbb9_idx')],
                'constraints': [models.UniqueConstraint(fields=('engagement', 'month', 'revision'), name='outlook_once_per_revision'), models.CheckConstraint(condition=models.Q(('month__day', 1)), name='outlook_month_is_first_day'), models.CheckConstraint(condition=django.db.models.lookups.Exact(django.db.models.functions.text.Length(models.F('currency')), 3), name='outlook_currency_code'), models.CheckConstraint(condition=models.Q(models.Q(('committed__isnull', True), ('committed_until__isnull', True), ('reporting_committed__isnull', True)), models.Q(('committed__gte', 0), ('committed__isnull', False), ('committed_until__isnull', False), ('reporting_committed__gte', 0), ('reporting_committed__isnull', False)), _connector='OR'), name='outlook_committed_until_a_day'), models.CheckConstraint(condition=models.Q(models.Q(('agreed_until__isnull', True), ('reporting_to_end__isnull', True), ('to_end__isnull', True)), models.Q(('agreed_until__isnull', False), ('reporting_to_end__gte', 0), ('reporting_to_end__isnull', False), ('to_end__gte', 0), ('to_end__isnull', False)), _connector='OR'), name='outlook_agreed_until_a_day'), models.CheckConstraint(condition=models.Q(('expected_high__gte', models.F('expected')), ('expected_low__lte', models.F('expected'))), name='outlook_expected_within_its_range'), models.CheckConstraint(condition=models.Q(('year_ends_on__gt', models.F('month'))), name='outlook_year_not_over'), models.CheckConstraint(condition=models.Q(('fx_rate__gt', 0)), name='outlook_rate_positive')],
            },
        ),
        AppendOnly('MonthOutlook'),
    ]

"""Budgets, their policies and crossings; published rates to compare ours with."""

import django.db.models.deletion
import django.db.models.functions.comparison
import django.db.models.functions.text
import django.db.models.lookups
import engagements.models.fields
import engagements.models.validators
import uuid
from decimal import Decimal
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('engagements', '0007_service_level_measures'),
        ('tracker', '0010_timesheets'),
    ]

    operations = [
        migrations.CreateModel(
            name='BenchmarkSet',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('external_id', models.CharField(blank=True, help_text="The record's id in another system; unique where given.", max_length=200, null=True, unique=True, verbose_name='external id')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True, db_index=True)),
                ('version', models.PositiveIntegerField(default=1, editable=False)),
                ('name', models.CharField(max_length=120, unique=True, verbose_name='name')),
                ('year', models.PositiveSmallIntegerField(help_text='Of which its prices are.', verbose_name='year')),
                ('source', models.CharField(max_length=300, verbose_name='source')),
                ('licence', models.CharField(max_length=120, verbose_name='licence')),
                ('currency', models.CharField(max_length=3, validators=[engagements.models.validators.currency_code], verbose_name='currency')),
                ('hours_per_day', engagements.models.fields.HoursField(default=Decimal('8'), help_text='How many hours a day of its rates has.', verbose_name='hours per day')),
            ],
            options={
                'verbose_name': 'benchmark set',
                'ordering': ['name'],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('source', ''), _negated=True), models.Q(('licence', ''), _negated=True)), name='benchmark_set_says_where_from', violation_error_message='Say its source and its licence.'), models.CheckConstraint(condition=models.Q(('year__gte', 1990), ('year__lte', 2099)), name='benchmark_set_year_of_this_age', violation_error_message='Give a year from 1990 to 2099.'), models.CheckConstraint(condition=django.db.models.lookups.Exact(django.db.models.functions.text.Length(models.F('currency')), 3), name='benchmark_set_currency_code'), models.CheckConstraint(condition=models.Q(('hours_per_day__gt', 0), ('hours_per_day__lte', 24)), name='benchmark_set_day_has_hours', violation_error_message='A day has above 0 and at most 24 hours.')],
            },
        ),
        migrations.CreateModel(
            name='BenchmarkRate',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('category', models.CharField(max_length=200, verbose_name='labour category')),
                ('place', models.CharField(blank=True, max_length=40, verbose_name='place')),
                ('unit', models.CharField(choices=[('hour', 'per hour'), ('day', 'per day')], max_length=4, verbose_name='unit')),
                ('count', models.PositiveIntegerField(verbose_name='rates behind it')),
                ('p25', engagements.models.fields.MoneyField(verbose_name='25th percentile')),
                ('p50', engagements.models.fields.MoneyField(verbose_name='median')),
                ('p75', engagements.models.fields.MoneyField(verbose_name='75th percentile')),
                ('p90', engagements.models.fields.MoneyField(blank=True, null=True, verbose_name='90th percentile')),
                ('benchmark_set', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='rates', to='tracker.benchmarkset', verbose_name='benchmark set')),
            ],
            options={
                'verbose_name': 'benchmark rate',
                'ordering': ['category', 'place'],
            },
        ),
        migrations.CreateModel(
            name='Budget',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('external_id', models.CharField(blank=True, help_text="The record's id in another system; unique where given.", max_length=200, null=True, unique=True, verbose_name='external id')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True, db_index=True)),
                ('version', models.PositiveIntegerField(default=1, editable=False)),
                ('year', models.PositiveSmallIntegerField(help_text='The year in which it begins.', verbose_name='fiscal year')),
                ('cost_centre', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='budgets', to='engagements.costcentre', verbose_name='cost centre')),
            ],
            options={
                'verbose_name': 'budget',
                'ordering': ['-year', 'cost_centre__code'],
            },
        ),
        migrations.CreateModel(
            name='BudgetCrossing',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('threshold', engagements.models.fields.PercentField()),
                ('crossed_at', models.DateTimeField()),
                ('budget', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='crossings', to='tracker.budget')),
            ],
            options={
                'ordering': ['threshold'],
            },
        ),
        migrations.CreateModel(
            name='BudgetMonth',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('month', models.DateField(verbose_name='month')),
                ('amount', engagements.models.fields.MoneyField(verbose_name='amount')),
                ('budget', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='months', to='tracker.budget')),
            ],
            options={
                'verbose_name': 'month of a budget',
                'ordering': ['month'],
            },
        ),
        migrations.CreateModel(
            name='BudgetPolicy',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('external_id', models.CharField(blank=True, help_text="The record's id in another system; unique where given.", max_length=200, null=True, unique=True, verbose_name='external id')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True, db_index=True)),
                ('version', models.PositiveIntegerField(default=1, editable=False)),
                ('request_month', models.CharField(choices=[('stop', 'Stop'), ('warn', 'Warn'), ('ignore', 'Ignore')], default='warn', max_length=6, verbose_name='request, month to date')),
                ('request_year', models.CharField(choices=[('stop', 'Stop'), ('warn', 'Warn'), ('ignore', 'Ignore')], default='warn', max_length=6, verbose_name='request, year')),
                ('order_month', models.CharField(choices=[('stop', 'Stop'), ('warn', 'Warn'), ('ignore', 'Ignore')], default='warn', max_length=6, verbose_name='order, month to date')),
                ('order_year', models.CharField(choices=[('stop', 'Stop'), ('warn', 'Warn'), ('ignore', 'Ignore')], default='warn', max_length=6, verbose_name='order, year')),
                ('actual_month', models.CharField(choices=[('stop', 'Stop'), ('warn', 'Warn'), ('ignore', 'Ignore')], default='warn', max_length=6, verbose_name='actual, month to date')),
                ('actual_year', models.CharField(choices=[('stop', 'Stop'), ('warn', 'Warn'), ('ignore', 'Ignore')], default='warn', max_length=6, verbose_name='actual, year')),
                ('near_at', engagements.models.fields.PercentField(default=Decimal('80'), help_text="Of the year's budget, used by what is spent and committed.", verbose_name='first alert at (%)')),
                ('over_at', engagements.models.fields.PercentField(default=Decimal('100'), verbose_name='second alert at (%)')),
                ('cost_centre', models.ForeignKey(blank=True, help_text='Blank: for every cost centre that has no policy of its own.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='budget_policies', to='engagements.costcentre', verbose_name='cost centre')),
            ],
            options={
                'verbose_name': 'budget policy',
                'verbose_name_plural': 'budget policies',
                'ordering': [models.OrderBy(models.F('cost_centre__code'), nulls_first=True)],
            },
        ),
        migrations.CreateModel(
            name='RoleBenchmark',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('external_id', models.CharField(blank=True, help_text="The record's id in another system; unique where given.", max_length=200, null=True, unique=True, verbose_name='external id')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True, db_index=True)),
                ('version', models.PositiveIntegerField(default=1, editable=False)),
                ('role', models.CharField(max_length=120, verbose_name='role')),
                ('level', models.CharField(blank=True, choices=[('junior', 'Junior'), ('practitioner', 'Practitioner'), ('senior', 'Senior'), ('lead', 'Lead'), ('principal', 'Principal')], help_text='Blank: of every level that has no word of its own.', max_length=16, verbose_name='level')),
                ('rate', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='roles', to='tracker.benchmarkrate', verbose_name='labour category')),
            ],
            options={
                'verbose_name': 'role against a benchmark',
                'verbose_name_plural': 'roles against benchmarks',
                'ordering': ['role', 'level', 'rate'],
            },
        ),
        migrations.AddConstraint(
            model_name='benchmarkrate',
            constraint=models.UniqueConstraint(fields=('benchmark_set', 'category', 'place', 'unit'), name='benchmark_rate_once'),
        ),
        migrations.AddConstraint(
            model_name='benchmarkrate',
            constraint=models.CheckConstraint(condition=models.Q(('p25__gte', 0), ('p50__gte', models.F('p25')), ('p75__gte', models.F('p50')), models.Q(('p90__isnull', True), ('p90__gte', models.F('p75')), _connector='OR')), name='benchmark_rate_in_order', violation_error_message='Percentiles rise from the 25th on.'),
        ),
        migrations.AddConstraint(
            model_name='benchmarkrate',
            constraint=models.CheckConstraint(condition=models.Q(('unit__in', ['hour', 'day'])), name='benchmark_rate_unit_known'),
        ),
        migrations.AddConstraint(
            model_name='benchmarkrate',
            constraint=models.CheckConstraint(condition=models.Q(('count__gt', 0)), name='benchmark_rate_has_count'),
        ),
        migrations.AddConstraint(
            model_name='budget',
            constraint=models.UniqueConstraint(fields=('cost_centre', 'year'), name='budget_once_a_year', violation_error_message='This cost centre has a budget for that year: edit it.'),
        ),
        migrations.AddConstraint(
            model_name='budget',
            constraint=models.CheckConstraint(condition=models.Q(('year__gte', 2000), ('year__lte', 2099)), name='budget_year_of_this_age', violation_error_message='Give a year from 2000 to 2099.'),
        ),
        migrations.AddConstraint(
            model_name='budgetcrossing',
            constraint=models.UniqueConstraint(fields=('budget', 'threshold'), name='budget_crossing_told_once'),
        ),
        migrations.AddConstraint(
            model_name='budgetmonth',
            constraint=models.UniqueConstraint(fields=('budget', 'month'), name='budget_month_once'),
        ),
        migrations.AddConstraint(
            model_name='budgetmonth',
            constraint=models.CheckConstraint(condition=models.Q(('month__day', 1)), name='budget_month_is_first_day'),
        ),
        migrations.AddConstraint(
            model_name='budgetmonth',
            constraint=models.CheckConstraint(condition=models.Q(('amount__gte', 0)), name='budget_month_not_negative', violation_error_message='A budget is not negative.'),
        ),
        migrations.AddConstraint(
            model_name='budgetpolicy',
            constraint=models.UniqueConstraint(django.db.models.functions.comparison.Coalesce('cost_centre', models.Value(0)), name='budget_policy_one_for_all', violation_error_message='There is such a policy already: edit it.'),
        ),
        migrations.AddConstraint(
            model_name='budgetpolicy',
            constraint=models.CheckConstraint(condition=models.Q(('actual_month__in', ['stop', 'warn', 'ignore']), ('actual_year__in', ['stop', 'warn', 'ignore']), ('order_month__in', ['stop', 'warn', 'ignore']), ('order_year__in', ['stop', 'warn', 'ignore']), ('request_month__in', ['stop', 'warn', 'ignore']), ('request_year__in', ['stop', 'warn', 'ignore'])), name='budget_policy_actions_known'),
        ),
        migrations.AddConstraint(
            model_name='budgetpolicy',
            constraint=models.CheckConstraint(condition=models.Q(('near_at__gt', 0), ('over_at__gt', models.F('near_at'))), name='budget_policy_alerts_in_order', violation_error_message='The first alert is above 0 %, the second above the first.'),
        ),
        migrations.AddConstraint(
            model_name='rolebenchmark',
            constraint=models.UniqueConstraint(fields=('role', 'level', 'rate'), name='role_benchmark_once', violation_error_message='This role is compared with it already.'),
        ),
        migrations.AddConstraint(
            model_name='rolebenchmark',
            constraint=models.CheckConstraint(condition=models.Q(('role', ''), _negated=True), name='role_benchmark_role_given', violation_error_message='Say which role.'),
        ),
        migrations.AddConstraint(
            model_name='rolebenchmark',
            constraint=models.CheckConstraint(condition=models.Q(('level', ''), ('level__in', ['junior', 'practitioner', 'senior', 'lead', 'principal']), _connector='OR'), name='role_benchmark_level_known'),
        ),
    ]

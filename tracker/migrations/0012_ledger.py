"""Closed months, the month an entry is booked in, and totals derived by month."""

import django.db.models.deletion
import engagements.models.fields
from django.conf import settings
from django.db import migrations, models

from engagements.models.guards import (
    AppendOnly,
    ClosedOnce,
    install_statements,
    remove_statements,
)
from tracker.spend.models.month_guard import OpenMonthsOnly
from tracker.spend.models.reporting_views import ReportingViews


def lift_guard(apps, schema_editor):
    """The one rewriting of entries: until now all were booked in their own month."""
    table = apps.get_model("tracker", "LedgerEntry")._meta.db_table
    for statement in remove_statements(schema_editor.connection.vendor, table):
        schema_editor.execute(statement, params=None)


def book_in_own_month(apps, schema_editor):
    for name in ("LedgerEntry", "MonthlySpend"):
        apps.get_model("tracker", name).objects.update(booked_month=models.F("month"))


def mark_all_months(apps, schema_editor):
    """No totals are derived yet: every month is read from the roll-up until they are."""
    months = apps.get_model("tracker", "MonthlySpend").objects.order_by()
    stale = apps.get_model("tracker", "StaleMonth")
    stale.objects.bulk_create(
        stale(booked_month=month)
        for month in months.values_list("booked_month", flat=True).distinct()
    )
    apps.get_model("tracker", "TotalsVersion").objects.create(id=1)


def guard_again(apps, schema_editor):
    table = apps.get_model("tracker", "LedgerEntry")._meta.db_table
    for statement in install_statements(schema_editor.connection.vendor, table):
        schema_editor.execute(statement, params=None)


def nothing(apps, schema_editor):
    """Columns and tables come and go with the operations around."""


class Migration(migrations.Migration):

    dependencies = [
        ('engagements', '0007_service_level_measures'),
        ('tracker', '0011_budgets'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        # Last of all on the way back, whatever was made anew before.
        migrations.RunPython(nothing, guard_again),
        migrations.CreateModel(
            name='ClosedMonth',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('month', models.DateField(verbose_name='month')),
                ('closed_at', models.DateTimeField(verbose_name='closed at')),
                ('reopened_at', models.DateTimeField(blank=True, null=True, verbose_name='reopened at')),
                ('reason', models.CharField(blank=True, max_length=300, verbose_name='why it was reopened')),
            ],
            options={
                'verbose_name': 'closed month',
                'verbose_name_plural': 'closed months',
                'ordering': ['-month', '-id'],
            },
        ),
        migrations.CreateModel(
            name='MonthTotal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('booked_month', models.DateField()),
                ('dimension', models.CharField(choices=[('all', 'All'), ('vendor', 'Vendor'), ('cost_centre', 'Cost centre')], max_length=12)),
                ('member_id', models.BigIntegerField()),
                ('kind', models.CharField(choices=[('managed', 'Managed service'), ('augmented', 'Augmented contractor')], max_length=12)),
                ('basis', models.CharField(choices=[('accrued', 'Accrued: worked, not yet invoiced'), ('actual', 'Actual: invoiced or paid')], max_length=8)),
                ('reporting_amount', engagements.models.fields.MoneyField()),
            ],
        ),
        migrations.CreateModel(
            name='StaleMonth',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('booked_month', models.DateField(db_index=True)),
            ],
        ),
        migrations.CreateModel(
            name='TotalsVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('refreshed', models.PositiveBigIntegerField(default=0)),
                ('events_through', models.PositiveBigIntegerField(default=0)),
            ],
        ),
        migrations.RemoveConstraint(
            model_name='monthlyspend',
            name='monthly_spend_once',
        ),
        migrations.RemoveIndex(
            model_name='ledgerentry',
            name='tracker_led_vendor__f3ede9_idx',
        ),
        migrations.RemoveIndex(
            model_name='monthlyspend',
            name='tracker_mon_month_4d2dd4_idx',
        ),
        migrations.AddField(
            model_name='ledgerentry',
            name='booked_month',
            field=models.DateField(null=True, verbose_name='booked in'),
        ),
        migrations.AddField(
            model_name='monthlyspend',
            name='booked_month',
            field=models.DateField(null=True),
        ),
        migrations.RunPython(lift_guard, nothing),
        migrations.RunPython(book_in_own_month, nothing),
        migrations.AlterField(
            model_name='ledgerentry',
            name='booked_month',
            field=models.DateField(verbose_name='booked in'),
        ),
        migrations.AlterField(
            model_name='monthlyspend',
            name='booked_month',
            field=models.DateField(),
        ),
        migrations.AddIndex(
            model_name='ledgerentry',
            index=models.Index(fields=['booked_month', 'day', 'id'], name='tracker_led_booked__30196d_idx'),
        ),
        migrations.AddIndex(
            model_name='ledgerentry',
            index=models.Index(fields=['vendor', 'booked_month', 'day', 'id'], name='tracker_led_vendor__42d7db_idx'),
        ),
        migrations.AddIndex(
            model_name='monthlyspend',
            index=models.Index(fields=['booked_month', 'kind'], name='tracker_mon_booked__32cda9_idx'),
        ),
        migrations.AddConstraint(
            model_name='ledgerentry',
            constraint=models.CheckConstraint(condition=models.Q(('booked_month__day', 1)), name='ledger_entry_booked_month_is_first_day'),
        ),
        migrations.AddConstraint(
            model_name='ledgerentry',
            constraint=models.CheckConstraint(condition=models.Q(('booked_month__gte', models.F('month'))), name='ledger_entry_not_booked_before_service'),
        ),
        migrations.AddConstraint(
            model_name='monthlyspend',
            constraint=models.UniqueConstraint(fields=('engagement', 'month', 'booked_month', 'cost_centre', 'charge_kind', 'basis'), name='monthly_spend_once'),
        ),
        migrations.AddConstraint(
            model_name='monthlyspend',
            constraint=models.CheckConstraint(condition=models.Q(('booked_month__day', 1)), name='monthly_spend_booked_month_is_first_day'),
        ),
        migrations.AddField(
            model_name='closedmonth',
            name='closed_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='closed by'),
        ),
        migrations.AddField(
            model_name='closedmonth',
            name='reopened_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='reopened by'),
        ),
        migrations.AddConstraint(
            model_name='monthtotal',
            constraint=models.UniqueConstraint(fields=('dimension', 'booked_month', 'member_id', 'kind', 'basis'), name='month_total_once'),
        ),
        migrations.AddConstraint(
            model_name='monthtotal',
            constraint=models.CheckConstraint(condition=models.Q(('booked_month__day', 1)), name='month_total_month_is_first_day'),
        ),
        migrations.AddConstraint(
            model_name='monthtotal',
            constraint=models.CheckConstraint(condition=models.Q(('dimension__in', ['all', 'vendor', 'cost_centre'])), name='month_total_dimension_known'),
        ),
        migrations.AddConstraint(
            model_name='totalsversion',
            constraint=models.CheckConstraint(condition=models.Q(('id', 1)), name='totals_version_one_row'),
        ),
        migrations.AddConstraint(
            model_name='closedmonth',
            constraint=models.UniqueConstraint(condition=models.Q(('reopened_at__isnull', True)), fields=('month',), name='closed_month_once', violation_error_message='This month is closed already.'),
        ),
        migrations.AddConstraint(
            model_name='closedmonth',
            constraint=models.CheckConstraint(condition=models.Q(('month__day', 1)), name='closed_month_is_first_day'),
        ),
        migrations.AddConstraint(
            model_name='closedmonth',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('reason', ''), ('reopened_at__isnull', True), ('reopened_by__isnull', True)), models.Q(('reopened_at__isnull', False), ('reopened_by__isnull', False), models.Q(('reason', ''), _negated=True)), _connector='OR'), name='closed_month_reopened_with_reason', violation_error_message='Say why it is opened again.'),
        ),
        migrations.RunPython(mark_all_months, nothing),
        ClosedOnce("ClosedMonth", closing=["reopened_at", "reopened_by_id", "reason"]),
        # SQLite made the ledger's table anew, without its guard.
        AppendOnly("LedgerEntry"),
        OpenMonthsOnly("LedgerEntry", months="ClosedMonth"),
        ReportingViews(),
    ]

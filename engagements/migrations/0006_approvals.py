import django.db.models.deletion
import django.db.models.functions.text
import django.db.models.lookups
import engagements.models.fields
from django.conf import settings
from django.db import migrations, models

from engagements.models.guards import AppendOnly


class Migration(migrations.Migration):

    dependencies = [
        ('engagements', '0005_boarding'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='approval',
            options={'ordering': ['id'], 'verbose_name': 'approval'},
        ),
        migrations.RemoveConstraint(
            model_name='approval',
            name='approval_outcome_known',
        ),
        migrations.RemoveConstraint(
            model_name='approval',
            name='approval_maker_is_not_checker',
        ),
        migrations.RemoveConstraint(
            model_name='approval',
            name='approval_decided_by_somebody',
        ),
        migrations.AddField(
            model_name='approval',
            name='amount',
            field=engagements.models.fields.MoneyField(null=True, verbose_name='amount'),
        ),
        migrations.AddField(
            model_name='approval',
            name='change_order',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='approvals', to='engagements.changeorder', verbose_name='change order'),
        ),
        migrations.AddField(
            model_name='approval',
            name='currency',
            field=models.CharField(blank=True, max_length=3, verbose_name='currency'),
        ),
        migrations.AddField(
            model_name='approval',
            name='fx_on',
            field=models.DateField(null=True, verbose_name='rate of'),
        ),
        migrations.AddField(
            model_name='approval',
            name='fx_rate',
            field=engagements.models.fields.FactorField(null=True, verbose_name='rate'),
        ),
        migrations.AddField(
            model_name='approval',
            name='fx_source',
            field=models.CharField(blank=True, max_length=60, verbose_name='rate from'),
        ),
        migrations.AddField(
            model_name='approvalrule',
            name='covers_every_change',
            field=models.BooleanField(default=False, help_text='Also for changes of active engagements below the amount.', verbose_name='every change'),
        ),
        migrations.AddField(
            model_name='changeorder',
            name='new_price',
            field=engagements.models.fields.MoneyField(blank=True, help_text='The monthly fee, or the rate, from the effective day on.', null=True, verbose_name='new price'),
        ),
        migrations.AddField(
            model_name='changeorder',
            name='new_weekly_hours',
            field=engagements.models.fields.HoursField(blank=True, null=True, verbose_name='new weekly hours'),
        ),
        migrations.AddField(
            model_name='changeorder',
            name='recorded_by',
            field=models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='recorded by'),
        ),
        migrations.AlterField(
            model_name='approval',
            name='asked_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='asked by'),
        ),
        migrations.AlterField(
            model_name='approval',
            name='decided_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='decided'),
        ),
        migrations.AlterField(
            model_name='approval',
            name='decided_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='decided by'),
        ),
        migrations.AlterField(
            model_name='approval',
            name='outcome',
            field=models.CharField(choices=[('waiting', 'Waiting'), ('approved', 'Approved'), ('rejected', 'Rejected'), ('withdrawn', 'Withdrawn')], default='waiting', max_length=10, verbose_name='outcome'),
        ),
        migrations.AlterField(
            model_name='approval',
            name='reason',
            field=models.TextField(blank=True, verbose_name='reason'),
        ),
        migrations.AlterField(
            model_name='approval',
            name='rule',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='approvals', to='engagements.approvalrule', verbose_name='rule'),
        ),
        migrations.AlterField(
            model_name='approvalrule',
            name='from_amount',
            field=engagements.models.fields.MoneyField(default=0, help_text='Value of the whole term, in the reporting currency.', verbose_name='from amount'),
        ),
        migrations.AlterField(
            model_name='changeorder',
            name='approver',
            field=models.ForeignKey(blank=True, help_text='Who signed it, where no approval was asked for here.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='approver'),
        ),
        migrations.AddConstraint(
            model_name='approval',
            constraint=models.CheckConstraint(condition=models.Q(('outcome__in', ['waiting', 'approved', 'rejected', 'withdrawn'])), name='approval_outcome_known'),
        ),
        migrations.AddConstraint(
            model_name='approval',
            constraint=models.CheckConstraint(condition=models.Q(('outcome', 'withdrawn'), ('decided_by__isnull', True), models.Q(('decided_by', models.F('asked_by')), _negated=True), _connector='OR'), name='approval_maker_is_not_checker', violation_error_message='Nobody approves what they asked for.'),
        ),
        migrations.AddConstraint(
            model_name='approval',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('decided_at__isnull', True), ('decided_by__isnull', True), ('outcome', 'waiting')), models.Q(('decided_at__isnull', False), ('outcome', 'withdrawn')), models.Q(('decided_at__isnull', False), ('decided_by__isnull', False), ('outcome__in', ['approved', 'rejected'])), _connector='OR'), name='approval_decided_by_somebody'),
        ),
        migrations.AddConstraint(
            model_name='approval',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('outcome', 'rejected'), _negated=True), models.Q(('reason', ''), _negated=True), _connector='OR'), name='approval_rejected_with_reason', violation_error_message='Say why it is rejected.'),
        ),
        migrations.AddConstraint(
            model_name='approval',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('amount__isnull', True), ('currency', ''), ('fx_on__isnull', True), ('fx_rate__isnull', True), ('fx_source', '')), models.Q(('amount__isnull', False), ('fx_on__isnull', False), ('fx_rate__isnull', False), models.Q(('fx_source', ''), _negated=True), django.db.models.lookups.Exact(django.db.models.functions.text.Length(models.F('currency')), 3)), _connector='OR'), name='approval_amount_is_rated'),
        ),
        migrations.AddConstraint(
            model_name='changeorder',
            constraint=models.CheckConstraint(condition=models.Q(('new_price__isnull', True), ('new_price__gte', 0), _connector='OR'), name='change_order_price_not_negative', violation_error_message="The price can't be negative."),
        ),
        migrations.AddConstraint(
            model_name='changeorder',
            constraint=models.CheckConstraint(condition=models.Q(('new_weekly_hours__isnull', True), models.Q(('new_weekly_hours__gte', 0), ('new_weekly_hours__lte', 168)), _connector='OR'), name='change_order_hours_in_week', violation_error_message='Weekly hours are between 0 and 168.'),
        ),
        migrations.AddConstraint(
            model_name='changeorder',
            constraint=models.CheckConstraint(condition=models.Q(('new_ends_on__isnull', True), ('new_ends_on__gte', models.F('effective_on')), _connector='OR'), name='change_order_ends_after_effective', violation_error_message="The new end is before it takes effect."),
        ),
        migrations.AddConstraint(
            model_name='changeorder',
            constraint=models.CheckConstraint(condition=models.Q(('approver__isnull', True), ('recorded_by__isnull', True), models.Q(('approver', models.F('recorded_by')), _negated=True), _connector='OR'), name='change_order_not_signed_by_its_recorder', violation_error_message='Nobody approves what they asked for.'),
        ),
        AppendOnly('ChangeOrder'),
    ]

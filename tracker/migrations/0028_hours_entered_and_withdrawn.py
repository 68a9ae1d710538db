from datetime import timedelta

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from tracker.spend.guards import GuardTimesheets, LiftTimesheetGuards

# An event is written in the transaction of the lines that it tells of, after them.
LONGEST_TRANSACTION = timedelta(minutes=10)


def name_who_entered(apps, schema_editor):
    """Take from the events who entered the lines that are stored already."""
    Event = apps.get_model("engagements", "Event")
    WorkLog = apps.get_model("tracker", "WorkLog")
    events = Event.objects.filter(actor__isnull=False).order_by("pk")
    for event in events.filter(event_type="engagement.work_logged").iterator():
        WorkLog.objects.filter(
            engagement=event.subject_id,
            timesheet__isnull=True,
            logged_by__isnull=True,
            worked_on__gte=event.changes["from"][1],
            worked_on__lte=event.changes["to"][1],
            created_at__lte=event.occurred_at,
            created_at__gte=event.occurred_at - LONGEST_TRANSACTION,
        ).update(logged_by=event.actor_id)
    for event in events.filter(event_type="timesheet.hours_entered").iterator():
        WorkLog.objects.filter(
            timesheet=event.subject_id,
            logged_by__isnull=True,
            created_at__lte=event.occurred_at,
            created_at__gte=event.occurred_at - LONGEST_TRANSACTION,
        ).update(logged_by=event.actor_id)
    if schema_editor.connection.vendor == "postgresql":
        # Else what waits to be checked at commit keeps the table from its triggers.
        schema_editor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        schema_editor.execute("SET CONSTRAINTS ALL DEFERRED")


class Migration(migrations.Migration):

    dependencies = [
        ('engagements', '0011_departures'),
        ('tracker', '0027_credited_lines'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        LiftTimesheetGuards(),
        migrations.AddField(
            model_name='worklog',
            name='logged_by',
            field=models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='entered by'),
        ),
        migrations.AddField(
            model_name='worklog',
            name='withdrawn_at',
            field=models.DateTimeField(blank=True, editable=False, null=True, verbose_name='withdrawn at'),
        ),
        migrations.AddField(
            model_name='worklog',
            name='withdrawn_by',
            field=models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='withdrawn by'),
        ),
        migrations.AddField(
            model_name='worklog',
            name='withdrawn_reason',
            field=models.CharField(blank=True, editable=False, max_length=300, verbose_name='why it was withdrawn'),
        ),
        migrations.AddField(
            model_name='worklog',
            name='withdrawn_key',
            field=models.CharField(blank=True, db_index=True, editable=False, max_length=100, null=True),
        ),
        migrations.AddIndex(
            model_name='worklog',
            index=models.Index(fields=['contractor', 'worked_on'], name='tracker_wor_contrac_2fec14_idx'),
        ),
        migrations.AddConstraint(
            model_name='worklog',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('withdrawn_at__isnull', True), ('withdrawn_reason', '')), models.Q(('withdrawn_at__isnull', False), models.Q(('withdrawn_reason', ''), _negated=True)), _connector='OR'), name='work_log_withdrawn_with_reason', violation_error_message='Say why it is withdrawn.'),
        ),
        migrations.AddConstraint(
            model_name='worklog',
            constraint=models.CheckConstraint(condition=models.Q(('withdrawn_at__isnull', True), ('timesheet__isnull', True), _connector='OR'), name='work_log_withdrawn_without_sheet'),
        ),
        migrations.AddConstraint(
            model_name='worklog',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('withdrawn_at__isnull', True), ('withdrawn_key__isnull', True)), models.Q(('source_key__isnull', True), ('withdrawn_at__isnull', False)), _connector='OR'), name='work_log_withdrawn_gives_key_up'),
        ),
        migrations.RunPython(name_who_entered, migrations.RunPython.noop),
        GuardTimesheets(),
    ]

"""Tasks of checklists, and who has access to what, from when until when.

Access was a yes or no of a named worker: each yes becomes a grant, whose system nobody
had recorded. Who granted it isn't known, so nobody is named.
"""

import django.db.models.deletion
import django.db.models.functions.text
import uuid
from django.apps.registry import Apps
from django.conf import settings
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.utils import timezone

from engagements.models.guards import ClosedOnce

UNNAMED_SYSTEM = "Our systems"


def grant_what_was_ticked(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    today = timezone.localdate()
    workers = apps.get_model("engagements", "NamedWorker").objects
    grants = apps.get_model("engagements", "AccessGrant").objects
    grants.bulk_create(
        [
            grants.model(
                engagement_id=worker.contract_id,
                named_worker=worker,
                system=UNNAMED_SYSTEM,
                granted_on=min(worker.starts_on, today),
            )
            for worker in workers.filter(has_access=True).order_by("pk")
        ]
    )


def tick_what_is_granted(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    workers = apps.get_model("engagements", "NamedWorker").objects
    grants = apps.get_model("engagements", "AccessGrant").objects
    still = grants.filter(removed_on=None, named_worker__isnull=False)
    workers.filter(pk__in=still.values("named_worker")).update(has_access=True)


class Migration(migrations.Migration):

    dependencies = [
        ('engagements', '0004_documents'),
    ]

    operations = [
        migrations.CreateModel(
            name='AccessGrant',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('system', models.CharField(help_text='Account, building or device, such as “Data warehouse”.', max_length=120, verbose_name='system')),
                ('granted_on', models.DateField(verbose_name='granted on')),
                ('removed_on', models.DateField(blank=True, null=True, verbose_name='removed on')),
                ('removal_reported_by', models.CharField(blank=True, help_text='Who removed it, where that was somebody else than you.', max_length=200, verbose_name='reported by')),
                ('contractor', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='access_grants', to='engagements.contractor', verbose_name='contractor')),
                ('engagement', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='access_grants', to='engagements.engagement', verbose_name='engagement')),
                ('granted_by', models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='recorded by')),
                ('named_worker', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='access_grants', to='engagements.namedworker', verbose_name='named worker')),
                ('removed_by', models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='removal recorded by')),
            ],
            options={
                'verbose_name': 'access',
                'verbose_name_plural': 'access',
                'ordering': ['granted_on', 'id'],
                'constraints': [
                    models.CheckConstraint(condition=models.Q(models.Q(('contractor__isnull', False), ('named_worker__isnull', True)), models.Q(('contractor__isnull', True), ('named_worker__isnull', False)), _connector='OR'), name='access_grant_to_one_person', violation_error_message='Name one person.'),
                    models.CheckConstraint(condition=models.Q(('system', ''), _negated=True), name='access_grant_system_given', violation_error_message='Say which system.'),
                    models.CheckConstraint(condition=models.Q(models.Q(('removal_reported_by', ''), ('removed_by__isnull', True), ('removed_on__isnull', True)), models.Q(('removed_by__isnull', False), ('removed_on__isnull', False)), _connector='OR'), name='access_grant_removal_is_attributed'),
                    models.CheckConstraint(condition=models.Q(('removed_on__isnull', True), ('removed_on__gte', models.F('granted_on')), _connector='OR'), name='access_grant_removed_after_granted', violation_error_message="It can't be removed before it was granted."),
                    models.UniqueConstraint(models.F('engagement'), models.F('contractor'), django.db.models.functions.text.Lower('system'), condition=models.Q(('contractor__isnull', False), ('removed_on__isnull', True)), name='access_grant_open_once_per_contractor', violation_error_message='This person has this access already.'),
                    models.UniqueConstraint(models.F('engagement'), models.F('named_worker'), django.db.models.functions.text.Lower('system'), condition=models.Q(('named_worker__isnull', False), ('removed_on__isnull', True)), name='access_grant_open_once_per_named_worker', violation_error_message='This person has this access already.'),
                ],
            },
        ),
        ClosedOnce(
            'AccessGrant',
            closing=['removed_on', 'removed_by_id'],
            erasable=['removal_reported_by'],
        ),
        migrations.RunPython(grant_what_was_ticked, tick_what_is_granted),
        migrations.RemoveField(
            model_name='namedworker',
            name='has_access',
        ),
        migrations.AlterModelOptions(
            name='checklisttask',
            options={'ordering': ['due_on', 'id'], 'verbose_name': 'task'},
        ),
        migrations.RemoveConstraint(
            model_name='checklisttask',
            name='checklist_task_status_known',
        ),
        migrations.RemoveConstraint(
            model_name='checklisttask',
            name='checklist_task_done_is_dated',
        ),
        migrations.AddField(
            model_name='checklisttask',
            name='due_days',
            field=models.SmallIntegerField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name='checklisttask',
            name='note',
            field=models.CharField(blank=True, max_length=300, verbose_name='note'),
        ),
        migrations.AlterField(
            model_name='checklisttask',
            name='done_at',
            field=models.DateTimeField(blank=True, editable=False, null=True, verbose_name='done at'),
        ),
        migrations.AlterField(
            model_name='checklisttask',
            name='done_by',
            field=models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='done by'),
        ),
        migrations.AlterField(
            model_name='checklisttask',
            name='due_on',
            field=models.DateField(blank=True, db_index=True, null=True, verbose_name='due on'),
        ),
        migrations.AlterField(
            model_name='checklisttask',
            name='status',
            field=models.CharField(choices=[('to_do', 'To do'), ('in_progress', 'In progress'), ('stuck', 'Stuck'), ('done', 'Done'), ('dismissed', 'Not applicable')], default='to_do', max_length=12, verbose_name='status'),
        ),
        migrations.AlterField(
            model_name='checklisttask',
            name='template',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='tasks', to='engagements.checklisttemplate', verbose_name='template'),
        ),
        migrations.AddIndex(
            model_name='checklisttask',
            index=models.Index(fields=['owner', 'status'], name='engagements_owner_i_206a3c_idx'),
        ),
        migrations.AddConstraint(
            model_name='checklisttask',
            constraint=models.UniqueConstraint(fields=('engagement', 'template'), name='checklist_task_once_per_template'),
        ),
        migrations.AddConstraint(
            model_name='checklisttask',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['to_do', 'in_progress', 'stuck', 'done', 'dismissed'])), name='checklist_task_status_known'),
        ),
        migrations.AddConstraint(
            model_name='checklisttask',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('done_at__isnull', False), ('done_by__isnull', False), ('status__in', ['done', 'dismissed'])), models.Q(models.Q(('status__in', ['done', 'dismissed']), _negated=True), ('done_at__isnull', True), ('done_by__isnull', True)), _connector='OR'), name='checklist_task_done_is_dated'),
        ),
        migrations.AddConstraint(
            model_name='checklisttask',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status__in', ['stuck', 'dismissed']), _negated=True), models.Q(('note', ''), _negated=True), _connector='OR'), name='checklist_task_says_why', violation_error_message='Say why.'),
        ),
    ]

import django.db.models.deletion
import uuid
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('engagements', '0011_departures'),
        ("tracker", "0033_parts_of_mixed_work"),
    ]

    operations = [
        migrations.CreateModel(
            name='SeenPattern',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('code', models.CharField(max_length=40, verbose_name='pattern')),
                ('seen_since', models.DateField(verbose_name='seen since')),
                ('sentence', models.TextField(verbose_name='what was seen')),
                ('value', models.TextField(verbose_name='figure')),
                ('threshold', models.TextField(verbose_name='threshold')),
                ('wordings', models.JSONField(default=dict, editable=False)),
                ('records', models.PositiveIntegerField(verbose_name='records')),
                ('behind', models.JSONField(default=list)),
            ],
            options={
                'verbose_name': 'pattern',
                'ordering': ['code', 'engagement'],
            },
        ),
        migrations.AddField(
            model_name='decision',
            name='patterns',
            field=models.JSONField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name='flag',
            name='spent_on',
            field=models.DateField(blank=True, editable=False, null=True, verbose_name='dismissal spent on'),
        ),
        migrations.AddConstraint(
            model_name='flag',
            constraint=models.CheckConstraint(condition=models.Q(('spent_on__isnull', True), ('state', 'dismissed'), _connector='OR'), name='flag_spent_is_dismissed'),
        ),
        migrations.AddField(
            model_name='seenpattern',
            name='engagement',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='seen_patterns', to='engagements.engagement', verbose_name='engagement'),
        ),
        migrations.AddConstraint(
            model_name='seenpattern',
            constraint=models.UniqueConstraint(fields=('engagement', 'code'), name='seen_pattern_once_per_engagement'),
        ),
        migrations.AddConstraint(
            model_name='seenpattern',
            constraint=models.CheckConstraint(condition=models.Q(('code', ''), _negated=True), name='seen_pattern_named'),
        ),
    ]

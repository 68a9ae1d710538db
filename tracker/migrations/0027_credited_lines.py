"""Lines credited in full, whose fee can be billed anew."""

from django.db import migrations, models

from tracker.spend.models.invoice_guards import (
    CallCreditedLines,
    KeepPostedInvoices,
    LiftInvoiceGuards,
)


class Migration(migrations.Migration):

    dependencies = [
        ('tracker', '0025_wordings'),
    ]

    operations = [
        LiftInvoiceGuards(),
        migrations.RemoveConstraint(
            model_name='invoiceline',
            name='invoice_line_fee_once_per_period',
        ),
        migrations.AddField(
            model_name='invoiceline',
            name='is_credited',
            field=models.BooleanField(default=False, editable=False, verbose_name='credited in full'),
        ),
        migrations.AddConstraint(
            model_name='invoiceline',
            constraint=models.UniqueConstraint(condition=models.Q(('amount__gt', 0), ('charge_kind', 'recurring'), ('is_credited', False)), fields=('engagement', 'period_from', 'period_to'), name='invoice_line_fee_once_per_period', violation_error_message='The fee of this period is billed already. Once a credit note has taken all of it back, it can be billed anew.'),
        ),
        CallCreditedLines(),
        KeepPostedInvoices(),
    ]

"""Work logged without a timesheet, taken back: the line stays, with the reason."""

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from engagements import events
from engagements.choices import ChargeKind
from engagements.errors import WrongStateError
from engagements.models import User
from tracker.spend.models import (
    Invoice,
    InvoiceLine,
    InvoiceStatus,
    WorkLog,
    hold_months_open,
)
from tracker.spend.services.credited_lines import credited_for_good
from tracker.spend.services.ledger import hold, reverse
from tracker.spend.services.work import accrued_for

# In these an invoice was found to be what was worked.
_RESTING = (InvoiceStatus.MATCHED, InvoiceStatus.APPROVED, InvoiceStatus.PAID)


@transaction.atomic
def withdraw_work(*, line: WorkLog, reason: str, actor: User) -> WorkLog:
    """Take back what was logged without a timesheet; its accrual is reversed.

    The line stays, with who withdrew it and why, and counts nowhere. Its source key is
    free, so that the entry can come anew once it is corrected. Raises ValidationError
    without a reason, and WrongStateError for a line of a timesheet, for what is
    withdrawn already, and while an invoice that was matched bills the day.
    """
    reason = reason.strip()
    if not reason:
        raise ValidationError({"reason": _("Say why it is withdrawn.")})
    # Invoices go before engagements, as where one is received.
    _check_not_billed(line)
    hold_months_open()
    hold([line.engagement_id])
    stored: WorkLog = (
        WorkLog.objects.select_related("engagement")
        .select_for_update(of=("self",))
        .get(pk=line.pk)
    )
    _check_can_be_withdrawn(stored)
    stored.withdrawn_key, stored.source_key = stored.source_key, None
    stored.withdrawn_at, stored.withdrawn_by = timezone.now(), actor
    stored.withdrawn_reason = reason
    stored.full_clean()
    stored.save()
    reverse(accrued_for([stored.pk]))
    events.record(
        event_type="engagement.work_withdrawn",
        subject=stored.engagement,
        changes={
            "worked_on": [stored.worked_on.isoformat(), None],
            "hours": [events.plain(stored.hours), None],
            "reason": [None, reason],
        },
        actor=actor,
    )
    return stored


def _check_not_billed(line: WorkLog) -> None:
    """Hold the invoices that bill the day, and refuse where one was matched."""
    billing = list(
        InvoiceLine.objects.filter(
            engagement=line.engagement_id,
            charge_kind=ChargeKind.TIME,
            amount__gt=0,
            period_from__lte=line.worked_on,
            period_to__gte=line.worked_on,
        ).values_list("pk", "invoice")
    )
    invoices = Invoice.objects.select_for_update().filter(
        pk__in={invoice for _line, invoice in billing}
    )
    resting = [one for one in invoices.order_by("pk") if one.status in _RESTING]
    credited = credited_for_good([one.pk for one in resting])
    held = {invoice for pk, invoice in billing if pk not in credited}
    for invoice in resting:
        if invoice.pk in held:
            raise WrongStateError(
                _(
                    "Invoice %(number)s bills this day and is %(status)s: dispute it"
                    " first, or have it credited."
                )
                % {
                    "number": invoice.number,
                    "status": invoice.get_status_display().lower(),
                }
            )


def _check_can_be_withdrawn(line: WorkLog) -> None:
    if line.timesheet_id is not None:
        raise WrongStateError(
            _("It is a line of a timesheet: its hours are corrected there.")
        )
    if line.withdrawn_at is not None:
        raise WrongStateError(_("It is withdrawn already."))

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal

from django.db import transaction

from engagements import events
from engagements.choices import ChargeKind
from engagements.models import User
from tracker.spend.insertion import insert_all
from tracker.spend.models import Basis, Invoice, InvoiceStatus, Payment, SourceType
from tracker.spend.services.daily_cap import within_daily_cap
from tracker.spend.services.invoice_states import store_payment
from tracker.spend.services.ledger import Posting, post


@within_daily_cap()
def post_payments(*, payments: Sequence[Payment], actor: User | None) -> list[Payment]:
    """Store payments and post them as actual spend of the month they were paid in.

    The caller has validated the fields; a payment whose `source_key` is stored
    already is refused by the database (IntegrityError), and all with it.
    """
    stored = insert_all(payments)
    post(
        [
            Posting(
                engagement=payment.engagement,
                day=payment.paid_on,
                charge_kind=ChargeKind.PAYMENT,
                basis=Basis.ACTUAL,
                amount=payment.amount,
                source_type=SourceType.PAYMENT,
                source_id=payment.pk,
            )
            for payment in stored
        ]
    )
    by_engagement: dict[int, list[Payment]] = defaultdict(list)
    for payment in stored:
        by_engagement[payment.engagement_id].append(payment)
    events.record_all(
        events.draft(
            event_type="engagement.payments_posted",
            subject=group[0].engagement,
            changes={
                "payments": [None, len(group)],
                "total": [
                    None,
                    events.plain(sum((p.amount for p in group), Decimal(0))),
                ],
                "currency": [None, group[0].currency],
                "run": [None, str(group[0].source_run)],
            },
            engagement=group[0].engagement,
            actor=actor,
        )
        for group in by_engagement.values()
    )
    return stored


@transaction.atomic
def record_invoice_payment(
    *, payment: Payment, invoice: Invoice, actor: User | None
) -> Payment:
    """Store a payment that pays for a recorded invoice: the money counts already.

    An approved invoice becomes paid on its day; any other keeps its status, and the
    payment stands beside it for whoever looks into it.
    """
    stored = Invoice.objects.select_for_update().get(pk=invoice.pk)
    payment.invoice = stored
    payment.full_clean(exclude=["source_run"])
    payment.save(force_insert=True)
    events.record(
        event_type="invoice.payment_found",
        subject=stored,
        changes={
            "payment": [None, payment.pk],
            "paid_on": [None, events.plain(payment.paid_on)],
            "amount": [None, events.plain(payment.amount)],
        },
        actor=actor,
    )
    if stored.status == InvoiceStatus.APPROVED:
        store_payment(stored, paid_on=payment.paid_on, actor=actor)
    return payment

"""What spend is told of service credits: what they save, what the ledger holds."""

from collections.abc import Iterator
from decimal import Decimal

from django.db.models import Case, ExpressionWrapper, F, Q, Value, When
from django.utils.translation import gettext as _

from engagements.models.fields import MoneyField
from tracker.performance.models import Credit, CreditState
from tracker.spend.models import SavingKind, SourceType
from tracker.spend.saved import FoundSaving, Realised, savings_from
from tracker.spend.services import Documents, documents_of

NOTHING = Value(Decimal(0), output_field=MoneyField())
# What was agreed is posted until it comes back by an invoice's line, which is posted
# itself, or is waived. One that came back so and was earned back is owed to the vendor.
_HELD = Q(state=CreditState.AGREED) | Q(
    state=CreditState.APPLIED, invoice_line__isnull=True
)
_RETURNED = Q(state=CreditState.WAIVED, invoice_line__isnull=False)

documents_of(
    SourceType.CREDIT,
    Documents(
        Credit.objects.all,
        Case(
            When(
                _HELD,
                then=ExpressionWrapper(
                    NOTHING - F("agreed_amount"), output_field=MoneyField()
                ),
            ),
            When(_RETURNED, then=F("agreed_amount")),
            default=NOTHING,
            output_field=MoneyField(),
        ),
    ),
)


@savings_from
def savings_by_credits() -> Iterator[FoundSaving]:
    """Yield each credit once agreed, realised once applied; one earned back is gone."""
    rows = Credit.objects.filter(agreed_amount__isnull=False)
    for credit in rows.select_related("service_level").order_by("pk"):
        level = credit.service_level
        yield FoundSaving(
            key=f"credit:{credit.pk}",
            kind=SavingKind.CREDIT,
            title=_("Service credit of %(month)s: %(level)s")
            % {
                "month": f"{credit.window_from:%Y-%m}",
                "level": level.name if level else _("by points"),
            },
            engagement=credit.engagement_id,
            amount=credit.agreed_amount,
            since=credit.state_since,
            realised=_applied(credit),
            is_withdrawn=credit.state == CreditState.WAIVED,
        )


def _applied(credit: Credit) -> tuple[Realised, ...]:
    if credit.state != CreditState.APPLIED or credit.agreed_amount is None:
        return ()
    part = Realised(
        credit.agreed_amount,
        credit.state_since,
        invoice_line=credit.invoice_line_id,
        note="" if credit.invoice_line_id else _("Came back without an invoice."),
    )
    return (part,)

"""Recording a change order: a dialog that shows the effect and who must approve."""

from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from engagements.admin.inputs import ExactNumberInput, MoneyInput
from engagements.admin.lifecycle_page import LifecyclePage
from engagements.admin.record_admin import actor_of
from engagements.admin.renewal_steps import LongerDialog, date_input
from engagements.admin.unfold_types import action
from engagements.choices import ChangeOrderState, Kind, Status
from engagements.errors import TrackerError
from engagements.models import ChangeOrder, Engagement
from engagements.permissions import sees_money
from engagements.services.change_orders import (
    ChangeEffect,
    effect_of_change_order,
    record_change_order,
)
from engagements.services.renewal import Effect

if TYPE_CHECKING:
    from django.forms import Textarea as TextArea
else:
    from unfold.widgets import UnfoldAdminTextareaWidget as TextArea


@dataclass(frozen=True)
class Asked:
    """What the dialog's effect is of."""

    effective_on: date
    value_change: Decimal
    new_price: Decimal | None
    new_weekly_hours: Decimal | None
    new_ends_on: date | None


def _amount(label: Any, **options: Any) -> forms.DecimalField:
    return forms.DecimalField(
        label=label,
        required=False,
        max_digits=18,
        decimal_places=4,
        widget=MoneyInput(),
        **options,
    )


class ChangeOrderDialog(LongerDialog):
    asked = "value_change"
    effective_on = forms.DateField(
        label=gettext_lazy("Effective on"),
        initial=timezone.localdate,
        widget=date_input(),
    )
    value_change = _amount(
        gettext_lazy("Change of value"),
        help_text=gettext_lazy("Once, besides the price; below 0 for less."),
    )
    new_price = _amount(gettext_lazy("New price"), min_value=0)
    new_weekly_hours = forms.DecimalField(
        label=gettext_lazy("New weekly hours"),
        required=False,
        min_value=0,
        max_value=168,
        decimal_places=2,
        widget=ExactNumberInput(),
    )
    new_ends_on = forms.DateField(
        label=gettext_lazy("New last day"), required=False, widget=date_input()
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"), widget=TextArea(attrs={"rows": 2})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.change: ChangeEffect | None = None
        super().__init__(*args, **kwargs)

    def set_initial(self, engagement: Engagement) -> None:
        price = self.fields["new_price"]
        if engagement.kind == Kind.MANAGED:
            del self.fields["new_weekly_hours"]
            price.label = _("New monthly fee")
        else:
            price.label = _("New rate")
        price.help_text = _("In %(currency)s, from the effective day on.") % {
            "currency": engagement.currency
        }

    def answer(self, cleaned: dict[str, Any]) -> Asked | None:
        if self.errors:
            return None
        return Asked(
            effective_on=cleaned["effective_on"],
            value_change=cleaned.get("value_change") or Decimal(0),
            new_price=cleaned.get("new_price"),
            new_weekly_hours=cleaned.get("new_weekly_hours"),
            new_ends_on=cleaned.get("new_ends_on"),
        )

    def order(self, asked: Asked) -> ChangeOrder:
        """Return the unsaved change order."""
        return ChangeOrder(
            engagement_id=self.engagement.pk,
            reason=self.cleaned_data["reason"],
            **asdict(asked),
        )

    def is_longer(self, cleaned: dict[str, Any]) -> bool:
        ends_on, term_ends_on = cleaned.get("new_ends_on"), self.engagement.term_ends_on
        return bool(ends_on and term_ends_on and ends_on > term_ends_on)

    def reckon(self, value: Asked) -> Effect:
        self.change = effect_of_change_order(
            change_order=self.order(value), as_of=timezone.localdate()
        )
        self.money = self.change.money
        return self.change.standing

    def _rows(self) -> list[dict[str, Any]]:
        """Return what changes, and who must approve it."""
        change = self.change
        rows = super()._rows()
        if change is None:
            return rows
        if sees_money(self.request.user):
            rows.append(
                {
                    "label": _("Value of the term"),
                    "before": self._money(change.value_before),
                    "after": self._money(change.value_after),
                }
            )
        needed = change.needed
        return [row for row in rows if row["before"] != row["after"]] + [
            {
                "label": _("Waits for approval by"),
                "before": "",
                "after": needed.names if needed.rules else _("nobody: at once"),
                "is_text": True,
            }
        ]


class ChangeOrderSteps(LifecyclePage):
    actions_detail: tuple[str, ...] = ("change_order",)

    @action(
        description=gettext_lazy("Record change order…"),
        url_path="change-order",
        icon="edit_document",
        permissions=["change_order"],
        dialog={
            "title": gettext_lazy("Record a change order"),
            "description": gettext_lazy(
                "It is never edited; price, hours and end follow once it is in force."
            ),
            "form_class": ChangeOrderDialog,
            "form_submit_text": gettext_lazy("Record"),
        },
    )
    def change_order(
        self, request: HttpRequest, form: ChangeOrderDialog, object_id: str
    ) -> HttpResponse:
        engagement = self._engagement(request, object_id)
        asked = form.answer(form.cleaned_data)
        if asked is None:
            raise TypeError("A valid dialog has an answer.")
        try:
            order = record_change_order(
                change_order=form.order(asked),
                expected_version=form.engagement.version,
                ground=form.cleaned_data.get("ground", ""),
                actor=actor_of(request),
            )
        except (TrackerError, ValidationError) as refusal:
            return self._back(request, engagement, refusal)
        state = ChangeOrder.objects.with_state().get(pk=order.pk).state
        told = (
            _("Change order %(number)d waits for approval.")
            if state == ChangeOrderState.WAITING
            else _("Change order %(number)d is in force.")
        )
        if state == ChangeOrderState.IN_FORCE and order.new_ends_on:
            self._warn_of_tenure(request, engagement)
        self._warn_of_money(request, form.money)
        return self._back(request, engagement, told=told % {"number": order.number})

    def has_change_order_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        is_active = self._is_in(request, object_id, Status.ACTIVE)
        return is_active and request.user.has_perm("engagements.add_changeorder")

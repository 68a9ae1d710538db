"""Renewing, giving notice and extending: dialogs that show the effect first."""

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from engagements.admin.columns import money, short_date
from engagements.admin.lifecycle_page import LifecyclePage
from engagements.admin.opened_dialog import OpenedDialog, is_pressed, with_value
from engagements.admin.record_admin import actor_of
from engagements.admin.unfold_types import action
from engagements.choices import ExtensionGround, Renewal, Status
from engagements.errors import TrackerError
from engagements.models import Engagement
from engagements.permissions import sees_money
from engagements.services.extending import questions_before_extending
from engagements.services.renewal import (
    Effect,
    Extending,
    GivingNotice,
    Renewing,
    Step,
    effect_of,
    extend_engagement,
    give_notice,
    money_told_of,
    renew_engagement,
)

if TYPE_CHECKING:
    from django.forms import DateInput, NumberInput
    from django.forms import Select as SelectInput
else:
    from unfold.widgets import UnfoldAdminIntegerFieldWidget as NumberInput
    from unfold.widgets import UnfoldAdminSelectWidget as SelectInput
    from unfold.widgets import UnfoldAdminSingleDateWidget as DateInput

# No engagement is renewed for longer than this at once.
LONGEST_MONTHS = 120


def date_input() -> DateInput:
    return DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class StepDialog(OpenedDialog):
    """Takes a step once its effect was shown for just these values.

    With other values, or where somebody changed the engagement meanwhile, it comes
    back with the new effect.
    """

    asked: str

    # What the effect on the screen was reckoned for.
    shown_for = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.effect: Effect | None = None
        # What the budgets say of it.
        self.money: list[str] = []
        self.set_initial(self.engagement)
        value = self.fields[self.asked].initial
        if not self.is_bound and value is not None:
            self._show_effect(value() if callable(value) else value)

    def set_initial(self, engagement: Engagement) -> None:
        """Fill in what is most likely meant."""

    def step(self, value: Any) -> Step:
        raise NotImplementedError

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        value = self.answer(cleaned)
        if value is None:
            return cleaned
        seen = cleaned.get("shown_for")
        self._show_effect(value)
        was_told = bool(self.note)
        if self.effect is not None and seen != self._key(value) and not was_told:
            self.note = _("This is what it changes. Press again to confirm.")
            self.add_error(None, self.note)
        return cleaned

    def answer(self, cleaned: dict[str, Any]) -> Any:
        """Return what the effect is of; None where it can't be told yet."""
        return cleaned.get(self.asked)

    def reckon(self, value: Any) -> Effect:
        """Return the effect; raises what taking the step would raise."""
        step = self.step(value)
        effect = effect_of(
            engagement=self.engagement, step=step, as_of=timezone.localdate()
        )
        self.money = money_told_of(engagement=self.engagement, step=step)
        return effect

    def _show_effect(self, value: Any) -> None:
        try:
            self.effect = self.reckon(value)
        except ValidationError as refusal:
            self._refuse_by_field(refusal)
            return
        except TrackerError as refusal:
            self._refuse(str(refusal))
            return
        self.initial["shown_for"] = self._key(value)
        if self.is_bound:
            self.data = with_value(self.data, "shown_for", self._key(value))

    def _refuse_by_field(self, refusal: ValidationError) -> None:
        errors: dict[str, list[ValidationError]] = refusal.update_error_dict({})
        for name, found in errors.items():
            text = " ".join(ValidationError(found).messages)
            self._refuse(text, name if name in self.fields else self.asked)

    def _refuse(self, sentence: str, name: str = "") -> None:
        """Say it beside the field; before anything is posted, above it."""
        if self.is_bound:
            self.add_error(name or self.asked, sentence)
        else:
            self.note = sentence

    def _key(self, value: Any) -> str:
        return f"{self.engagement.version}:{value}"

    def get_before_template_context(
        self, request: HttpRequest, object_id: Any = None
    ) -> dict[str, Any]:
        told = super().get_before_template_context(request, object_id)
        rows = self._rows() if self.effect else []
        return told | {"rows": rows, "money": self.money}

    def _rows(self) -> list[dict[str, Any]]:
        if self.effect is None:
            return []
        before, after = self.effect.before, self.effect.after
        rows = [
            (_("Term ends"), before.term_ends_on, after.term_ends_on),
            (_("Then renews until"), before.renews_until_on, after.renews_until_on),
            (
                _("Notice deadline"),
                before.notice_deadline_on,
                after.notice_deadline_on,
            ),
            (_("Committed until"), before.committed_until_on, after.committed_until_on),
        ]
        told: list[tuple[str, Any, Any]] = [
            (label, _day(old), _day(new)) for label, old, new in rows
        ]
        if sees_money(self.request.user):
            told.append(
                (
                    _("Committed from today"),
                    self._money(before.committed),
                    self._money(after.committed),
                )
            )
        return [{"label": n, "before": old, "after": new} for n, old, new in told]

    def _money(self, amount: Decimal | None) -> str:
        if amount is None:
            return _("not known")
        return money(amount, self.engagement.currency)


class LongerDialog(StepDialog):
    """Asks first for what should be there before an engagement goes on for longer."""

    ground = forms.ChoiceField(
        label=gettext_lazy("Go on without, because"),
        required=False,
        choices=[("", "–"), *ExtensionGround.choices],  # noqa: RUF001 - no choice yet
        widget=SelectInput(),
        help_text=gettext_lazy("Kept in the history, with your name."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.questions = questions_before_extending(self.engagement)
        if not self.questions:
            del self.fields["ground"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if self.questions and self.is_longer(cleaned) and not cleaned.get("ground"):
            self.add_error("ground", _("Answer what is asked above, or say why not."))
        return cleaned

    def is_longer(self, cleaned: dict[str, Any]) -> bool:
        return True

    def get_before_template_context(
        self, request: HttpRequest, object_id: Any = None
    ) -> dict[str, Any]:
        told = super().get_before_template_context(request, object_id)
        return told | {
            "questions": [
                {
                    "sentence": question.sentence,
                    "href": _remedy(question.remedy, self.engagement),
                    "noun": question.remedy._meta.verbose_name
                    if question.remedy
                    else "",
                }
                for question in self.questions
            ]
        }


def _remedy(model: Any, engagement: Engagement) -> str:
    if model is None:
        return ""
    add = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_add")
    return f"{add}?engagement={engagement.pk}"


class RenewDialog(LongerDialog):
    asked = "months"
    months = forms.IntegerField(
        label=gettext_lazy("For how many months"),
        min_value=1,
        max_value=LONGEST_MONTHS,
        widget=NumberInput(),
        help_text=gettext_lazy("Counted from the first start."),
    )

    def set_initial(self, engagement: Engagement) -> None:
        self.fields["months"].initial = engagement.renewal_term_months

    def step(self, value: int) -> Step:
        return Renewing(timezone.localdate(), value)


class NoticeDialog(StepDialog):
    asked = "given_on"
    given_on = forms.DateField(
        label=gettext_lazy("Given on"),
        initial=timezone.localdate,
        widget=date_input(),
        help_text=gettext_lazy("The day on which notice reached the vendor."),
    )

    def step(self, value: date) -> Step:
        return GivingNotice(value)


class ExtendDialog(LongerDialog):
    asked = "ends_on"
    ends_on = forms.DateField(
        label=gettext_lazy("New last day"),
        widget=date_input(),
        help_text=gettext_lazy("Included in the engagement."),
    )

    def step(self, value: date) -> Step:
        return Extending(value)


class RenewalSteps(LifecyclePage):
    actions_detail: tuple[Any, ...] = ("renew", "notice_step", "extend")

    @action(
        description=gettext_lazy("Renew…"),
        url_path="renew",
        icon="autorenew",
        permissions=["renew"],
        dialog={
            "title": gettext_lazy("Renew this engagement"),
            "description": gettext_lazy(
                "The next term is written on this engagement; its reference stays."
            ),
            "form_class": RenewDialog,
            "form_submit_text": gettext_lazy("Renew"),
        },
    )
    def renew(
        self, request: HttpRequest, form: StepDialog, object_id: str
    ) -> HttpResponse:
        engagement = self._engagement(request, object_id)
        try:
            renew_engagement(
                engagement=engagement,
                renewed_on=timezone.localdate(),
                months=form.cleaned_data["months"],
                expected_version=form.engagement.version,
                ground=form.cleaned_data.get("ground", ""),
                actor=actor_of(request),
            )
        except (TrackerError, ValidationError) as refusal:
            return self._back(request, engagement, refusal)
        told = _("Renewed until %(end)s.") % {"end": _day(engagement.term_ends_on)}
        self._warn_of_tenure(request, engagement)
        self._warn_of_money(request, form.money)
        return self._back(request, engagement, told=told)

    @action(
        description=gettext_lazy("Give notice…"),
        url_path="give-notice",
        icon="logout",
        permissions=["notice_step"],
        dialog={
            "title": gettext_lazy("Give notice"),
            "description": gettext_lazy(
                "It ends with its term and no longer renews by itself."
            ),
            "form_class": NoticeDialog,
            "form_submit_text": gettext_lazy("Give notice"),
        },
    )
    def notice_step(
        self, request: HttpRequest, form: StepDialog, object_id: str
    ) -> HttpResponse:
        engagement = self._engagement(request, object_id)
        try:
            give_notice(
                engagement=engagement,
                given_on=form.cleaned_data["given_on"],
                expected_version=form.engagement.version,
                actor=actor_of(request),
            )
        except (TrackerError, ValidationError) as refusal:
            return self._back(request, engagement, refusal)
        told = _("Notice given: it ends on %(end)s.") % {
            "end": _day(engagement.term_ends_on)
        }
        return self._back(request, engagement, told=told)

    @action(
        description=gettext_lazy("Extend…"),
        url_path="extend",
        icon="event_upcoming",
        permissions=["extend"],
        dialog={
            "title": gettext_lazy("Extend this engagement"),
            "description": gettext_lazy(
                "The term ends later; the notice deadline follows."
            ),
            "form_class": ExtendDialog,
            "form_submit_text": gettext_lazy("Extend"),
        },
    )
    def extend(
        self, request: HttpRequest, form: StepDialog, object_id: str
    ) -> HttpResponse:
        engagement = self._engagement(request, object_id)
        try:
            extend_engagement(
                engagement=engagement,
                ends_on=form.cleaned_data["ends_on"],
                expected_version=form.engagement.version,
                ground=form.cleaned_data.get("ground", ""),
                actor=actor_of(request),
            )
        except (TrackerError, ValidationError) as refusal:
            return self._back(request, engagement, refusal)
        told = _("Extended until %(end)s.") % {"end": _day(engagement.term_ends_on)}
        self._warn_of_tenure(request, engagement)
        self._warn_of_money(request, form.money)
        return self._back(request, engagement, told=told)

    def has_renew_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        found = self._running(request, object_id)
        if found is None or is_pressed(request):
            return found is not None
        return found.renewal != Renewal.NONE and not found.notice_given_on

    def has_notice_step_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        found = self._running(request, object_id)
        return bool(found and (is_pressed(request) or not found.notice_given_on))

    def has_extend_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        found = self._running(request, object_id)
        return bool(found and (is_pressed(request) or found.term_ends_on))

    def _running(
        self, request: HttpRequest, object_id: str | None
    ) -> Engagement | None:
        found = self._changeable(request, object_id)
        if found is None or is_pressed(request):
            return found
        return found if found.status == Status.ACTIVE else None


def _day(day: date | None) -> str:
    return short_date(day) if day else _("none")

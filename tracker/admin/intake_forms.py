"""The page that asks: five questions, and what else is known."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from engagements.admin.inputs import ExactNumberInput, MoneyInput
from engagements.admin.scope import visible
from engagements.choices import Maturity, RateUnit
from engagements.models import Service, User
from engagements.values.language import translated
from tracker.fit.criteria import all_criteria
from tracker.fit.criterion import AnyCriterion
from tracker.fit.questions import QUESTIONS, UNKNOWN, Choice, Question
from tracker.fit.services import Planned

if TYPE_CHECKING:
    DateInput = forms.DateInput
    Select = TextInput = forms.Widget
else:
    from unfold.widgets import UnfoldAdminSelectWidget as Select
    from unfold.widgets import UnfoldAdminSingleDateWidget as DateInput
    from unfold.widgets import UnfoldAdminTextInputWidget as TextInput

ANSWER, FACT = "answer_", "fact_"
ONLY_OF_RUNNING = "performance"
# Permanence is told by the service and the months that are planned.
NOT_ASKED = {"permanence", ONLY_OF_RUNNING}
ASKED_AS_CHOICE = "in_house_team"
HUNDRED = Decimal(100)


@dataclass(frozen=True)
class Option:
    choice: Choice
    field_id: str
    is_chosen: bool


@dataclass(frozen=True)
class AskedQuestion:
    question: Question
    name: str
    options: list[Option]
    errors: list[str]


def further_criteria() -> list[AnyCriterion]:
    """Those that no question asks for, and that can be known beforehand."""
    asked = {
        code for q in QUESTIONS for choice in q.choices for code in choice.facts
    } | NOT_ASKED
    return [criterion for criterion in all_criteria() if criterion.code not in asked]


class IntakeForm(forms.Form):
    title = forms.CharField(
        label=gettext_lazy("What is the work?"),
        max_length=200,
        widget=TextInput(),
        help_text=gettext_lazy(
            "A working title, such as “Night shift of the service desk”."
        ),
    )
    service = forms.ModelChoiceField(
        label=gettext_lazy("Service"),
        queryset=Service.objects.none(),
        required=False,
        widget=Select(),
        help_text=gettext_lazy(
            "Its in-house team, and for how long it has needed outside work, are then"
            " read from the records."
        ),
    )
    starts_on = forms.DateField(
        label=gettext_lazy("Starts on"),
        required=False,
        widget=DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    months = forms.IntegerField(
        label=gettext_lazy("For how many months"),
        required=False,
        min_value=1,
        max_value=600,
        widget=ExactNumberInput(),
    )
    weekly_hours = forms.DecimalField(
        label=gettext_lazy("Hours a week"),
        required=False,
        min_value=Decimal("0.25"),
        max_value=100_000,
        decimal_places=2,
        widget=ExactNumberInput(),
        help_text=gettext_lazy("Of all people together."),
    )
    rate = forms.DecimalField(
        label=gettext_lazy("Expected rate"),
        required=False,
        min_value=0,
        max_value=1_000_000_000,
        decimal_places=4,
        widget=MoneyInput(),
        help_text=gettext_lazy("What one contractor would cost."),
    )
    rate_unit = forms.ChoiceField(
        label=gettext_lazy("Paid"),
        choices=RateUnit.choices,
        initial=RateUnit.DAY,
        required=False,
        widget=Select(),
    )
    fee = forms.DecimalField(
        label=gettext_lazy("Expected monthly fee"),
        required=False,
        min_value=0,
        max_value=1_000_000_000,
        decimal_places=4,
        widget=MoneyInput(),
        help_text=gettext_lazy("What a provider would ask for all of it."),
    )
    manager_hour_cost = forms.DecimalField(
        label=gettext_lazy("Cost of our manager's hour"),
        required=False,
        min_value=0,
        max_value=1_000_000_000,
        decimal_places=4,
        widget=MoneyInput(),
        help_text=gettext_lazy("Salary with all that comes on top."),
    )
    currency = forms.CharField(
        label=gettext_lazy("Currency"),
        required=False,
        max_length=3,
        widget=TextInput(),
        help_text=gettext_lazy("ISO code, of all amounts on this page."),
    )

    PLAN = ("service", "starts_on", "months", "weekly_hours")
    PRICES = ("rate", "rate_unit", "fee", "manager_hour_cost", "currency")

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        service = self.fields["service"]
        assert isinstance(service, forms.ModelChoiceField)  # noqa: S101 - for the type checker
        service.queryset = visible(Service, user)
        self.fields["currency"].initial = settings.REPORTING_CURRENCY
        for question in QUESTIONS:
            self.fields[ANSWER + question.code] = forms.ChoiceField(
                label=translated(question.text),
                choices=[(c.code, translated(c.label)) for c in question.all_choices],
                initial=UNKNOWN,
                required=False,
            )
        for criterion in further_criteria():
            self.fields[FACT + criterion.code] = _fact_field(criterion)

    @property
    def questions(self) -> Iterator[AskedQuestion]:
        for question in QUESTIONS:
            bound = self[ANSWER + question.code]
            chosen = bound.value() or UNKNOWN
            yield AskedQuestion(
                question=question,
                name=bound.html_name,
                options=[
                    Option(
                        choice=choice,
                        field_id=f"{bound.auto_id}_{choice.code}",
                        is_chosen=choice.code == chosen,
                    )
                    for choice in question.all_choices
                ],
                errors=[str(error) for error in bound.errors],
            )

    @property
    def plan_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.PLAN]

    @property
    def price_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.PRICES]

    @property
    def fact_fields(self) -> list[forms.BoundField]:
        return [self[FACT + criterion.code] for criterion in further_criteria()]

    @property
    def is_more_known(self) -> bool:
        """Whether the part that is folded away holds anything to look at."""
        names = {*self.PLAN, *self.PRICES} - {"rate_unit", "currency"}
        names |= {name for name in self.fields if name.startswith(FACT)}
        return self.is_bound and any(
            self.data.get(name) or self.errors.get(name) for name in names
        )

    def clean_currency(self) -> str:
        currency: str = self.cleaned_data.get("currency") or settings.REPORTING_CURRENCY
        return currency.upper()

    def planned(self) -> Planned:
        given = self.cleaned_data
        return Planned(
            title=given["title"],
            service=given["service"],
            starts_on=given["starts_on"],
            months=None if given["months"] is None else Decimal(given["months"]),
            weekly_hours=given["weekly_hours"],
            rate=given["rate"],
            rate_unit=given["rate_unit"] or RateUnit.DAY,
            fee=given["fee"],
            manager_hour_cost=given["manager_hour_cost"],
            currency=given["currency"],
            answers={q.code: given[ANSWER + q.code] or UNKNOWN for q in QUESTIONS},
            facts={
                criterion.code: _as_figure(criterion, given[FACT + criterion.code])
                for criterion in further_criteria()
                if given[FACT + criterion.code] not in (None, "")
            },
        )

    def refuse(self, refusal: ValidationError) -> None:
        """Tell a service's reasons beside the fields they are about."""
        errors: Mapping[str, list[ValidationError]] = refusal.update_error_dict({})
        for name, found in errors.items():
            field = next(
                (n for n in (name, ANSWER + name, FACT + name) if n in self.fields),
                None,
            )
            self.add_error(field, found)


def _fact_field(criterion: AnyCriterion) -> forms.Field:
    if criterion.code == ASKED_AS_CHOICE:
        return forms.ChoiceField(
            label=translated(criterion.label),
            choices=[("", _("Not known")), *Maturity.choices],
            required=False,
            widget=Select(),
            help_text=_("What is declared on the service goes before this."),
        )
    unit, scale = criterion.unit, criterion.scale
    factor = Decimal(str(unit.scale))
    return forms.DecimalField(
        label=f"{translated(criterion.label)} ({unit.name})",
        required=False,
        min_value=Decimal(str(scale.least)) * factor,
        max_value=Decimal(str(scale.most)) * factor,
        widget=ExactNumberInput(),
        help_text=translated(criterion.question),
    )


def _as_figure(criterion: AnyCriterion, given: Any) -> float:
    return float(Decimal(given) / Decimal(str(criterion.unit.scale)))

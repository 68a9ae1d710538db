"""What a person decides when an engagement is converted, and what it means."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelect
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from engagements.admin.columns import money, short_date
from engagements.admin.inputs import ExactNumberInput, MoneyInput, ShortTextArea
from engagements.admin.record_admin import LONGEST_ID
from engagements.admin.scope import visible
from engagements.choices import Kind, RateUnit
from engagements.models import (
    Assignment,
    Contractor,
    Engagement,
    FeeTerm,
    ManagedContract,
    RateTerm,
    User,
    Vendor,
)
from engagements.services.conversion import (
    Outlook,
    Successor,
    draft_successor,
    monthly_price,
    outlook,
)
from engagements.values.periods import ONE_DAY, add_months, month_of

if TYPE_CHECKING:
    from django.forms import DateInput, EmailInput, Select, TextInput
else:
    from unfold.widgets import UnfoldAdminEmailInputWidget as EmailInput
    from unfold.widgets import UnfoldAdminSelectWidget as Select
    from unfold.widgets import UnfoldAdminSingleDateWidget as DateInput
    from unfold.widgets import UnfoldAdminTextInputWidget as TextInput


class ChoosingSelect(AutocompleteSelect):
    """Has a name for readers of screens, and bears nonsense posted to it."""

    class Media:
        js = ("engagements/select_names.js",)

    def optgroups(self, name: str, value: Any, *args: Any, **kwargs: Any) -> Any:
        """Leave out what was posted and can't be an id: Django would look for it."""
        ids = [one for one in value if str(one).isdecimal()]
        known = [one for one in ids if len(str(one)) <= LONGEST_ID]
        return super().optgroups(name, known, *args, **kwargs)


def _date_field(label: Any, help_text: Any, *, required: bool) -> forms.DateField:
    return forms.DateField(
        label=label,
        help_text=help_text,
        required=required,
        widget=DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )


def _amount_field(label: Any, help_text: Any) -> forms.DecimalField:
    return forms.DecimalField(
        label=label,
        help_text=help_text,
        required=False,
        min_value=0,
        max_digits=18,
        decimal_places=4,
        widget=MoneyInput(),
    )


@dataclass(frozen=True)
class Fact:
    label: str
    before: str
    after: str


class ConversionForm(forms.Form):
    """What a person decides; takes it once its meaning was shown for just this."""

    # What the page was drawn for: see `is_confirmed`.
    shown_for = forms.CharField(required=False, widget=forms.HiddenInput)
    last_on = _date_field(
        gettext_lazy("Last day of the present engagement"),
        gettext_lazy(
            "What you plan by: it is only set by giving notice on its own page."
        ),
        required=False,
    )
    starts_on = _date_field(
        gettext_lazy("Successor starts on"),
        gettext_lazy("By default the day after."),
        required=True,
    )
    ends_on = _date_field(
        gettext_lazy("Successor ends on"),
        gettext_lazy("Last day, included. Blank for an open end."),
        required=False,
    )
    vendor = forms.ModelChoiceField(
        label=gettext_lazy("Vendor"), queryset=Vendor.objects.none()
    )
    title: Any = ""
    # What decides the figures on the page.
    TELLING: tuple[str, ...] = ("last_on", "starts_on", "ends_on", "vendor")

    def __init__(
        self, *args: Any, engagement: Engagement, user: User, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.engagement = engagement
        self.user = user
        self.successor = draft_successor(engagement=engagement)
        self._set_choices("vendor", visible(Vendor, user))
        self._set_defaults()

    @cached_property
    def outlook(self) -> Outlook:
        return outlook(engagement=self.engagement, as_of=timezone.localdate())

    def _set_defaults(self) -> None:
        last = self.outlook.last_on
        next_month = add_months(month_of(timezone.localdate()), 1)
        self.initial.setdefault("last_on", last)
        self.initial.setdefault("starts_on", last + ONE_DAY if last else next_month)
        self.initial.setdefault("vendor", self.engagement.vendor_id)
        if self.outlook.ends_on is not None:
            self.fields.pop("last_on")

    def _set_choices(self, name: str, rows: Any) -> None:
        field = self.fields[name]
        relation = type(self.successor)._meta.get_field(name)
        if isinstance(field, forms.ModelChoiceField):
            # A new widget first: setting the rows hands it their choices.
            field.widget = ChoosingSelect(relation, admin.site)
            field.widget.is_required = field.required
            field.queryset = rows

    def price(self) -> FeeTerm | RateTerm | None:
        raise NotImplementedError

    def fill(self, successor: Successor) -> None:
        """Put what was typed into the successor."""
        successor.starts_on = self.cleaned_data["starts_on"]
        successor.ends_on = self.cleaned_data["ends_on"]
        successor.vendor = self.cleaned_data["vendor"]

    @property
    def is_confirmed(self) -> bool:
        """Say whether the page showed what just these values mean."""
        return bool(self.cleaned_data["shown_for"] == self.key)

    @property
    def key(self) -> str:
        """Name the values that the figures on the page are of."""
        told = [self._shown(name) for name in self.TELLING]
        return f"{self.engagement.version}:" + "|".join(map(str, told))

    def _shown(self, name: str) -> Any:
        """Return a value as typed where it is sound, else what it starts from."""
        if not self.is_bound:
            field = self.fields.get(name)
            found = self.get_initial_for_field(field, name) if field else None
        else:
            found = getattr(self, "cleaned_data", {}).get(name)
        return getattr(found, "pk", found)

    @property
    def _last_day(self) -> date | None:
        return self.outlook.ends_on or self._shown("last_on")

    def facts(self) -> list[Fact]:
        """Return both engagements side by side."""
        end = self._shown("ends_on")
        vendor = Vendor.objects.filter(pk=self._shown("vendor")).first()
        rows = [
            Fact(
                _("Model"),
                self.engagement.get_kind_display(),
                str(Kind(self._kind).label),
            ),
            Fact(_("Vendor"), str(self.engagement.vendor), str(vendor or "")),
            Fact(_("First day"), _day(self.engagement.starts_on), self._starts()),
            Fact(
                _("Last day"), _day(self._last_day), _day(end) if end else _("open end")
            ),
            Fact(_("A month"), self._money(self.outlook.monthly_price), self._priced()),
        ]
        stands = self.outlook.position
        if self.outlook.earliest_end_on is not None:
            earliest = self.outlook.earliest_end_on
            rows.append(Fact(_("Earliest last day"), _day(earliest), ""))
            if stands.notice_deadline_on:
                rows.append(Fact(_("Notice by"), _day(stands.notice_deadline_on), ""))
            rows.append(
                Fact(_("Committed from today"), self._money(stands.committed), "")
            )
        return rows

    @property
    def _kind(self) -> str:
        is_managed = isinstance(self.successor, ManagedContract)
        return Kind.MANAGED if is_managed else Kind.AUGMENTED

    def _starts(self) -> str:
        starts_on = self._shown("starts_on")
        return _day(starts_on) if starts_on else ""

    def _priced(self) -> str:
        price = self.price() if self.is_bound and self.is_valid() else None
        if price is None:
            return _("not known yet")
        self.fill(self.successor)
        return self._money(monthly_price(price, self.successor))

    def _money(self, amount: Decimal | None) -> str:
        if amount is None:
            return _("not known")
        return money(amount, self.engagement.currency)

    def warnings(self) -> list[str]:
        """Return what a person should know of the two ends, in sentences."""
        earliest = self.outlook.earliest_end_on
        last, starts = self._last_day, self._shown("starts_on")
        told = []
        if last is None:
            told.append(_("No last day follows from what is recorded: agree on one."))
        if last and earliest and last < earliest:
            told.append(
                _(
                    "Notice allows no earlier last day than %(day)s: until then it is"
                    " paid as well, unless the vendor agrees to less."
                )
                % {"day": _day(earliest)}
            )
        if last and starts:
            told += _gap(last, starts)
        return told


def _gap(last: date, starts: date) -> list[str]:
    days = (starts - last).days - 1
    if days > 0:
        text = ngettext(
            "On %(n)d day neither of the two runs.",
            "On %(n)d days neither of the two runs.",
            days,
        )
    elif days < 0:
        text = ngettext(
            "On %(n)d day both of them run, and are paid.",
            "On %(n)d days both of them run, and are paid.",
            -days,
        )
    else:
        return [_("One follows the other without a gap.")]
    return [text % {"n": abs(days)}]


class ToManagedForm(ConversionForm):
    title = gettext_lazy("Convert to managed service")
    TELLING = (*ConversionForm.TELLING, "monthly_fee")

    monthly_fee = _amount_field(
        gettext_lazy("Monthly fee"),
        gettext_lazy("In the present currency. Blank while it isn't agreed."),
    )
    scope = forms.CharField(
        label=gettext_lazy("Scope"),
        required=False,
        widget=ShortTextArea(),
        help_text=gettext_lazy("The outcome that the provider owns."),
    )

    def price(self) -> FeeTerm | None:
        fee = self.cleaned_data.get("monthly_fee")
        starts_on = self.cleaned_data.get("starts_on")
        if fee is None or starts_on is None:
            return None
        return FeeTerm(starts_on=starts_on, monthly_fee=fee)

    def fill(self, successor: Successor) -> None:
        super().fill(successor)
        if isinstance(successor, ManagedContract):
            successor.scope = self.cleaned_data["scope"]


class ToAugmentedForm(ConversionForm):
    title = gettext_lazy("Convert to augmented contractor")
    TELLING = (
        *ConversionForm.TELLING,
        "contractor",
        "rate",
        "rate_unit",
        "planned_weekly_hours",
    )

    contractor = forms.ModelChoiceField(
        label=gettext_lazy("Contractor"),
        queryset=Contractor.objects.none(),
        required=False,
        help_text=gettext_lazy("Of the vendor above. Blank while it isn't known who."),
    )
    new_contractor_name = forms.CharField(
        label=gettext_lazy("Or a new contractor"),
        max_length=200,
        required=False,
        widget=TextInput(),
        help_text=gettext_lazy("Full name; recorded with the vendor above."),
    )
    new_contractor_email = forms.EmailField(
        label=gettext_lazy("Work e-mail"), required=False, widget=EmailInput()
    )
    role = forms.CharField(
        label=gettext_lazy("Role"), max_length=120, required=False, widget=TextInput()
    )
    rate = _amount_field(
        gettext_lazy("Rate"),
        gettext_lazy("In the present currency. Blank while it isn't agreed."),
    )
    rate_unit = forms.ChoiceField(
        label=gettext_lazy("Paid"),
        choices=RateUnit.choices,
        initial=RateUnit.DAY,
        widget=Select(),
    )
    planned_weekly_hours = forms.DecimalField(
        label=gettext_lazy("Planned weekly hours"),
        initial=Decimal("37.5"),
        min_value=0,
        max_value=168,
        decimal_places=2,
        widget=ExactNumberInput(),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._set_choices("contractor", visible(Contractor, self.user))

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        contractor, name = cleaned.get("contractor"), cleaned.get("new_contractor_name")
        if contractor and name:
            self.add_error(
                "new_contractor_name",
                _("Choose a contractor or type a new one, not both."),
            )
        if cleaned.get("new_contractor_email") and not (contractor or name):
            self.add_error("new_contractor_name", _("Give the contractor's name too."))
        vendor = cleaned.get("vendor")
        if contractor and vendor and contractor.vendor_id != vendor.pk:
            self.add_error(
                "contractor",
                _("%(contractor)s comes from another vendor: choose that one above.")
                % {"contractor": contractor},
            )
        return cleaned

    def price(self) -> RateTerm | None:
        rate = self.cleaned_data.get("rate")
        starts_on = self.cleaned_data.get("starts_on")
        if rate is None or starts_on is None:
            return None
        unit = self.cleaned_data["rate_unit"]
        return RateTerm(starts_on=starts_on, rate=rate, unit=unit)

    def fill(self, successor: Successor) -> None:
        super().fill(successor)
        if isinstance(successor, Assignment):
            successor.contractor = self.cleaned_data["contractor"]
            successor.role = self.cleaned_data["role"]
            successor.planned_weekly_hours = self.cleaned_data["planned_weekly_hours"]


def _day(day: date | None) -> str:
    return short_date(day) if day else _("not known")

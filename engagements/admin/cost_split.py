"""The cost split on an engagement's page: which cost centres pay, from a day on."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib.admin.checks import InlineModelAdminChecks
from django.core import checks
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from engagements.admin.constraint_errors import (
    ConstraintErrorsBesideFields,
    name_fields,
)
from engagements.admin.record_admin import LineInline, Lines
from engagements.models import (
    CostCentre,
    CostSplit,
    CostSplitShare,
    Department,
    Engagement,
    User,
)
from engagements.queries import default_shares
from engagements.services.terms import HUNDRED, set_cost_split
from engagements.values.periods import month_of

if TYPE_CHECKING:
    _ShareFormset = forms.BaseModelFormSet[CostSplitShare, "ShareForm"]
    _DateInput = forms.DateInput
else:
    from unfold.widgets import UnfoldAdminSingleDateWidget as _DateInput

    _ShareFormset = forms.BaseModelFormSet

# Rows shown empty, beside those of the split in force.
EMPTY_ROWS = 2


class StartForm(forms.Form):
    """From which day a changed split applies."""

    starts_on = forms.DateField(
        label=gettext_lazy("Applies from"),
        required=False,
        widget=_DateInput(),
        help_text=gettext_lazy("Only read when the shares below are changed."),
    )


class ShareForm(ConstraintErrorsBesideFields):
    class Meta:
        model = CostSplitShare
        fields = ("cost_centre", "percent")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["cost_centre"].required = False
        self.fields["percent"].required = False

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        centre, percent = cleaned.get("cost_centre"), cleaned.get("percent")
        if centre and percent is None and "percent" not in self.errors:
            self.add_error("percent", _("Say how much it pays."))
        if percent is not None and not centre and "cost_centre" not in self.errors:
            self.add_error("cost_centre", _("Choose who pays this share."))
        return cleaned

    def _get_validation_exclusions(self) -> set[str]:
        excluded: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]
        # A row cleared is a share dropped: there is nothing to validate.
        blank = {"cost_centre", "percent"} if self._is_blank() else set()
        return excluded | blank | {"split"}

    def _is_blank(self) -> bool:
        data = getattr(self, "cleaned_data", {})
        return not data.get("cost_centre") and data.get("percent") is None


class ShareFormset(_ShareFormset):
    """The shares in force, to be changed into a new split; never edited in place."""

    inline: ClassVar["CostSplitInline"]

    def __init__(self, *args: Any, instance: Any = None, **kwargs: Any) -> None:
        kwargs.pop("queryset", None)
        kwargs.pop("save_as_new", None)
        self.engagement: Engagement = instance
        self.splits = _splits_of(instance)
        self.present = _in_force(self.splits)
        shares = list(self.present.shares.all()) if self.present else []
        self.extra = len(shares) + EMPTY_ROWS if shares else EMPTY_ROWS + 1
        initial = [
            {"cost_centre": s.cost_centre_id, "percent": s.percent} for s in shares
        ]
        kwargs |= {"queryset": CostSplitShare.objects.none(), "initial": initial}
        super().__init__(*args, **kwargs)
        self.start = StartForm(
            self.data if self.is_bound else None,
            prefix=self.prefix,
            initial={"starts_on": self._default_start()},
        )

    @classmethod
    def get_default_prefix(cls) -> str:
        return "cost_split"

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        name_fields(form, index)

    def _construct_form(self, i: int, **kwargs: Any) -> "ShareForm":
        form: ShareForm = super()._construct_form(i, **kwargs)  # type: ignore[misc]
        # Otherwise Django reads nothing from a row that was left as it is.
        form.empty_permitted = False
        self._keep_present_centres(form)
        return form

    def _keep_present_centres(self, form: "ShareForm") -> None:
        """Let who pays now go on paying, though the user may not choose them."""
        field = form.fields["cost_centre"]
        if self.present is None or not isinstance(field, forms.ModelChoiceField):
            return
        paying = [share.cost_centre_id for share in self.present.shares.all()]
        if field.queryset is not None:
            field.queryset = field.queryset | CostCentre.objects.filter(pk__in=paying)

    def _default_start(self) -> date | None:
        if self.present is None:
            return None
        return max(self.present.starts_on, month_of(timezone.localdate()))

    def clean(self) -> None:
        super().clean()
        if any(self.errors) or not self.has_changed():
            return
        if not self.start.is_valid():
            raise forms.ValidationError(_("Give the day from which the split applies."))
        shares = self.shares()
        if len(shares) < len(self._rows()):
            raise forms.ValidationError(_("Each cost centre stands once in a split."))
        total = sum(shares.values(), Decimal(0))
        if shares and total != HUNDRED:
            raise forms.ValidationError(
                _("The shares sum to %(total)s; they must sum to 100.")
                % {"total": f"{total.normalize():f}"}
            )
        if not shares and self.present:
            raise forms.ValidationError(_("Somebody must pay: leave one share."))

    def validate_unique(self) -> None:
        """Done in `clean`, where the reason can be said in the field's words."""

    def _rows(self) -> list[dict[str, Any]]:
        rows = [
            form.cleaned_data for form in self.forms if hasattr(form, "cleaned_data")
        ]
        return [row for row in rows if row.get("cost_centre")]

    def shares(self) -> dict[CostCentre, Decimal]:
        return {row["cost_centre"]: row["percent"] for row in self._rows()}

    @cached_property
    def starts_on(self) -> date | None:
        day: date | None = self.start.cleaned_data.get("starts_on")
        return day or self._default_start()

    def save(self, commit: bool = True) -> list[CostSplitShare]:
        """Nothing: the inline stores the split, by its service."""
        return []


class NoForeignKeyChecks(InlineModelAdminChecks):
    """A share hangs on a split, which hangs on the engagement: a step too far."""

    def _check_exclude_of_parent_model(
        self, obj: Any, parent_model: Any
    ) -> list[checks.CheckMessage]:
        return []

    def _check_relation(self, obj: Any, parent_model: Any) -> list[checks.CheckMessage]:
        return []

    def _check_formset(self, obj: Any) -> list[checks.CheckMessage]:
        return []


class CostSplitInline(LineInline):
    model = CostSplitShare
    form = ShareForm
    checks_class = NoForeignKeyChecks
    template = "engagements/admin/cost_split.html"
    fields = ("cost_centre", "percent")
    autocomplete_fields = ("cost_centre",)
    verbose_name = gettext_lazy("share")
    verbose_name_plural = gettext_lazy("cost split")

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        def callback(db_field: Any, **options: Any) -> Any:
            return self.formfield_for_dbfield(db_field, request, **options)

        formset: Any = forms.modelformset_factory(
            CostSplitShare,
            form=ShareForm,
            formset=ShareFormset,
            fields=self.fields,
            formfield_callback=callback,
            can_delete=False,
        )
        formset.inline = self
        return formset

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def store(self, lines: Lines, parent: Any, actor: User) -> None:
        formset: ShareFormset = lines.formset
        if formset.engagement.pk and formset.has_changed() and formset.shares():
            set_cost_split(
                engagement=parent,
                starts_on=formset.starts_on or parent.starts_on,
                shares=formset.shares(),
                actor=actor,
            )


def shares_or_default(
    lines: Lines | None, department: Department | None
) -> Mapping[CostCentre, Decimal]:
    """Return the shares given, or all of it for the department's one cost centre."""
    given = lines.formset.shares() if lines and lines.has_changed() else {}
    return dict(given) or default_shares(department)


def _splits_of(engagement: Engagement | None) -> list[CostSplit]:
    if engagement is None or engagement.pk is None:
        return []
    return list(engagement.cost_splits.prefetch_related("shares__cost_centre"))


def _in_force(splits: list[CostSplit]) -> CostSplit | None:
    """Return the split of today, or the first one to come."""
    today = timezone.localdate()
    begun = [split for split in splits if split.starts_on <= today]
    return begun[-1] if begun else next(iter(splits), None)

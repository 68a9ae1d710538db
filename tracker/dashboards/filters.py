"""The filters of the finance pages, as they stand in the URL."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import get_language, gettext_noop, to_locale
from django.utils.translation import gettext as _

from engagements.choices import Kind
from engagements.models import Department, Engagement, Service, User, Vendor
from engagements.permissions import departments_under, sees_all
from engagements.values.language import translated
from tracker.dashboards.notation import FALLBACK_LOCALE, Notation
from tracker.dashboards.periods import (
    LAST_12_MONTHS,
    Period,
    preset,
    preset_titles,
)
from tracker.dashboards.scope import COMPARISONS, DepartmentChoice, Drill, Scope
from tracker.spend.budget_queries import cost_centres_with_budget
from tracker.spend.queries import (
    BASES,
    SpendWhere,
    basis_label,
    cost_centres_with_spend,
    vendors_with_spend,
)

MONTH = re.compile(r"(?P<year>(?:19|20|21)[0-9]{2})-(?P<month>0[1-9]|1[0-2])")
CLOSED_PERIODS = gettext_noop("A comparison needs a first and a last month: give both.")
SHOWN_OF_A_WRONG_VALUE = 40
# A column as addresses name it, after a minus sign the largest first.
COLUMN = re.compile(r"-?[a-z][a-z0-9_]*")
# Of a department: without those below it.
DIRECT = "yes"
# Which page of a list: of each report, and no filter.
OF_PAGES = ("after",)
DIVISIONS = ("vendor", "role", "cost-centre", "engagement")


class MonthField(forms.CharField):
    """A month written as 2026-10."""

    def clean(self, value: Any) -> date | None:
        text = super().clean(value)
        if not text:
            return None
        match = MONTH.fullmatch(text)
        if not match:
            raise ValidationError(
                _("“%(text)s” is not a month; write it like 2026-10.")
                % {"text": _shown(text)}
            )
        return date(int(match["year"]), int(match["month"]), 1)


class PublicIdField(forms.CharField):
    def clean(self, value: Any) -> UUID | None:
        text = super().clean(value)
        try:
            return UUID(text) if text else None
        except ValueError as error:
            raise ValidationError(
                _("“%(text)s” is not known here; open one from the tables below.")
                % {"text": _shown(text)}
            ) from error


class FilterForm(forms.Form):
    """Shape of each value; whether it exists for this reader is asked afterwards."""

    period = forms.CharField(required=False)
    department = forms.CharField(required=False)
    vendor = PublicIdField(required=False)
    engagement = PublicIdField(required=False)
    cost_centre = forms.CharField(required=False)
    model = forms.CharField(required=False)
    base_from = MonthField(required=False)
    base_to = MonthField(required=False)
    by = forms.CharField(required=False)
    service = PublicIdField(required=False)
    basis = forms.CharField(required=False)
    direct = forms.CharField(required=False)
    sort = forms.CharField(required=False, max_length=60)
    compare = forms.CharField(required=False)

    def __init__(self, data: Mapping[str, str]) -> None:
        super().__init__(data)
        # “from” is no name that a class body can hold.
        self.fields["from"] = MonthField(required=False)
        self.fields["to"] = MonthField(required=False)

    def clean_period(self) -> str:
        name = self.cleaned_data["period"]
        if name and name not in preset_titles(settings.FISCAL_YEAR_START_MONTH):
            raise ValidationError(
                _("“%(text)s” is not a known period; choose one of those below.")
                % {"text": _shown(name)}
            )
        return str(name)

    def clean_model(self) -> str:
        kind = self.cleaned_data["model"]
        if kind and kind not in Kind.values:
            raise ValidationError(
                _("“%(text)s” is not a model; use %(known)s.")
                % {"text": _shown(kind), "known": _(" or ").join(Kind.values)}
            )
        return str(kind)

    def clean_basis(self) -> str:
        basis = self.cleaned_data["basis"]
        if basis and basis not in BASES:
            raise ValidationError(
                _("“%(text)s” is not a basis; use %(known)s.")
                % {"text": _shown(basis), "known": _(" or ").join(BASES)}
            )
        return str(basis)

    def clean_compare(self) -> str:
        compare = self.cleaned_data["compare"]
        if compare and compare not in COMPARISONS:
            raise ValidationError(
                _("“%(text)s” is nothing to compare with; use one of %(known)s.")
                % {"text": _shown(compare), "known": ", ".join(COMPARISONS)}
            )
        return str(compare)

    def clean_sort(self) -> str:
        sort = self.cleaned_data["sort"]
        if sort and not COLUMN.fullmatch(sort):
            raise ValidationError(
                _("“%(text)s” is no column to sort by; open a heading's link.")
                % {"text": _shown(sort)}
            )
        return str(sort)

    def clean_direct(self) -> bool:
        direct = self.cleaned_data["direct"]
        if direct not in ("", DIRECT):
            raise ValidationError(
                _("“%(text)s” is unknown; use %(known)s.")
                % {"text": _shown(direct), "known": DIRECT}
            )
        return bool(direct)

    def clean_by(self) -> str:
        by = self.cleaned_data["by"]
        if by and by not in DIVISIONS:
            raise ValidationError(
                _("“%(text)s” is no way to divide it; use %(known)s.")
                % {"text": _shown(by), "known": ", ".join(DIVISIONS)}
            )
        return str(by)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        _check_base(cleaned.get("base_from"), cleaned.get("base_to"))
        first, last = cleaned.get("from"), cleaned.get("to")
        if first and last and first > last:
            raise ValidationError(
                {"to": _("The last month is before the first; change one of them.")}
            )
        return cleaned


def _check_base(first: date | None, last: date | None) -> None:
    if (first is None) != (last is None):
        raise ValidationError(
            {"base_to": _("Give the first and the last month to compare with.")}
        )
    if first and last and first > last:
        raise ValidationError(
            {"base_to": _("The last month is before the first; change one of them.")}
        )


@dataclass(frozen=True)
class Filters:
    """What was asked: a scope, or the errors that keep one from being made."""

    form: FilterForm
    whole: str
    departments: tuple[DepartmentChoice, ...]
    scope: Scope | None
    errors: tuple[str, ...] = ()
    # What the address has that changes nothing on this page, in sentences.
    unread: tuple[str, ...] = ()

    @property
    def hidden(self) -> list[tuple[str, str]]:
        """Return what the form's visible fields don't ask for, to be kept."""
        visible = ("from", "to", "department", "base_from", "base_to")
        return [item for item in self.form.data.items() if item[0] not in visible]

    @property
    def first_asked(self) -> str:
        return str(self.form.data.get("from", ""))

    @property
    def last_asked(self) -> str:
        return str(self.form.data.get("to", ""))

    @property
    def base_first_asked(self) -> str:
        return str(self.form.data.get("base_from", ""))

    @property
    def base_last_asked(self) -> str:
        return str(self.form.data.get("base_to", ""))

    @property
    def department_asked(self) -> str:
        return str(self.form.data.get("department", ""))


PARAMETERS = (
    "period",
    "from",
    "to",
    "department",
    "vendor",
    "engagement",
    "cost_centre",
    "model",
    "base_from",
    "base_to",
    "by",
    "service",
    "basis",
    "direct",
    "sort",
    "compare",
)
LABELS = {
    "period": gettext_noop("Period"),
    "from": gettext_noop("From month"),
    "to": gettext_noop("To month"),
    "department": gettext_noop("Department"),
    "vendor": gettext_noop("Vendor"),
    "engagement": gettext_noop("Engagement"),
    "cost_centre": gettext_noop("Cost centre"),
    "model": gettext_noop("Model"),
    "base_from": gettext_noop("Compared from"),
    "base_to": gettext_noop("Compared to"),
    "by": gettext_noop("Divided by"),
    "service": gettext_noop("Service"),
    "basis": gettext_noop("Basis"),
    "direct": gettext_noop("Department alone"),
    "sort": gettext_noop("Sorted by"),
    "compare": gettext_noop("Compared with"),
    # Of one part's pages alone.
    "fact": gettext_noop("Missing"),
    "missing": gettext_noop("Not recorded"),
    "verdict": gettext_noop("Verdict"),
    "whose": gettext_noop("Whose"),
}


def read_filters(
    user: User, query: Mapping[str, str], asking: "Asking | None" = None
) -> Filters:
    """Return what the URL asks for; nothing in it can raise."""
    asking = asking or SPEND
    parameters = {
        name: _encodable(query[name]) for name in asking.parameters if query.get(name)
    }
    if "from" in parameters or "to" in parameters:
        parameters.pop("period", None)
    form = asking.form(parameters)
    departments = tuple(_departments(user))
    if not form.is_valid():
        return Filters(form, whole_of(user), departments, None, tuple(_messages(form)))
    try:
        scope = asking.scope(user, form.cleaned_data, parameters, departments)
    except ValidationError as error:
        for name, messages in error.message_dict.items():
            form.add_error(name, messages)
        return Filters(form, whole_of(user), departments, None, tuple(_messages(form)))
    unread = tuple(_unread(query, asking))
    return Filters(form, whole_of(user), departments, scope, unread=unread)


def _unread(query: Mapping[str, str], asking: "Asking") -> Iterator[str]:
    for name in query:
        if name in asking.parameters or name in OF_PAGES or not query[name]:
            continue
        yield _("“%(name)s” is no filter of this page: it changes nothing here.") % {
            "name": label_of(_shown(_encodable(name)))
        }
    if query.get("direct") and not query.get("department"):
        yield _("“Department alone” changes nothing until a department is chosen.")


def _messages(form: FilterForm) -> Iterator[str]:
    for name, errors in form.errors.items():
        for message in errors:
            yield f"{label_of(name)}: {message}"


def label_of(name: str) -> str:
    """Return what a filter is called; its own name where nobody gave it another."""
    return translated(LABELS[name]) if name in LABELS else name


def _scope(
    user: User,
    asked: Mapping[str, Any],
    parameters: Mapping[str, str],
    departments: tuple[DepartmentChoice, ...],
) -> Scope:
    period = period_asked(asked)
    department = department_among(asked["department"], departments)
    drills: list[Drill] = []
    vendor_id = _vendor(user, asked["vendor"], drills)
    cost_centre_id = _cost_centre(user, asked["cost_centre"], drills)
    engagement_id = _engagement(user, asked["engagement"], drills)
    service_id = _service(user, asked["service"], drills)
    if asked["model"]:
        drills.append(Drill("model", _("Model"), str(Kind(asked["model"]).label)))
    if asked["basis"]:
        drills.append(Drill("basis", _("Basis"), basis_label(asked["basis"])))
    is_direct = bool(asked["direct"] and department)
    if is_direct:
        drills.append(Drill("direct", _("Department"), _("without those below it")))
    return Scope(
        user=user,
        where=SpendWhere(
            first_month=period.first,
            last_month=period.last,
            department_ids=_departments_meant(department, is_direct=is_direct),
            vendor_id=vendor_id,
            cost_centre_id=cost_centre_id,
            engagement_id=engagement_id,
            kind=asked["model"],
            service_id=service_id,
            basis=asked["basis"],
        ),
        period=period,
        notation=Notation(
            settings.REPORTING_CURRENCY, to_locale(get_language() or FALLBACK_LOCALE)
        ),
        parameters=parameters,
        department=department.name if department else "",
        drills=tuple(drills),
        base=_base(asked),
        by=asked["by"],
        departments=departments,
        sort=asked["sort"],
        compare=asked["compare"],
    )


def _departments_meant(
    department: DepartmentChoice | None, *, is_direct: bool
) -> frozenset[int] | None:
    if department is None:
        return None
    return frozenset({department.id}) if is_direct else department.subtree


def period_asked(asked: Mapping[str, Any]) -> Period:
    if asked["from"] or asked["to"]:
        return Period(asked["from"], asked["to"])
    return preset(
        asked["period"] or LAST_12_MONTHS,
        timezone.localdate(),
        settings.FISCAL_YEAR_START_MONTH,
    )


def _base(asked: Mapping[str, Any]) -> Period | None:
    if asked["base_from"] and asked["base_to"]:
        return Period(asked["base_from"], asked["base_to"])
    return None


def department_among(
    code: str, departments: tuple[DepartmentChoice, ...]
) -> DepartmentChoice | None:
    if not code:
        return None
    found = next((each for each in departments if each.code == code), None)
    if found is None:
        raise ValidationError(
            {"department": _("“%(text)s” is not among yours.") % {"text": _shown(code)}}
        )
    return found


def _vendor(user: User, public_id: UUID | None, drills: list[Drill]) -> int | None:
    if public_id is None:
        return None
    seen = Engagement.objects.visible_to(user).values("vendor_id")
    known = vendors_with_spend(user) | Vendor.objects.filter(pk__in=seen)
    vendor = known.filter(public_id=public_id).first()
    if vendor is None:
        raise ValidationError({"vendor": _("No such vendor in the spend you may see.")})
    drills.append(Drill("vendor", _("Vendor"), vendor.legal_name))
    return vendor.pk


def _cost_centre(user: User, code: str, drills: list[Drill]) -> int | None:
    if not code:
        return None
    known = cost_centres_with_spend(user) | cost_centres_with_budget(user)
    centre = known.filter(code=code).first()
    if centre is None:
        raise ValidationError(
            {"cost_centre": _("No such cost centre in the spend you may see.")}
        )
    drills.append(
        Drill("cost_centre", _("Cost centre"), f"{centre.code} {centre.name}")
    )
    return centre.pk


def _engagement(user: User, public_id: UUID | None, drills: list[Drill]) -> int | None:
    if public_id is None:
        return None
    engagement = Engagement.objects.visible_to(user).filter(public_id=public_id).first()
    if engagement is None:
        raise ValidationError(
            {"engagement": _("No such engagement among those you may see.")}
        )
    drills.append(Drill("engagement", _("Engagement"), str(engagement)))
    return engagement.pk


def _service(user: User, public_id: UUID | None, drills: list[Drill]) -> int | None:
    if public_id is None:
        return None
    seen = Engagement.objects.visible_to(user).order_by().values("service")
    service = Service.objects.filter(public_id=public_id, pk__in=seen).first()
    if service is None:
        raise ValidationError(
            {"service": _("No such service among those of engagements you may see.")}
        )
    drills.append(Drill("service", _("Service"), service.name))
    return service.pk


@dataclass(frozen=True)
class Asking:
    """What a page's address may ask for, and what scope it makes of the answers."""

    parameters: tuple[str, ...]
    form: type[FilterForm]
    scope: Callable[
        [User, Mapping[str, Any], Mapping[str, str], tuple[DepartmentChoice, ...]],
        Scope,
    ]


SPEND = Asking(PARAMETERS, FilterForm, _scope)


def whole_of(user: User) -> str:
    """Return what the reader sees without a department: a manager sees no more."""
    return _("All departments") if sees_all(user) else _("All that you manage")


def _departments(user: User) -> Iterator[DepartmentChoice]:
    """Yield the departments the user may ask for, each below its parent."""
    found = Department.objects.order_by("name", "id")
    if not sees_all(user):
        found = found.filter(id__in=departments_under(user))
    rows = {row[0]: row for row in found.values_list("id", "parent_id", "code", "name")}
    children: dict[int | None, list[int]] = {}
    for department, parent, _code, _name in rows.values():
        children.setdefault(parent if parent in rows else None, []).append(department)

    def subtree(department: int) -> frozenset[int]:
        below = (subtree(child) for child in children.get(department, []))
        return frozenset({department}).union(*below)

    def walk(department: int, depth: int) -> Iterator[DepartmentChoice]:
        _id, _parent, code, name = rows[department]
        yield DepartmentChoice(department, code, name, depth, subtree(department))
        for child in children.get(department, []):
            yield from walk(child, depth + 1)

    for root in children.get(None, []):
        yield from walk(root, 0)


def _encodable(text: str) -> str:
    """Return the text with lone surrogates replaced: no database takes them."""
    return text.encode(errors="replace").decode()


def _shown(text: str) -> str:
    return text[:SHOWN_OF_A_WRONG_VALUE]

"""Which model should this be? Asked before a draft, and compared with what follows."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from engagements.admin.beginnings import Beginning, DraftSource, begins_from
from engagements.admin.columns import figure, short_date
from engagements.admin.pages import PAGES
from engagements.admin.panels import Panel, on_engagement_page
from engagements.admin.record_admin import ReadOnlyAdmin, actor_of
from engagements.admin.scope import visible
from engagements.admin.unfold_types import display
from engagements.choices import Kind, RateUnit
from engagements.errors import WrongStateError
from engagements.models import Assignment, Engagement, ManagedContract, Service, User
from engagements.permissions import sees_money
from engagements.values.money import format_money
from engagements.values.periods import ONE_DAY, add_months
from tracker.admin.intake_forms import ONLY_OF_RUNNING, IntakeForm
from tracker.admin.verdict import VERDICT_COLOURS, Details, details_of
from tracker.fit.assumption_words import in_words as assumption_in_words
from tracker.fit.explanation import percent
from tracker.fit.models import Advice, Advised, Assessment, advice_scope
from tracker.fit.outcome import NAMED, Borne, Followed, borne, followed
from tracker.fit.queries import latest_assessment
from tracker.fit.questions import in_words
from tracker.fit.reading import headline_of
from tracker.fit.services import give_advice, keep_advice
from tracker.fit.verdict import Answer

if TYPE_CHECKING:
    from django.contrib.admin import SimpleListFilter as _Dropdown
else:
    from unfold.contrib.filters.admin import DropdownFilter as _Dropdown

PARAMETER = "advice"
# More hours a week are several people's, and each is an engagement of its own.
ONE_PERSON_HOURS = 60
ADVISED_COLOURS = {
    Advised.NOT_ENOUGH_EVIDENCE.value: "default",
    Advised.MANAGED_FITS.value: "primary",
    Advised.AUGMENTED_FITS.value: "info",
    Advised.MIXED.value: "warning",
    Advised.EITHER_FITS.value: "default",
}
FOLLOWED_WORDS = {
    Followed.FOLLOWED: gettext_lazy("Followed"),
    Followed.NOT_FOLLOWED: gettext_lazy("Not followed"),
    Followed.LEFT_OPEN: gettext_lazy("Choice left open"),
    Followed.NO_DRAFT: gettext_lazy("No draft"),
}
FOLLOWED_COLOURS = {
    Followed.FOLLOWED.value: "success",
    Followed.NOT_FOLLOWED.value: "warning",
    Followed.LEFT_OPEN.value: "info",
    Followed.NO_DRAFT.value: "default",
}
BORNE_WORDS = {
    Borne.OUT: gettext_lazy("The records since bear the advice out."),
    Borne.NOT_OUT: gettext_lazy("The records since speak against the advice."),
    Borne.UNKNOWN: gettext_lazy("The records say neither for nor against it yet."),
}
_HAS_DRAFT = Q(engagement__isnull=False)
_NAMES_A_MODEL = Q(verdict__in=[answer.value for answer in NAMED])
_AS_ADVISED = Q(verdict=Advised.MANAGED_FITS, engagement__kind=Kind.MANAGED) | Q(
    verdict=Advised.AUGMENTED_FITS, engagement__kind=Kind.AUGMENTED
)
FOLLOWED_ROWS = {
    Followed.FOLLOWED.value: _AS_ADVISED,
    Followed.NOT_FOLLOWED.value: _HAS_DRAFT & _NAMES_A_MODEL & ~_AS_ADVISED,
    Followed.LEFT_OPEN.value: _HAS_DRAFT & ~_NAMES_A_MODEL,
    Followed.NO_DRAFT.value: ~_HAS_DRAFT,
}


class FollowedFilter(_Dropdown):
    title = gettext_lazy("what followed")
    parameter_name = "followed"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(word.value, label) for word, label in FOLLOWED_WORDS.items()]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Any]
    ) -> QuerySet[Any] | None:
        rows = FOLLOWED_ROWS.get(self.value() or "")
        return queryset if rows is None else queryset.filter(rows)


@dataclass(frozen=True)
class Cost:
    """A row of the money table, each amount a month."""

    label: Any
    low: str
    middle: str
    high: str


@admin.register(Advice)
class AdviceAdmin(ReadOnlyAdmin):
    list_display = (
        "name",
        "verdict_label",
        "share",
        "followed_label",
        "draft",
        "asked_by",
        "day_name",
    )
    list_filter = (FollowedFilter, ("verdict", ChoicesDropdownFilter))
    list_select_related = ("asked_by", "engagement")
    search_fields = ("title",)
    search_help_text = gettext_lazy("Title")
    ordering = ("-asked_at", "-id")
    show_full_result_count = False
    change_form_template = "tracker/admin/advice.html"
    fieldsets = ((None, {"fields": ("title", "verdict")}),)

    def get_queryset(self, request: HttpRequest) -> Any:
        user = actor_of(request)
        seen = Engagement.objects.visible_to(user).filter(pk=OuterRef("engagement"))
        rows = super().get_queryset(request).annotate(is_draft_visible=Exists(seen))
        match = request.resolver_match
        if match is None or match.url_name != "tracker_advice_changelist":
            return rows
        return rows.defer(
            "points", "missing", "counterfactuals", "wordings", "evidence", "money"
        )

    def has_add_permission(self, request: HttpRequest) -> bool:
        """To ask is to add one."""
        return request.user.has_perm("tracker.add_advice")

    def add_view(
        self,
        request: HttpRequest,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        user = actor_of(request)
        form = IntakeForm(request.POST or None, user=user)
        if request.method == "POST" and form.is_valid():
            try:
                advice = give_advice(planned=form.planned(), actor=user)
            except ValidationError as refusal:
                form.refuse(refusal)
            else:
                page = reverse("admin:tracker_advice_change", args=[advice.pk])
                return HttpResponseRedirect(page)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Which model should this be?"),
            "opts": self.opts,
            "form": form,
        }
        return TemplateResponse(request, "tracker/admin/intake.html", context)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        advice: Advice = context["original"]
        context |= told(advice, actor_of(request))
        context["logs_as"] = [] if advice.engagement_id else _ways(advice, request)
        return super().render_change_form(request, context, *args, **kwargs)

    @display(description=gettext_lazy("work"), ordering="title")
    def name(self, row: Advice) -> SafeString:
        return format_html('<span class="row-title">{}</span>', row.title)

    @display(
        description=gettext_lazy("advice"), label=ADVISED_COLOURS, ordering="verdict"
    )
    def verdict_label(self, row: Advice) -> tuple[str, str]:
        return row.verdict, row.get_verdict_display()

    @display(description=gettext_lazy("for managed"), ordering="acceptability")
    def share(self, row: Advice) -> SafeString:
        return figure(percent(row.acceptability))

    @display(description=gettext_lazy("what followed"), label=FOLLOWED_COLOURS)
    def followed_label(self, row: Advice) -> tuple[str, str]:
        word = what_followed(row)
        return word.value, str(FOLLOWED_WORDS[word])

    @display(description=gettext_lazy("engagement"), ordering="engagement__reference")
    def draft(self, row: Any) -> str:
        # One's own advice may have led to an engagement out of one's scope.
        return str(row.engagement) if row.is_draft_visible else ""

    @display(description=gettext_lazy("asked on"), ordering="asked_at")
    def day_name(self, row: Advice) -> str:
        return short_date(timezone.localdate(row.asked_at))


def what_followed(advice: Advice) -> Followed:
    draft = advice.engagement
    return followed(advice.verdict, draft.kind if draft else None)


def told(advice: Advice, user: User) -> dict[str, Any]:
    """What the page of an advice shows to the user."""
    return {
        "advice": advice,
        "colour": ADVISED_COLOURS[advice.verdict],
        "headline": headline_of(advice),
        "for_managed": percent(advice.acceptability),
        "for_augmented": percent(1 - advice.acceptability),
        "coverage": round(100 * advice.coverage),
        "details": _details(advice),
        "answers": [*in_words(advice.answers), *_plan(advice, user)],
        "outcome": outcome(advice, user),
        **_money(advice, user),
    }


def _details(advice: Advice) -> Details:
    """Without the facts that only what runs already can tell."""
    details = details_of(advice)
    open_yet = [fact for fact in details.missing if fact["code"] != ONLY_OF_RUNNING]
    return replace(details, missing=open_yet)


def _plan(advice: Advice, user: User) -> list[tuple[str, str]]:
    """What else was said of the work, as far as the user may see it."""
    asked = advice.asked
    service = visible(Service, user).filter(pk=advice.service_id or 0).first()
    starts_on = parse_date(asked.get("starts_on", ""))
    lines = [
        (_("Service"), str(service or "")),
        (_("Starts on"), short_date(starts_on) if starts_on else ""),
        (_("For how many months"), asked.get("months", "")),
        (_("Hours a week"), asked.get("weekly_hours", "")),
    ]
    if sees_money_of(advice, user):
        unit = RateUnit(asked["rate_unit"]).label
        lines += [
            (_("Expected rate, %(unit)s") % {"unit": unit}, _amount(asked, "rate")),
            (_("Expected monthly fee"), _amount(asked, "fee")),
            (_("Cost of our manager's hour"), _amount(asked, "manager_hour_cost")),
        ]
    return [(label, value) for label, value in lines if value]


def _amount(asked: dict[str, str], name: str) -> str:
    if name not in asked:
        return ""
    return format_money(Decimal(asked[name]), asked["currency"])


@dataclass(frozen=True)
class Outcome:
    """Advice beside the choice and the latest assessment of what was chosen."""

    advised: str
    advised_colour: str
    engagement: Engagement
    chosen: str
    word: str
    colour: str
    is_against: bool
    found: str
    found_colour: str
    found_on: Any
    agreement: str


def outcome(advice: Advice, user: User) -> Outcome | None:
    """What became of the advice, or None without an engagement in the user's scope."""
    if advice.engagement_id is None:
        return None
    engagement = visible(Engagement, user).filter(pk=advice.engagement_id).first()
    if engagement is None:
        return None
    word = followed(advice.verdict, engagement.kind)
    found: Assessment | None = latest_assessment(engagement, user)
    agrees = borne(advice.verdict, engagement.kind, found.verdict if found else None)
    return Outcome(
        advised=advice.get_verdict_display(),
        advised_colour=ADVISED_COLOURS[advice.verdict],
        engagement=engagement,
        chosen=engagement.get_kind_display(),
        word=str(FOLLOWED_WORDS[word]),
        colour=FOLLOWED_COLOURS[word.value],
        is_against=word is Followed.NOT_FOLLOWED,
        found=found.get_verdict_display() if found else "",
        found_colour=VERDICT_COLOURS[found.verdict] if found else "",
        found_on=found.as_of if found else None,
        agreement=str(BORNE_WORDS[agrees]),
    )


def _money(advice: Advice, user: User) -> dict[str, Any]:
    """The money range, for those who see the money of this advice."""
    if not sees_money_of(advice, user):
        return {"shows_money": False}
    if advice.money is None:
        return {"shows_money": True, "costs": []}
    currency = advice.money["currency"]
    months = int(Decimal(advice.asked.get("months", 0)))
    rows = (
        ("managed", Kind.MANAGED.label),
        ("augmented", Kind.AUGMENTED.label),
        ("difference", _("Managed less augmented")),
    )
    return {
        "shows_money": True,
        "costs": [
            _cost(label, advice.money[name], currency, 1) for name, label in rows
        ],
        "months": months,
        "costs_in_all": [
            _cost(label, advice.money[name], currency, months) for name, label in rows
        ]
        if months
        else [],
        "assumptions": [
            assumption_in_words(row) for row in advice.money["assumptions"]
        ],
    }


def _cost(label: Any, amounts: dict[str, str], currency: str, months: int) -> Cost:
    low, middle, high = (
        format_money(months * Decimal(amounts[name]), currency, whole=True)
        for name in ("p10", "p50", "p90")
    )
    return Cost(label=label, low=low, middle=middle, high=high)


def sees_money_of(advice: Advice, user: User) -> bool:
    if not sees_money(user):
        return False
    seen = advice_scope(user, with_money=True)
    return Advice.objects.filter(seen, pk=advice.pk).exists()


@dataclass(frozen=True)
class Way:
    """A button that logs what was asked about, in one of the models."""

    label: Any
    url: str
    is_advised: bool


def _ways(advice: Advice, request: HttpRequest) -> list[Way]:
    labels = {
        Kind.MANAGED.value: _("Log it as managed service"),
        Kind.AUGMENTED.value: _("Log it as augmented contractor"),
    }
    advised = NAMED.get(Answer(advice.verdict))
    return [
        Way(
            label=label,
            url=reverse(f"admin:engagements_{PAGES[kind]}_add")
            + f"?{PARAMETER}={advice.public_id}",
            is_advised=kind == advised,
        )
        for kind, label in labels.items()
        if request.user.has_perm(f"engagements.add_{PAGES[kind]}")
    ]


class FromAdvice(DraftSource):
    """Begins a draft with what was asked about, and keeps the advice on it."""

    def begin(self, key: str, model: type[Engagement], user: User) -> Beginning | None:
        advice = _usable(key, user)
        if advice is None or advice.engagement_id is not None:
            return None
        return Beginning(
            note=_note(advice, model), initial=_initial(advice, model, user)
        )

    def keep(self, key: str, engagement: Engagement, user: User) -> str:
        advice = _usable(key, user)
        if advice is None:
            return ""
        try:
            keep_advice(advice=advice, engagement=engagement, actor=user)
        except WrongStateError as refusal:
            return str(refusal)
        return ""


begins_from(PARAMETER, FromAdvice())


def _usable(key: str, user: User) -> Advice | None:
    """The advice of this id, where the user may see it."""
    try:
        found = UUID(key)
    except ValueError:
        return None
    return Advice.objects.visible_to(user).filter(public_id=found).first()


def _note(advice: Advice, model: type[Engagement]) -> SafeString:
    kind = Kind.MANAGED if issubclass(model, ManagedContract) else Kind.AUGMENTED
    word = followed(advice.verdict, kind.value)
    body = render_to_string(
        "tracker/admin/advice_note.html",
        {
            "advice": advice,
            "colour": ADVISED_COLOURS[advice.verdict],
            "is_against": word is Followed.NOT_FOLLOWED,
            "headline": headline_of(advice),
        },
    )
    return mark_safe(body)  # noqa: S308 - a template's, which escapes


def _initial(advice: Advice, model: type[Engagement], user: User) -> dict[str, Any]:
    """The add page's fields; those of the other model, and out of scope, left out."""
    asked = advice.asked
    initial: dict[str, Any] = {"title": advice.title}
    service = advice.service_id
    if service and visible(Service, user).filter(pk=service).exists():
        initial["service"] = service
    starts_on = parse_date(asked.get("starts_on", ""))
    if starts_on:
        initial["starts_on"] = starts_on
        if "months" in asked:
            months = int(Decimal(asked["months"]))
            initial["ends_on"] = add_months(starts_on, months) - ONE_DAY
    weekly = Decimal(asked.get("weekly_hours", 0))
    if issubclass(model, Assignment) and 0 < weekly <= ONE_PERSON_HOURS:
        initial["planned_weekly_hours"] = weekly
    if sees_money_of(advice, user):
        initial |= _prices(asked, model)
    return initial


def _prices(asked: dict[str, str], model: type[Engagement]) -> dict[str, Any]:
    price, field = (
        ("rate", "rate")
        if issubclass(model, Assignment)
        else (
            "fee",
            "monthly_fee",
        )
    )
    if price not in asked:
        return {}
    prices: dict[str, Any] = {
        field: Decimal(asked[price]),
        "currency": asked["currency"],
    }
    if price == "rate":
        prices["rate_unit"] = asked["rate_unit"]
    return prices


@on_engagement_page
def advice_panel(engagement: Engagement, user: User) -> Panel | None:
    """What was advised before the draft, beside the choice and what was found since."""
    if not user.has_perm("tracker.view_advice"):
        return None
    advice = Advice.objects.visible_to(user).filter(engagement=engagement.pk).first()
    found = outcome(advice, user) if advice else None
    if advice is None or found is None:
        return None
    body = render_to_string("tracker/admin/advice_panel.html", {"outcome": found})
    return Panel(
        title=_("Advice and outcome"),
        body=mark_safe(body),  # noqa: S308 - a template's, which escapes
        link=reverse("admin:tracker_advice_change", args=[advice.pk]),
        link_text=_("Advice"),
    )

"""Tables of what one person answers for: page, CSV and XLSX by one class each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any, ClassVar

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as marked

from engagements.choices import LIVE_STATUSES, OPEN_TASKS, Kind, Phase, Renewal
from engagements.models import (
    Approval,
    Assignment,
    ChecklistTask,
    Contractor,
    Document,
    Engagement,
    User,
)
from engagements.permissions import engagement_scope, sees_money
from engagements.queries import waiting_for, with_price
from engagements.services.tenure import tenure_clocks
from engagements.values.language import translated
from engagements.values.periods import add_months, month_of
from tracker.dashboards.levels.drawing import figure
from tracker.dashboards.levels.reports import RISKS, consequence, promise
from tracker.dashboards.levels.scope import NAME as LEVELS
from tracker.dashboards.levels.scope import LevelScope
from tracker.dashboards.report import Column, ColumnKind, Row
from tracker.dashboards.topics.report import TopicReport
from tracker.dashboards.vendors.reports import price_text, unit_name
from tracker.fit.flags_waiting import Action, WaitingFlag, waiting_flags
from tracker.performance.at_risk import Risk
from tracker.performance.level_queries import AtRisk, LevelsWhere, levels_in_window
from tracker.performance.queries import credits_to_claim
from tracker.spend.contractor_hours import ContractorHours, contractor_hours
from tracker.spend.queries import SpendWhere, spend_by_engagement
from tracker.spend.sheets_waiting import WaitingSheet, sheets_waiting

MONEY, PRICE, COUNT = ColumnKind.MONEY, ColumnKind.PRICE, ColumnKind.COUNT
DAY = ColumnKind.DAY
# Hours have up to two decimals, as prices do.
HOURS = ColumnKind.PRICE
AHEAD = timedelta(days=180)
WHOSE, ALL = "whose", "all"
PAGES = {Kind.MANAGED.value: "managedcontract", Kind.AUGMENTED.value: "assignment"}


class OwnReport(TopicReport):
    """What every table here is narrowed to: live engagements that the reader manages.

    Asked for all, those that the reader may see: a head's department, say.
    """

    slug = ""

    @cached_property
    def today(self) -> date:
        return timezone.localdate()

    @property
    def is_of_all(self) -> bool:
        return self.scope.parameters.get(WHOSE) == ALL

    def engagements(self) -> QuerySet[Engagement]:
        user = self.scope.user
        rows = Engagement.objects.visible_to(user).filter(status__in=LIVE_STATUSES)
        if not user.has_perm("engagements.view_engagement"):
            return rows.none()
        if not self.is_of_all:
            rows = rows.filter(manager=user)
        if self.scope.where.department_ids is not None:
            rows = rows.filter(department__in=self.scope.where.department_ids)
        return rows

    def ids(self) -> QuerySet[Any, Any]:
        return self.engagements().order_by().values("pk")

    def page_of(self, engagement: Engagement) -> str:
        """Return the engagement's page; "" for who has no way there."""
        model, user = PAGES[engagement.kind], self.scope.user
        if not (user.is_staff and user.has_perm(f"engagements.view_{model}")):
            return ""
        return reverse(f"admin:engagements_{model}_change", args=[engagement.pk])

    def admin_url(self, permission: str, name: str, *args: int) -> str:
        user = self.scope.user
        if not (user.is_staff and user.has_perm(permission)):
            return ""
        return reverse(f"admin:{name}", args=args)


class OwnEngagements(OwnReport):
    slug = "my-engagements"
    title = marked("Engagements")
    noun = marked("engagements")
    also_reads: ClassVar[Sequence[str]] = ("engagements:read",)
    nothing = marked("You manage no live engagement.")
    columns: ClassVar[Sequence[Column]] = (
        Column(marked("Engagement")),
        Column(marked("Reference"), on_page=False),
        Column(marked("Vendor"), rank=3),
        Column(marked("Model"), on_page=False),
        Column(marked("Phase"), rank=2),
        Column(marked("Term ends"), DAY, rank=3),
        Column(marked("Last day for notice"), DAY),
        Column(marked("Price"), in_file=False, rank=2),
        Column(marked("Price"), PRICE, on_page=False),
        Column(marked("Per"), on_page=False),
        Column(marked("Currency"), on_page=False),
        Column(marked("Spend of 12 months"), MONEY, is_summed=True, rank=2),
        Column(marked("Reporting currency"), on_page=False),
    )

    @cached_property
    def engaged(self) -> list[Any]:
        mine: Any = self.engagements()
        rows = mine.with_phase(self.today).select_related("vendor")
        return list(with_price(rows, self.today).order_by("term_ends_on", "reference"))

    @cached_property
    def spent(self) -> dict[Any, Decimal]:
        last = month_of(self.today)
        where = SpendWhere(first_month=add_months(last, -11), last_month=last)
        found = spend_by_engagement(self.scope.user, where)
        return {one.public_id: one.parts.total for one in found}

    @cached_property
    def priced(self) -> frozenset[int]:
        """The engagements whose money the reader may see."""
        return frozenset(with_money(self.engagements(), self.scope.user))

    def listed(self) -> list[Row]:
        return [self._row(one) for one in self.engaged]

    def _row(self, one: Any) -> Row:
        sees = one.pk in self.priced
        price = one.rate if one.fee is None else one.fee
        unit = "month" if one.fee is not None else one.unit or ""
        price, unit = (price, unit) if sees else (None, "")
        values = (
            one.title,
            one.reference,
            one.vendor.legal_name,
            str(Kind(one.kind).label),
            str(Phase(one.phase).label),
            one.term_ends_on,
            one.notice_deadline_on,
            price_text(self.scope, price, unit, one.currency),
            price,
            unit_name(unit),
            one.currency,
            self.spent.get(one.public_id, Decimal(0)) if sees else None,
            self.scope.notation.currency,
        )
        return Row(values, self.page_of(one))


def with_money(rows: QuerySet[Engagement], user: User) -> Iterator[int]:
    found = rows.filter(engagement_scope(user, with_money=True)).order_by()
    return iter(found.values_list("pk", flat=True))


@dataclass(frozen=True)
class Ahead:
    """One day that must not pass unseen, and what is to be done by then."""

    day: date
    what: str
    engagement: Engagement
    to_do: str
    href: str


class OwnDeadlines(OwnReport):
    """The days ahead, and those gone by on which something still waits."""

    slug = "my-deadlines"
    title = marked("Deadlines")
    noun = marked("deadlines")
    also_reads: ClassVar[Sequence[str]] = ("engagements:read",)
    says = marked("The next 180 days, and what is overdue.")
    nothing = marked("No deadline within 180 days.")
    columns: ClassVar[Sequence[Column]] = (
        Column(marked("Engagement")),
        Column(marked("Reference"), on_page=False),
        Column(marked("Vendor"), rank=3),
        Column(marked("What"), rank=2),
        Column(marked("By"), DAY),
        Column(marked("Days left"), COUNT),
        Column(marked("What to do"), wraps=True, rank=2),
    )

    @cached_property
    def ahead(self) -> list[Ahead]:
        found = [
            *self._terms(),
            *self._documents(),
            *self._tasks(),
            *self._claims(),
            *self._tenure(),
        ]
        return sorted(found, key=lambda one: (one.day, one.engagement.pk, one.what))

    def listed(self) -> list[Row]:
        return [
            Row(
                (
                    one.engagement.title,
                    one.engagement.reference,
                    str(one.engagement.vendor),
                    one.what,
                    one.day,
                    (one.day - self.today).days,
                    one.to_do,
                ),
                one.href,
            )
            for one in self.ahead
        ]

    @property
    def _until(self) -> date:
        return self.today + AHEAD

    def _terms(self) -> Iterator[Ahead]:
        near = Q(notice_deadline_on__range=(self.today, self._until))
        ends = Q(term_ends_on__lte=self._until)
        for one in self.engagements().filter(near | ends).select_related("vendor"):
            href = self.page_of(one)
            deadline = one.notice_deadline_on
            if deadline and self.today <= deadline <= self._until:
                yield Ahead(
                    deadline, _("Last day for notice"), one, _renewal(one), href
                )
            elif one.term_ends_on and one.term_ends_on < self.today:
                to_do = _("Renew it, or end it: nothing is agreed any more.")
                yield Ahead(one.term_ends_on, _("Term is over"), one, to_do, href)
            elif one.term_ends_on and one.term_ends_on <= self._until:
                yield Ahead(one.term_ends_on, _("Term ends"), one, _ending(one), href)

    def _documents(self) -> Iterator[Ahead]:
        rows = (
            Document.objects.visible_to(self.scope.user)
            .current()
            .filter(engagement__in=self.ids(), expires_on__lte=self._until)
            .select_related("engagement__vendor")
        )
        for one in rows:
            if one.expires_on is not None:
                yield Ahead(
                    one.expires_on,
                    _("Document runs out"),
                    one.engagement,
                    _("Renew “%(title)s” and add the new one.") % {"title": one.title},
                    self.page_of(one.engagement),
                )

    def _tasks(self) -> Iterator[Ahead]:
        """Yield the reader's own tasks: those of others are theirs to do."""
        rows = (
            ChecklistTask.objects.visible_to(self.scope.user)
            .filter(
                owner=self.scope.user, status__in=OPEN_TASKS, due_on__lte=self._until
            )
            .select_related("engagement__vendor")
        )
        for one in rows:
            if one.due_on is not None:
                yield Ahead(
                    one.due_on,
                    _("Task"),
                    one.engagement,
                    one.title,
                    self.admin_url(
                        "engagements.view_checklisttask",
                        "engagements_checklisttask_change",
                        one.pk,
                    ),
                )

    def _claims(self) -> Iterator[Ahead]:
        """Yield credits that are lost unless they are claimed in time."""
        user = self.scope.user
        if not (sees_money(user) and user.has_perm("tracker.view_credit")):
            return
        priced = self.engagements().filter(
            pk__in=list(with_money(self.engagements(), user))
        )
        for one in credits_to_claim(priced, today=self.today, along=("vendor",)):
            if one.claim_by_on is None or one.claim_by_on > self._until:
                continue
            amount = self.scope.notation.money(one.amount, one.engagement.currency)
            yield Ahead(
                one.claim_by_on,
                _("Claim a credit"),
                one.engagement,
                _("Claim %(amount)s, or it is lost.") % {"amount": amount},
                self.admin_url("tracker.view_credit", "tracker_credit_change", one.pk),
            )

    def _tenure(self) -> Iterator[Ahead]:
        if not self.scope.user.has_perm("engagements.view_contractor"):
            return
        seen: QuerySet[Assignment] = QuerySet(Assignment)
        rows = (
            seen.filter(pk__in=self.ids(), contractor__isnull=False)
            .select_related("contractor", "vendor")
            .order_by("starts_on")
        )
        by_person: dict[Contractor, Assignment] = {
            one.contractor: one for one in rows if one.contractor
        }
        clocks = tenure_clocks(contractors=list(by_person), today=self.today)
        for person, assignment in by_person.items():
            for each in clocks.get(person.pk, []):
                if each.clock.limit_on > self._until:
                    continue
                yield Ahead(
                    each.clock.limit_on,
                    _("Tenure limit"),
                    assignment,
                    f"{person.full_name}: {each.policy.name}",
                    self.page_of(assignment),
                )


def _renewal(one: Engagement) -> str:
    if one.renewal == Renewal.AUTO:
        return _("Give notice by then, or it renews by itself.")
    return _("Give notice by then, or agree how it goes on.")


def _ending(one: Engagement) -> str:
    if one.renewal == Renewal.AUTO and one.notice_given_on is None:
        return _("It renews by itself.")
    return _("Renew it, or prepare its end.")


class OwnApprovals(OwnReport):
    """What waits for the reader's decision, whoever's engagement it is."""

    slug = "my-approvals"
    title = marked("Waiting for my approval")
    noun = marked("approvals")
    also_reads: ClassVar[Sequence[str]] = ("engagements:read",)
    unheeded: ClassVar[frozenset[str]] = frozenset({"department", WHOSE})
    nothing = marked("No approval waits for you.")
    columns: ClassVar[Sequence[Column]] = (
        Column(marked("Engagement")),
        Column(marked("Reference"), on_page=False),
        Column(marked("Vendor"), rank=3),
        Column(marked("Rule"), rank=3),
        Column(marked("Asked by"), rank=2),
        Column(marked("Since"), DAY, rank=3),
        Column(marked("Days waiting"), COUNT),
    )

    @cached_property
    def waiting(self) -> list[Approval]:
        user = self.scope.user
        if not user.has_perm("engagements.view_approval"):
            return []
        rows = waiting_for(user).select_related(
            "engagement__vendor", "rule", "asked_by"
        )
        return list(rows.order_by("created_at", "id"))

    def listed(self) -> list[Row]:
        return [self._row(one) for one in self.waiting]

    def _row(self, one: Approval) -> Row:
        since = timezone.localdate(one.created_at)
        values = (
            one.engagement.title,
            one.engagement.reference,
            str(one.engagement.vendor),
            str(one.rule),
            str(one.asked_by),
            since,
            (self.today - since).days,
        )
        href = self.admin_url(
            "engagements.view_approval", "engagements_approval_change", one.pk
        )
        return Row(values, href)


class OwnTimesheets(OwnReport):
    """Hours that others submitted and the reader may decide about."""

    slug = "my-timesheets"
    title = marked("Hours to approve")
    noun = marked("timesheets")
    also_reads: ClassVar[Sequence[str]] = ("timesheets:read",)
    unheeded: ClassVar[frozenset[str]] = frozenset({"department", WHOSE})
    nothing = marked("No timesheet waits for you.")
    columns: ClassVar[Sequence[Column]] = (
        Column(marked("Contractor")),
        Column(marked("Engagement"), rank=2),
        Column(marked("From"), DAY, rank=3),
        Column(marked("To"), DAY),
        Column(marked("Hours"), HOURS, is_summed=True),
        Column(marked("Submitted by"), rank=3),
    )

    @cached_property
    def sheets(self) -> list[WaitingSheet]:
        if not self.scope.user.has_perm("tracker.change_timesheet"):
            return []
        return sheets_waiting(self.scope.user)

    def listed(self) -> list[Row]:
        return [
            Row(
                (
                    one.contractor.full_name,
                    one.engagement.title,
                    one.starts_on,
                    one.ends_on,
                    one.hours,
                    one.submitted_by,
                ),
                self.admin_url(
                    "tracker.view_timesheet", "tracker_timesheet_change", one.pk
                ),
            )
            for one in self.sheets
        ]


class OwnPeople(OwnReport):
    """The contractors that the reader directs, and their hours of late."""

    slug = "my-people"
    title = marked("People and their hours")
    noun = marked("people")
    also_reads: ClassVar[Sequence[str]] = ("contractors:read", "timesheets:read")
    says = marked(
        "Hours since the month before began. Sheets not started are of the last 12"
        " weeks; each person opens with hours, rates and tenure."
    )
    nothing = marked("No contractor works for you.")
    columns: ClassVar[Sequence[Column]] = (
        Column(marked("Person")),
        Column(marked("Reference"), on_page=False),
        Column(marked("Role"), rank=2),
        Column(marked("Vendor"), rank=3),
        Column(marked("Hours agreed"), HOURS, is_summed=True),
        Column(marked("Waiting"), HOURS, is_summed=True, rank=2),
        Column(marked("Overtime"), HOURS, is_summed=True, rank=3),
        Column(marked("Sheets not started"), COUNT, is_summed=True),
    )

    @cached_property
    def people(self) -> list[ContractorHours]:
        user = self.scope.user
        if not user.has_perm("engagements.view_contractor"):
            return []
        this_month = month_of(self.today)
        where = SpendWhere(
            first_month=add_months(this_month, -1), last_month=this_month
        )
        return contractor_hours(
            user, where, today=self.today, narrowed=Q(pk__in=self.ids())
        )

    def listed(self) -> list[Row]:
        return [self._row(one) for one in self.people]

    def _row(self, one: ContractorHours) -> Row:
        person = one.assignment.contractor
        values = (
            person.full_name if person else one.assignment.title,
            one.assignment.reference,
            one.assignment.role,
            str(one.assignment.vendor),
            one.hours.agreed,
            one.hours.waiting,
            one.hours.overtime,
            one.missing,
        )
        href = self.page_of(one.assignment)
        if sees_money(self.scope.user):
            page = reverse("tracker:contractors")
            href = f"{page}?engagement={one.assignment.public_id}"
        return Row(values, href)


class OwnLevels(OwnReport):
    """Service levels whose running window is short of its bound, or near it."""

    slug = "my-service-levels"
    title = marked("Service levels at risk")
    noun = marked("service levels")
    also_reads: ClassVar[Sequence[str]] = ("measurements:read",)
    nothing = marked("No service level is at risk.")
    columns: ClassVar[Sequence[Column]] = (
        Column(marked("Service level")),
        Column(marked("Engagement"), rank=2),
        Column(marked("Vendor"), rank=3),
        Column(marked("Window until"), DAY, rank=3),
        Column(marked("So far")),
        Column(marked("Promise"), rank=2),
        Column(marked("Standing")),
        Column(marked("What would follow"), wraps=True, rank=2),
    )

    @cached_property
    def pressing(self) -> list[AtRisk]:
        user = self.scope.user
        if not user.has_perm("tracker.view_levelresult"):
            return []
        where = LevelsWhere(department_ids=self.scope.where.department_ids)
        mine = set(self.engagements().order_by().values_list("pk", flat=True))
        return [
            one
            for one in levels_in_window(user, where, today=self.today)
            if one.engagement.pk in mine and one.risk in (Risk.SHORT, Risk.NEAR)
        ]

    def listed(self) -> list[Row]:
        return [self._row(one) for one in self.pressing]

    def _row(self, one: AtRisk) -> Row:
        scope = self.scope
        told = LevelScope(
            scope.user, scope.where, scope.period, scope.notation, topic=LEVELS
        )
        values = (
            one.level.name,
            one.engagement.title,
            str(one.engagement.vendor),
            one.window.last,
            figure(one.so_far.value, one.level.unit),
            promise(one),
            translated(RISKS[one.risk]),
            consequence(one, told),
        )
        href = told.page_url(engagement=str(one.engagement.public_id))
        return Row(values, href)


ACTIONS = {
    Action.GIVE_NOTICE: marked("Give notice and convert to %(model)s"),
    Action.CONVERT_AT_END: marked("Convert to %(model)s when the term ends"),
    Action.WAIT_FOR_RENEWAL: marked(
        "Notice has passed: it renews, and binds for one more term"
    ),
    Action.CONVERT: marked("Convert to %(model)s at any time"),
}
# Where a date asks for a decision, and the engine for no other model.
UNLEANING = {
    Action.GIVE_NOTICE: marked("Decide while notice can be given"),
    Action.CONVERT_AT_END: marked("Decide before the term ends"),
    Action.WAIT_FOR_RENEWAL: ACTIONS[Action.WAIT_FOR_RENEWAL],
    Action.CONVERT: marked("Decide at any time"),
}
MODELS = {
    Kind.MANAGED.value: marked("a managed service"),
    Kind.AUGMENTED.value: marked("augmented contractors"),
}


class OwnFlags(OwnReport):
    """Flags that wait, each with what can still be done and until when."""

    slug = "my-flags"
    title = marked("Flags that wait for a decision")
    noun = marked("flags")
    also_reads: ClassVar[Sequence[str]] = ("model-flags:read",)
    nothing = marked("No flag waits for a decision.")
    columns: ClassVar[Sequence[Column]] = (
        Column(marked("Engagement")),
        Column(marked("Reference"), on_page=False),
        Column(marked("Strongest reason"), wraps=True, rank=3),
        Column(marked("Saving a month"), MONEY, rank=2),
        Column(marked("Decision"), rank=2),
        Column(marked("What can still be done"), wraps=True),
        Column(marked("Until"), DAY),
        Column(marked("Days left"), COUNT, rank=2),
        Column(marked("Currency"), on_page=False),
    )

    @cached_property
    def flags(self) -> list[WaitingFlag]:
        user = self.scope.user
        if not user.has_perm("tracker.view_flag"):
            return []
        return waiting_flags(user, self.engagements(), today=self.today)

    def listed(self) -> list[Row]:
        return [self._row(one) for one in self.flags]

    def _possible(self, one: WaitingFlag) -> str:
        if not one.leaning:
            return translated(UNLEANING[one.action])
        model = translated(MODELS[one.leaning])
        return translated(ACTIONS[one.action]) % {"model": model}

    def _row(self, one: WaitingFlag) -> Row:
        worth = one.worth
        values = (
            one.engagement.title,
            one.engagement.reference,
            str(capfirst(one.sentence)),
            worth.p50.quantize(Decimal("0.01")) if worth else None,
            one.state,
            self._possible(one),
            one.until,
            (one.until - self.today).days if one.until else None,
            self.scope.notation.currency,
        )
        href = self.admin_url("tracker.view_flag", "tracker_flag_change", one.pk)
        return Row(values, href)

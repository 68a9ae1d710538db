from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, ClassVar, Literal, Self

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, Value, When
from django.utils.translation import gettext_lazy as _

from engagements.choices import (
    ChangeOrderState,
    DocumentType,
    EndReason,
    Kind,
    NoticeUnit,
    Origin,
    Phase,
    Renewal,
    Status,
)
from engagements.models.fields import HoursField, MoneyField, PercentField
from engagements.models.organisation import CostCentre
from engagements.models.record import Detail, Record, has_length
from engagements.models.validators import country_code, currency_code
from engagements.values.periods import first_term, notice_deadline

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from engagements.models.people import User

# An engagement is called ending this long before its last day.
ENDING_DAYS = 30
# The notice window opens this long before the last day to give notice.
NOTICE_WINDOW_DAYS = 90


class EngagementQuerySet(QuerySet["Engagement"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Keep what the user's roles let them see; where every surface begins."""
        from engagements.permissions import engagement_scope

        return self.filter(engagement_scope(user))

    def with_phase(self, today: date) -> Self:
        """Annotate `phase`: what the dates and the status mean on `today`."""
        return self.annotate(
            phase=Case(
                When(
                    status__in=[Status.ENDED, Status.TERMINATED, Status.CANCELLED],
                    then=Value(Phase.CLOSED),
                ),
                When(starts_on__gt=today, then=Value(Phase.UPCOMING)),
                When(term_ends_on__lt=today, then=Value(Phase.OVERDUE)),
                When(
                    term_ends_on__lte=today + timedelta(days=ENDING_DAYS),
                    then=Value(Phase.ENDING),
                ),
                When(
                    notice_deadline_on__range=(
                        today,
                        today + timedelta(days=NOTICE_WINDOW_DAYS),
                    ),
                    then=Value(Phase.NOTICE_WINDOW),
                ),
                default=Value(Phase.IN_PROGRESS),
                output_field=models.CharField(max_length=16),
            )
        )

    def open_on(self, day: date) -> Self:
        """Keep engagements in force on the day, by their dates."""
        return self.filter(
            Q(ends_on__isnull=True) | Q(ends_on__gte=day), starts_on__lte=day
        )

    def select_for_update(
        self,
        nowait: bool = False,
        skip_locked: bool = False,
        of: Sequence[str] = (),
        no_key: bool = True,
    ) -> Self:
        """Lock the rows but for their keys, which never change.

        So nobody who stores a line that names one waits for us, holding what we wait
        for.
        """
        return super().select_for_update(
            nowait=nowait, skip_locked=skip_locked, of=of, no_key=no_key
        )


class Engagement(Record):
    """What was agreed with a vendor, in either of the two models."""

    # Annotated by `with_phase`.
    phase: str

    reference = models.CharField(
        _("reference"),
        max_length=40,
        unique=True,
        blank=True,
        help_text=_("Left blank, a reference is given."),
    )
    title = models.CharField(_("title"), max_length=200)
    kind = models.CharField(_("model"), max_length=12, choices=Kind.choices)
    vendor = models.ForeignKey(
        "engagements.Vendor",
        on_delete=models.PROTECT,
        related_name="engagements",
        verbose_name=_("vendor"),
    )
    manager = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="engagements",
        verbose_name=_("manager"),
        help_text=_("Who answers for this engagement on our side."),
    )
    service = models.ForeignKey(
        "engagements.Service",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="engagements",
        verbose_name=_("service"),
        help_text=_("What the work keeps running or builds."),
    )
    department = models.ForeignKey(
        "engagements.Department",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="engagements",
        verbose_name=_("department"),
    )
    currency = models.CharField(
        _("currency"),
        max_length=3,
        default="GBP",
        validators=[currency_code],
        help_text=_("Every amount of this engagement is in it."),
    )
    country = models.CharField(
        _("country"),
        max_length=2,
        default="GB",
        validators=[country_code],
        help_text=_("Whose working days count, as ISO 3166 code."),
    )
    starts_on = models.DateField(_("starts on"), db_index=True)
    ends_on = models.DateField(
        _("ends on"),
        null=True,
        blank=True,
        help_text=_("Last day, included. Blank for an open end."),
    )
    renewal = models.CharField(
        _("renewal"), max_length=8, choices=Renewal.choices, default=Renewal.NONE
    )
    initial_term_months = models.PositiveSmallIntegerField(
        _("initial term (months)"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
    )
    renewal_term_months = models.PositiveSmallIntegerField(
        _("renewal term (months)"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
    )
    notice_period = models.PositiveSmallIntegerField(
        _("notice"),
        null=True,
        blank=True,
        help_text=_("How long before the term's end."),
    )
    notice_unit = models.CharField(
        _("notice in"),
        max_length=8,
        choices=NoticeUnit.choices,
        default=NoticeUnit.DAYS,
    )
    notice_given_on = models.DateField(_("notice given on"), null=True, blank=True)
    term_number = models.PositiveSmallIntegerField(default=1, editable=False)
    term_starts_on = models.DateField(_("term starts on"), editable=False)
    term_ends_on = models.DateField(
        _("term ends on"), null=True, editable=False, db_index=True
    )
    notice_deadline_on = models.DateField(
        _("notice deadline"), null=True, editable=False, db_index=True
    )
    committed_until_on = models.DateField(
        _("committed until"),
        null=True,
        editable=False,
        db_index=True,
        help_text=_("The earliest lawful last day, as things stand."),
    )
    agreed_until_on = models.DateField(
        _("agreed until"),
        null=True,
        editable=False,
        help_text=_("The last day agreed before notice cut it short."),
    )
    status = models.CharField(
        _("status"),
        max_length=20,
        choices=Status.choices,
        default=Status.DRAFT,
        db_index=True,
    )
    end_reason = models.CharField(
        _("end reason"), max_length=16, choices=EndReason.choices, blank=True
    )
    is_eligible_again = models.BooleanField(_("eligible again"), null=True, blank=True)
    origin = models.CharField(
        _("origin"),
        max_length=12,
        choices=Origin.choices,
        default=Origin.LOGGED,
        editable=False,
    )
    purchase_order_number = models.CharField(
        _("purchase order"), max_length=40, blank=True
    )
    predecessor = models.OneToOneField(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="successor",
        verbose_name=_("predecessor"),
    )

    objects: ClassVar[models.Manager[Engagement]] = EngagementQuerySet.as_manager()

    class Meta:
        ordering = ["reference"]
        indexes = [
            models.Index(fields=["vendor", "kind"]),
            models.Index(fields=["manager", "status"]),
            models.Index(fields=["department", "status"]),
        ]
        constraints = [
            models.CheckConstraint(
                name="engagement_kind_known", condition=Q(kind__in=Kind.values)
            ),
            models.CheckConstraint(
                name="engagement_status_known", condition=Q(status__in=Status.values)
            ),
            models.CheckConstraint(
                name="engagement_renewal_known", condition=Q(renewal__in=Renewal.values)
            ),
            models.CheckConstraint(
                name="engagement_notice_unit_known",
                condition=Q(notice_unit__in=NoticeUnit.values),
            ),
            models.CheckConstraint(
                name="engagement_origin_known", condition=Q(origin__in=Origin.values)
            ),
            models.CheckConstraint(
                name="engagement_currency_code", condition=has_length("currency", 3)
            ),
            models.CheckConstraint(
                name="engagement_country_code", condition=has_length("country", 2)
            ),
            models.CheckConstraint(
                name="engagement_ends_after_start",
                condition=Q(ends_on__isnull=True) | Q(ends_on__gte=F("starts_on")),
                violation_error_message=_("The end can't be before the start."),
            ),
            models.CheckConstraint(
                name="engagement_term_ends_after_start",
                condition=Q(term_ends_on__isnull=True)
                | Q(term_ends_on__gte=F("term_starts_on")),
                violation_error_message=_("The term can't end before it starts."),
            ),
            models.CheckConstraint(
                name="engagement_auto_renewal_has_term",
                condition=~Q(renewal="auto") | Q(renewal_term_months__isnull=False),
                violation_error_message=_(
                    "Say for how many months it renews by itself."
                ),
            ),
            models.CheckConstraint(
                name="engagement_not_own_predecessor",
                condition=Q(predecessor__isnull=True) | ~Q(predecessor=F("id")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reference} · {self.title}"

    def clean(self) -> None:
        super().clean()
        if self._ends_too_early():
            raise ValidationError({"ends_on": _("The end can't be before the start.")})

    def _ends_too_early(self) -> bool:
        return bool(self.starts_on and self.ends_on and self.ends_on < self.starts_on)

    def set_term(self) -> None:
        """Store the first term and its notice deadline, as the dates now stand."""
        term = first_term(
            starts_on=self.starts_on,
            # Such an end is refused on its own field; no term need be told of it.
            ends_on=None if self._ends_too_early() else self.ends_on,
            initial_months=self.initial_term_months,
            notice=self.notice_period,
            unit=self.notice_in,
        )
        self.term_number = term.number
        self.term_starts_on = term.starts_on
        self.term_ends_on = term.ends_on
        self.set_notice_deadline()

    def end_term(self) -> None:
        """Let a renewed term end with the agreed end, where that is its own end.

        What renews by itself runs up to a later end term by term.
        """
        ends = [self.ends_on]
        if self.renewal == Renewal.AUTO:
            ends.append(self.term_ends_on)
        self.term_ends_on = min(filter(None, ends), default=self.term_ends_on)
        self.set_notice_deadline()

    def set_notice_deadline(self) -> None:
        """Store the last day to give notice; once it is given, there is none."""
        self.notice_deadline_on = None
        if self.notice_given_on is not None:
            return
        if self.term_ends_on is not None and self.notice_period is not None:
            self.notice_deadline_on = notice_deadline(
                self.term_ends_on, self.notice_period, self.notice_in
            )

    @property
    def notice_in(self) -> Literal["days", "months"]:
        return "months" if self.notice_unit == NoticeUnit.MONTHS else "days"


class CostSplit(Detail):
    """Which cost centres pay from a day on; its shares sum to 100."""

    engagement = models.ForeignKey(
        Engagement, on_delete=models.CASCADE, related_name="cost_splits"
    )
    starts_on = models.DateField(_("starts on"))

    class Meta:
        ordering = ["starts_on"]
        verbose_name = _("cost split")
        constraints = [
            models.UniqueConstraint(
                name="cost_split_one_per_day",
                fields=["engagement", "starts_on"],
                violation_error_message=_("There is a split from this day already."),
            ),
        ]

    def __str__(self) -> str:
        return f"from {self.starts_on}"


class CostSplitShare(Detail):
    split = models.ForeignKey(
        CostSplit, on_delete=models.CASCADE, related_name="shares"
    )
    cost_centre = models.ForeignKey(
        CostCentre, on_delete=models.PROTECT, verbose_name=_("cost centre")
    )
    percent = PercentField(_("percent"))

    class Meta:
        ordering = ["id"]
        verbose_name = _("share")
        constraints = [
            models.UniqueConstraint(
                name="cost_split_share_one_per_centre",
                fields=["split", "cost_centre"],
                violation_error_message=_("Each cost centre stands once in a split."),
            ),
            models.CheckConstraint(
                name="cost_split_share_0_to_100",
                condition=Q(percent__gt=0, percent__lte=100),
                violation_error_message=_("A share is above 0 and at most 100."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.percent.normalize():f} %"


class ChangeOrderQuerySet(QuerySet["ChangeOrder"]):
    def with_state(self) -> Self:
        """Annotate `state`, which follows from the approvals that were asked for."""
        return self.annotate(
            state=Case(
                When(_has("rejected"), then=_state(ChangeOrderState.REJECTED)),
                When(_has("withdrawn"), then=_state(ChangeOrderState.WITHDRAWN)),
                When(_has("waiting"), then=_state(ChangeOrderState.WAITING)),
                default=_state(ChangeOrderState.IN_FORCE),
                output_field=models.CharField(max_length=10),
            )
        )

    def in_force(self) -> Self:
        return self.with_state().filter(state=ChangeOrderState.IN_FORCE)

    def waiting(self) -> Self:
        return self.with_state().filter(state=ChangeOrderState.WAITING)


def _has(outcome: str) -> Exists:
    from engagements.models.lifecycle import Approval

    approvals = Approval.objects.filter(change_order=OuterRef("pk"), outcome=outcome)
    return Exists(approvals)


def _state(state: ChangeOrderState) -> Value:
    return Value(state.value)


class ChangeOrder(Detail):
    """An agreed change; never edited, since it is what was signed.

    The database refuses every change of a stored one. What it changes takes effect
    once all approvals that the rules ask for are given.
    """

    # Annotated by `with_state`.
    state: str

    engagement = models.ForeignKey(
        Engagement, on_delete=models.PROTECT, related_name="change_orders"
    )
    number = models.PositiveSmallIntegerField(_("number"))
    effective_on = models.DateField(_("effective on"))
    value_change = MoneyField(_("change of value"))
    new_ends_on = models.DateField(_("new end"), null=True, blank=True)
    new_price = MoneyField(
        _("new price"),
        null=True,
        blank=True,
        help_text=_("The monthly fee, or the rate, from the effective day on."),
    )
    new_weekly_hours = HoursField(_("new weekly hours"), null=True, blank=True)
    reason = models.TextField(_("reason"))
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("recorded by"),
    )
    approver = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("approver"),
        help_text=_("Who signed it, where no approval was asked for here."),
    )

    objects: ClassVar[models.Manager[ChangeOrder]] = ChangeOrderQuerySet.as_manager()

    class Meta:
        ordering = ["engagement", "number"]
        verbose_name = _("change order")
        constraints = [
            models.UniqueConstraint(
                name="change_order_numbered_once", fields=["engagement", "number"]
            ),
            models.CheckConstraint(
                name="change_order_price_not_negative",
                condition=Q(new_price__isnull=True) | Q(new_price__gte=0),
                violation_error_message=_("The price can't be negative."),
            ),
            models.CheckConstraint(
                name="change_order_hours_in_week",
                condition=Q(new_weekly_hours__isnull=True)
                | Q(new_weekly_hours__gte=0, new_weekly_hours__lte=168),
                violation_error_message=_("Weekly hours are between 0 and 168."),
            ),
            models.CheckConstraint(
                name="change_order_ends_after_effective",
                condition=Q(new_ends_on__isnull=True)
                | Q(new_ends_on__gte=F("effective_on")),
                violation_error_message=_("The new end is before it takes effect."),
            ),
            models.CheckConstraint(
                name="change_order_not_signed_by_its_recorder",
                condition=Q(approver__isnull=True)
                | Q(recorded_by__isnull=True)
                | ~Q(approver=F("recorded_by")),
                violation_error_message=_("Nobody approves what they asked for."),
            ),
        ]

    def __str__(self) -> str:
        return f"Change order {self.number}"


def document_path(document: Document, _name: str) -> str:
    """Return where the file is kept: a name of ours, whatever the person's was."""
    return f"documents/{document.public_id.hex[:2]}/{document.public_id.hex}"


class DocumentQuerySet(QuerySet["Document"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Keep what belongs to engagements whose money the user may see.

        Contracts and statements of work tell fees and rates.
        """
        from engagements.permissions import document_scope

        return self.filter(document_scope(user))

    def current(self) -> Self:
        """Leave out what was removed, and what a newer version replaced."""
        newer = Document.objects.filter(replaces=OuterRef("pk"), removed_at=None)
        return self.filter(~Exists(newer), removed_at=None)


class Document(Record):
    """A file that belongs to an engagement; served as an attachment only.

    A removed one keeps its row, with who, when and why; its file is gone.
    """

    # Names of files and titles name people: a confidentiality agreement's signatory.
    PERSONAL_FIELDS: ClassVar[frozenset[str]] = frozenset({"title", "file_name"})

    engagement = models.ForeignKey(
        Engagement,
        on_delete=models.CASCADE,
        related_name="documents",
        verbose_name=_("engagement"),
    )
    document_type = models.CharField(
        _("type"), max_length=20, choices=DocumentType.choices
    )
    title = models.CharField(_("title"), max_length=200)
    file = models.FileField(_("file"), upload_to=document_path)
    file_name = models.CharField(
        _("file name"),
        max_length=150,
        editable=False,
        help_text=_("What the file is called when it is downloaded."),
    )
    content_type = models.CharField(max_length=100, editable=False)
    size = models.PositiveBigIntegerField(_("size"), editable=False)
    sha256 = models.CharField(max_length=64, editable=False)
    expires_on = models.DateField(
        _("expires on"),
        null=True,
        blank=True,
        help_text=_("Last day on which it is valid. Blank where it doesn't expire."),
    )
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        editable=False,
        verbose_name=_("added by"),
    )
    replaces = models.OneToOneField(
        "self",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        editable=False,
        related_name="replacement",
        verbose_name=_("replaces"),
    )
    removed_at = models.DateTimeField(_("removed at"), null=True, editable=False)
    removed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        editable=False,
        verbose_name=_("removed by"),
    )
    removal_reason = models.TextField(
        _("reason for removal"), blank=True, editable=False
    )

    objects: ClassVar[models.Manager[Document]] = DocumentQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        verbose_name = _("document")
        constraints = [
            models.CheckConstraint(
                name="document_type_known",
                condition=Q(document_type__in=DocumentType.values),
            ),
            models.CheckConstraint(
                name="document_sha256_whole", condition=has_length("sha256", 64)
            ),
            models.UniqueConstraint(
                name="document_content_once_per_engagement",
                fields=["engagement", "sha256"],
                condition=Q(removed_at__isnull=True),
                violation_error_message=_("This file is attached already."),
            ),
            models.CheckConstraint(
                name="document_removal_is_whole",
                condition=Q(
                    removed_at__isnull=True,
                    removed_by__isnull=True,
                    removal_reason="",
                )
                | Q(removed_at__isnull=False, removed_by__isnull=False)
                & ~Q(removal_reason=""),
                violation_error_message=_("Say why the document is removed."),
            ),
            models.CheckConstraint(
                name="document_not_own_replacement",
                condition=Q(replaces__isnull=True) | ~Q(replaces=F("id")),
            ),
        ]

    def __str__(self) -> str:
        return self.title

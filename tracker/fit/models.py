from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from engagements.choices import Kind
from engagements.models import Engagement
from engagements.models.record import Detail
from engagements.permissions import engagement_scope
from tracker.fit.reading import spoken
from tracker.fit.verdict import MOST_TENDENCY, Answer
from tracker.fit.verdict import Verdict as VerdictWord

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from engagements.models import User


class Verdict(models.TextChoices):
    NOT_ENOUGH_EVIDENCE = VerdictWord.NOT_ENOUGH_EVIDENCE, _("Not enough evidence")
    OTHER_MODEL_FITS = VerdictWord.OTHER_MODEL_FITS, _("Other model fits better")
    CURRENT_MODEL_FITS = VerdictWord.CURRENT_MODEL_FITS, _("Current model fits")
    MIXED = VerdictWord.MIXED, _("Mixed")
    EITHER_FITS = VerdictWord.EITHER_FITS, _("Either fits")


class Advised(models.TextChoices):
    """What advice can say of work that is in neither model yet."""

    NOT_ENOUGH_EVIDENCE = Answer.NOT_ENOUGH_EVIDENCE, _("Not enough evidence")
    MANAGED_FITS = Answer.MANAGED_FITS, _("Managed service fits")
    AUGMENTED_FITS = Answer.AUGMENTED_FITS, _("Augmented contractor fits")
    MIXED = Answer.MIXED, _("Mixed")
    EITHER_FITS = Answer.EITHER_FITS, _("Either fits")


class FlagState(models.TextChoices):
    OPEN = "open", _("Open")
    ACKNOWLEDGED = "acknowledged", _("Acknowledged")
    SNOOZED = "snoozed", _("Snoozed")
    ACCEPTED = "accepted", _("Accepted")
    CONVERTED = "converted", _("Converted")
    DISMISSED = "dismissed", _("Dismissed")
    CLEARED = "cleared", _("Cleared")


LIVE_STATES = (
    FlagState.OPEN,
    FlagState.ACKNOWLEDGED,
    FlagState.SNOOZED,
    FlagState.ACCEPTED,
)
# Those that the evidence may still clear: an accepted flag waits for its conversion.
CLEARABLE_STATES = (FlagState.OPEN, FlagState.ACKNOWLEDGED, FlagState.SNOOZED)


# Those about which nobody has decided yet, nor put off the decision.
ASKING_STATES = (FlagState.OPEN, FlagState.ACKNOWLEDGED)


class FlagAction(models.TextChoices):
    ACKNOWLEDGE = "acknowledge", _("Acknowledge")
    SNOOZE = "snooze", _("Snooze")
    ACCEPT = "accept", _("Accept")
    DISMISS = "dismiss", _("Dismiss")


class EngagementScoped(QuerySet):  # type: ignore[type-arg] # serves several models
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Keep rows of engagements that the user may see."""
        return self.filter(engagement_scope(user, prefix="engagement__"))


class Policy(Detail):
    """How the engine weighs: overrides of the defaults that the criteria declare.

    `importances` is {code: v}, `breakpoints` {code: [[figure, lean], …]}, also under
    "{code}.augmented" for a criterion that reads otherwise there, and
    `thresholds` {name: number} by the names of `verdict.Thresholds`; `assumptions`
    {code: {"least", "likely", "most", "source", "dated_on", "owner"}} by the codes of
    `money.SWITCHING`; what is not named keeps its default.  A policy is never edited:
    another version takes its place, so that every assessment can be repeated.
    """

    version = models.PositiveIntegerField(_("version"), unique=True)
    importances = models.JSONField(_("importances"), default=dict, blank=True)
    breakpoints = models.JSONField(_("breakpoints"), default=dict, blank=True)
    thresholds = models.JSONField(_("thresholds"), default=dict, blank=True)
    assumptions = models.JSONField(_("assumptions"), default=dict, blank=True)
    reason = models.CharField(
        _("reason"),
        max_length=300,
        blank=True,
        help_text=_("Why this version took the place of the one before."),
    )
    firmness = models.PositiveSmallIntegerField(
        _("firmness"),
        default=2,
        help_text=_("How firm the importances are: 1 hardly, 2 fairly, 4 very."),
    )
    tendency = models.FloatField(
        _("tendency"),
        default=0.0,
        help_text=_(
            "How far every neutral point is moved: above 0 towards a managed service,"
            " below 0 towards augmented contractors."
        ),
    )
    adopted_at = models.DateTimeField(_("adopted at"))
    adopted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("adopted by"),
        help_text=_("Blank for the defaults that came with the product."),
    )

    class Meta:
        ordering = ["-version"]
        verbose_name_plural = _("policies")
        constraints = [
            models.CheckConstraint(
                name="policy_firmness_known", condition=Q(firmness__in=[1, 2, 4])
            ),
            models.CheckConstraint(
                name="policy_tendency_within",
                condition=Q(tendency__range=(-MOST_TENDENCY, MOST_TENDENCY)),
                violation_error_message=_("Give a tendency from -0.6 to 0.6."),
            ),
        ]

    def __str__(self) -> str:
        return f"Policy {self.version}"


class QuarterPrior(Detail):
    """What the portfolio looked like at a quarter's start, frozen when first needed.

    `priors` is {code: {"portfolio": prior | null, "vendors": {vendor id: prior}}}.
    """

    quarter = models.DateField(_("quarter"), unique=True)
    priors = models.JSONField(_("priors"), default=dict)

    class Meta:
        ordering = ["-quarter"]
        verbose_name = _("quarter's prior")

    def __str__(self) -> str:
        return f"{self.quarter:%Y-%m}"


class Assessment(Detail):
    """What the engine said of an engagement from the records up to a day.

    Replaced, never edited, when its day is judged again from other records.
    Numbers in JSON are rounded to six digits and all of them follow
    from `evidence` and `policy`, so an assessment can be repeated to the digit.
    Shapes:

    - points: [{code, label, points, sentence, value, records, lean, changing}],
      largest first; points > 0 speak for managed.  `value` is the figure as read
      ("86 %"), `lean` the expected lean in [-1, +1].  They sum exactly to `margin`;
      where the portfolio's average stands in for facts not recorded, one last
      entry of code "not_recorded" holds its part.
    - missing: [{code, label, question, swing_points, how_to_record}], most telling
      first; swing_points is by how many points of the acceptability (0 to 100) the
      fact could still move it.
    - sentences: {"headline": str, "for": [str ≤ 3], "against": [str ≤ 2],
      "not_recorded": str}; for and against the model in `leaning`.
    - counterfactuals: [{codes, sentence, value, opposition}]: what would change the
      verdict.  One code each, `value` in the criterion's raw unit; or, when no
      single fact would, one entry with the best pair of codes and `value` null.
    - wordings: null where it was stored in English alone, or the same words in the
      other languages: {locale: {"points": {code: [sentence, value]}, "sentences": as
      above, "counterfactuals": [sentence in their order]}}.  `reading` picks them.
    - evidence: {code: {"prior": prior | null, "12": observation | null, "6": …}};
      without a prior the engine knew nothing beforehand.
    - parts: the work of one that is mixed, split; else empty.  [{"by": "skill" |
      "core" | "direction", "parts": [{key, name, hours, verdict, acceptability,
      coverage, "points": {code: points}, "evidence": {code: observation}, "shared":
      [code]}], "blend": null | {"managed": [key], "augmented": [key]}}], parts with
      most hours first.  `evidence` is what a part's own logs tell, `shared` are facts
      that it has in common with the whole; with fewer than two of its own nothing is
      known of a part.  `verdict` is a `verdict.Answer` that names the model.
    - money: null below three whole months of spend, or what `costing.Costed.as_json`
      returns: amounts a month as text in its currency, as {"p10", "p50", "p90"}.
      Its `inputs` hold what an hour of a manager costs: they are shown to nobody.
    """

    engagement = models.ForeignKey(
        Engagement,
        on_delete=models.PROTECT,
        related_name="assessments",
        verbose_name=_("engagement"),
    )
    as_of = models.DateField(_("as of"))
    month = models.DateField(_("month"))
    window_months = models.PositiveSmallIntegerField(_("window (months)"))
    kind = models.CharField(_("current model"), max_length=12, choices=Kind.choices)
    acceptability = models.FloatField(
        _("acceptability"),
        help_text=_(
            "Share of plausible priorities and readings of the evidence under which"
            " a managed service fits better."
        ),
    )
    opposition = models.FloatField(
        _("opposition"), help_text=_("The same share, for the other model.")
    )
    coverage = models.FloatField(
        _("coverage"), help_text=_("Share of the evidence that is recorded.")
    )
    margin = models.FloatField(_("margin"))
    verdict = models.CharField(_("verdict"), max_length=20, choices=Verdict.choices)
    is_strong = models.BooleanField(_("strongly"), default=False)
    leaning = models.CharField(
        _("leans to"),
        max_length=12,
        choices=Kind.choices,
        blank=True,
        help_text=_("The model that fits better; blank without enough evidence."),
    )
    points = models.JSONField(default=list)
    missing = models.JSONField(default=list)
    sentences = models.JSONField(default=dict)
    counterfactuals = models.JSONField(default=list)
    wordings = models.JSONField(null=True, blank=True, editable=False)
    evidence = models.JSONField(default=dict)
    parts = models.JSONField(default=list, blank=True)
    money = models.JSONField(null=True, blank=True)
    engine_version = models.CharField(_("engine"), max_length=20)
    policy = models.ForeignKey(
        Policy, on_delete=models.PROTECT, related_name="assessments"
    )

    objects = EngagementScoped.as_manager()

    class Meta:
        ordering = ["-as_of", "engagement"]
        constraints = [
            models.UniqueConstraint(
                name="assessment_once_per_day",
                fields=["engagement", "as_of", "policy"],
            ),
            models.CheckConstraint(
                name="assessment_shares_0_to_1",
                condition=Q(
                    acceptability__range=(0, 1),
                    opposition__range=(0, 1),
                    coverage__range=(0, 1),
                ),
            ),
            models.CheckConstraint(
                name="assessment_month_is_first_day", condition=Q(month__day=1)
            ),
            models.CheckConstraint(
                name="assessment_verdict_known",
                condition=Q(verdict__in=Verdict.values),
            ),
            models.CheckConstraint(
                name="assessment_leans_on_evidence",
                condition=~Q(verdict="not_enough_evidence") | Q(leaning=""),
            ),
        ]
        indexes = [models.Index(fields=["as_of", "policy"])]

    def __str__(self) -> str:
        return f"{self.get_verdict_display()}, {self.as_of}"


class Flag(Detail):
    """The other model has fitted better at two monthly evaluations in a row.

    Or a dated pattern asks for a decision at once: then `pattern` is its code,
    `sentence` says what was seen, and `leaning` is blank unless the verdict of that
    day was for the other model as well.  `opposition` and `sentence` are those at
    the raise; `notice_deadline_on` is the last day on which the engagement's notice
    still makes use of it, as the latest night read it from the engagement.
    `wordings` has the sentence in the other languages, by locale; null where it was
    raised before they were stored.  `spent_on` is the day on which a dismissal had
    served its time: nothing had spoken for the other model at two evaluations, and
    when something does again, a new flag rises as if there had been none.
    """

    engagement = models.ForeignKey(
        Engagement,
        on_delete=models.PROTECT,
        related_name="flags",
        verbose_name=_("engagement"),
    )
    state = models.CharField(
        _("state"), max_length=12, choices=FlagState.choices, default=FlagState.OPEN
    )
    raised_on = models.DateField(_("raised on"))
    cleared_on = models.DateField(_("cleared on"), null=True, blank=True)
    snoozed_until = models.DateField(_("snoozed until"), null=True, blank=True)
    opposition = models.FloatField(_("opposition"))
    leaning = models.CharField(
        _("model that fits better"), max_length=12, choices=Kind.choices, blank=True
    )
    sentence = models.CharField(_("strongest reason"), max_length=300)
    wordings = models.JSONField(null=True, blank=True, editable=False)
    pattern = models.CharField(
        _("dated pattern"), max_length=40, blank=True, editable=False
    )
    notice_deadline_on = models.DateField(_("notice deadline"), null=True, blank=True)
    spent_on = models.DateField(
        _("dismissal spent on"), null=True, blank=True, editable=False
    )

    objects = EngagementScoped.as_manager()

    class Meta:
        ordering = ["notice_deadline_on", "-opposition"]
        constraints = [
            models.UniqueConstraint(
                name="flag_one_live_per_engagement",
                fields=["engagement"],
                condition=Q(state__in=["open", "acknowledged", "snoozed", "accepted"]),
            ),
            models.CheckConstraint(
                name="flag_state_known", condition=Q(state__in=FlagState.values)
            ),
            models.CheckConstraint(
                name="flag_leans_or_is_dated",
                condition=~Q(leaning="") | ~Q(pattern=""),
            ),
            models.CheckConstraint(
                name="flag_opposition_0_to_1", condition=Q(opposition__range=(0, 1))
            ),
            models.CheckConstraint(
                name="flag_cleared_is_dated",
                condition=Q(state="cleared", cleared_on__isnull=False)
                | (~Q(state="cleared") & Q(cleared_on__isnull=True)),
            ),
            models.CheckConstraint(
                name="flag_cleared_after_raise",
                condition=Q(cleared_on__isnull=True)
                | Q(cleared_on__gte=F("raised_on")),
            ),
            models.CheckConstraint(
                name="flag_snooze_is_dated",
                condition=Q(state="snoozed", snoozed_until__isnull=False)
                | (~Q(state="snoozed") & Q(snoozed_until__isnull=True)),
            ),
            models.CheckConstraint(
                name="flag_spent_is_dismissed",
                condition=Q(spent_on__isnull=True) | Q(state="dismissed"),
            ),
        ]

    def __str__(self) -> str:
        if not self.leaning:
            return str(_("Asks for a decision"))
        model = self.get_leaning_display()
        return str(_("%(model)s would fit better") % {"model": model})

    @property
    def strongest_reason(self) -> str:
        """The sentence, in the reader's language where it is stored in it."""
        return spoken(self.wordings) or self.sentence


class Decision(Detail):
    """What a person decided about a flag, and why; never edited.

    `opposition` is the engagement's latest at that moment: a dismissed flag returns
    only once it has risen enough above it, or with a pattern that is not among
    `patterns`, the codes of those that showed then; null where nobody noted them.
    """

    flag = models.ForeignKey(Flag, on_delete=models.PROTECT, related_name="decisions")
    action = models.CharField(_("action"), max_length=12, choices=FlagAction.choices)
    reason = models.TextField(_("reason"), blank=True)
    opposition = models.FloatField(_("opposition"))
    patterns = models.JSONField(null=True, blank=True, editable=False)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("who"),
    )
    at = models.DateTimeField(_("at"))

    class Meta:
        ordering = ["-at", "-id"]
        constraints = [
            models.CheckConstraint(
                name="decision_action_known", condition=Q(action__in=FlagAction.values)
            ),
            models.CheckConstraint(
                name="decision_dismissal_has_reason",
                condition=~Q(action="dismiss") | ~Q(reason=""),
                violation_error_message=_("Say why the flag is dismissed."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.at:%Y-%m-%d}"


class SeenPattern(Detail):
    """A pattern that shows in an engagement's records, as the latest night saw it.

    Written when it first shows and again when its figures change; deleted once it no
    longer shows.  `behind` are the ids of the engagements whose records it is told
    from, `records` how many those are.  `wordings` is {locale: [sentence, value,
    threshold]} in the other languages.
    """

    engagement = models.ForeignKey(
        Engagement,
        on_delete=models.PROTECT,
        related_name="seen_patterns",
        verbose_name=_("engagement"),
    )
    code = models.CharField(_("pattern"), max_length=40)
    seen_since = models.DateField(_("seen since"))
    sentence = models.TextField(_("what was seen"))
    value = models.TextField(_("figure"))
    threshold = models.TextField(_("threshold"))
    wordings = models.JSONField(default=dict, editable=False)
    records = models.PositiveIntegerField(_("records"))
    behind = models.JSONField(default=list)

    objects = EngagementScoped.as_manager()

    class Meta:
        ordering = ["code", "engagement"]
        verbose_name = _("pattern")
        constraints = [
            models.UniqueConstraint(
                name="seen_pattern_once_per_engagement", fields=["engagement", "code"]
            ),
            models.CheckConstraint(name="seen_pattern_named", condition=~Q(code="")),
        ]

    def __str__(self) -> str:
        return self.code


class GroupBasis(models.TextChoices):
    VENDOR_MANAGER = "vendor_manager", _("Vendor and manager")
    VENDOR_SERVICE = "vendor_service", _("Vendor and service")
    MANAGER = "manager", _("Manager")
    SERVICE = "service", _("Service")


class GroupAnswer(models.TextChoices):
    NOT_ENOUGH_EVIDENCE = Answer.NOT_ENOUGH_EVIDENCE, _("Not enough evidence")
    OTHER_MODEL_FITS = Answer.OTHER_MODEL_FITS, _("Other model fits better")
    CURRENT_MODEL_FITS = Answer.CURRENT_MODEL_FITS, _("Current model fits")
    MANAGED_FITS = Answer.MANAGED_FITS, _("Managed service fits")
    AUGMENTED_FITS = Answer.AUGMENTED_FITS, _("Augmented contractors fit")
    MIXED = Answer.MIXED, _("Mixed")
    BLEND = Answer.BLEND, _("Blend")
    EITHER_FITS = Answer.EITHER_FITS, _("Either fits")


class GroupVerdictQuerySet(QuerySet):  # type: ignore[type-arg] # one manager serves it
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Keep groups of which the user may see every member: records are pooled."""
        visible = Engagement.objects.visible_to(user).values("pk")
        hidden = Engagement.objects.exclude(pk__in=visible).values("pk")
        return self.exclude(members__in=hidden)


class GroupVerdict(Detail):
    """Several engagements judged on their pooled records; written anew every night.

    `is_reported` marks those that no stronger group nearly equals.  `blend` is null,
    or {"managed": [engagement id …], "augmented": […]}: which of a service's
    engagements to run in which model.  `sentences`
    and those of `wordings` as an Assessment has them.
    """

    basis = models.CharField(_("of one"), max_length=16, choices=GroupBasis.choices)
    name = models.CharField(_("group"), max_length=300)
    as_of = models.DateField(_("as of"))
    members = models.ManyToManyField(
        Engagement, related_name="groups", verbose_name=_("engagements")
    )
    service = models.ForeignKey(
        "engagements.Service",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("service"),
    )
    kind = models.CharField(
        _("current model"),
        max_length=12,
        choices=Kind.choices,
        blank=True,
        help_text=_("Blank where both models are among the members."),
    )
    acceptability = models.FloatField(_("acceptability"))
    coverage = models.FloatField(_("coverage"))
    verdict = models.CharField(
        _("verdict"),
        max_length=20,
        choices=GroupAnswer.choices,
    )
    is_reported = models.BooleanField(_("reported"), default=True)
    blend = models.JSONField(null=True, blank=True)
    sentences = models.JSONField(default=dict)
    wordings = models.JSONField(null=True, blank=True, editable=False)
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="+")

    objects = GroupVerdictQuerySet.as_manager()

    class Meta:
        ordering = ["basis", "name"]
        verbose_name = _("group's verdict")
        constraints = [
            models.CheckConstraint(
                name="group_verdict_shares_0_to_1",
                condition=Q(acceptability__range=(0, 1), coverage__range=(0, 1)),
            ),
            models.CheckConstraint(
                name="group_verdict_basis_known",
                condition=Q(basis__in=GroupBasis.values),
            ),
            models.CheckConstraint(
                name="group_verdict_known",
                condition=Q(verdict__in=GroupAnswer.values),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class AdviceQuerySet(QuerySet):  # type: ignore[type-arg] # one manager serves it
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Keep the user's own, and those of engagements that the user may see."""
        return self.filter(advice_scope(user))


def advice_scope(user: User | AnonymousUser, *, with_money: bool = False) -> Q:
    """Return the condition that keeps the advice, or its amounts, a user may see."""
    seen = engagement_scope(user, prefix="engagement__", with_money=with_money)
    # Where all is seen there is no condition, and nothing to widen.
    if not seen or user.is_anonymous:
        return seen
    return seen | Q(asked_by=user)


class Advice(Detail):
    """Which model was advised before there was a draft, and from what.

    Written once and then only linked to the draft that followed, so that advice and
    outcome can be compared.  Shapes:

    - asked: what is planned, {name: text}: starts_on, months, weekly_hours,
      rate, rate_unit, fee, manager_hour_cost, currency; what was left blank is absent.
    - answers: {question: choice} of `questions.QUESTIONS`.
    - points, missing, sentences, counterfactuals, wordings, evidence: as an
      Assessment has them; `evidence` has no recent half.
    - money: null, or {"currency", "managed", "augmented", "difference": each
      {"p10", "p50", "p90"}, amounts a month as text, "assumptions": as
      `costing.assumed` has each}.
    """

    title = models.CharField(_("title"), max_length=200)
    service = models.ForeignKey(
        "engagements.Service",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("service"),
    )
    asked = models.JSONField(default=dict, blank=True)
    answers = models.JSONField(default=dict, blank=True)
    verdict = models.CharField(_("advice"), max_length=20, choices=Advised.choices)
    is_strong = models.BooleanField(_("strongly"), default=False)
    leaning = models.CharField(
        _("leans to"), max_length=12, choices=Kind.choices, blank=True
    )
    acceptability = models.FloatField(
        _("acceptability"),
        help_text=_(
            "Share of plausible priorities and readings of the evidence under which"
            " a managed service fits better."
        ),
    )
    coverage = models.FloatField(
        _("coverage"), help_text=_("Share of the evidence that is known.")
    )
    margin = models.FloatField(_("margin"))
    points = models.JSONField(default=list, blank=True)
    missing = models.JSONField(default=list, blank=True)
    sentences = models.JSONField(default=dict, blank=True)
    counterfactuals = models.JSONField(default=list, blank=True)
    wordings = models.JSONField(null=True, blank=True, editable=False)
    evidence = models.JSONField(default=dict, blank=True)
    money = models.JSONField(null=True, blank=True)
    engine_version = models.CharField(_("engine"), max_length=20)
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="advices")
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("asked by"),
    )
    asked_at = models.DateTimeField(_("asked at"), db_index=True)
    # A draft may be deleted; what was advised then stays.
    engagement = models.OneToOneField(
        Engagement,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="advice",
        verbose_name=_("engagement"),
    )

    objects = AdviceQuerySet.as_manager()

    class Meta:
        ordering = ["-asked_at", "-id"]
        verbose_name = _("advice")
        verbose_name_plural = _("advice")
        constraints = [
            models.CheckConstraint(
                name="advice_shares_0_to_1",
                condition=Q(acceptability__range=(0, 1), coverage__range=(0, 1)),
            ),
            models.CheckConstraint(
                name="advice_verdict_known", condition=Q(verdict__in=Advised.values)
            ),
            models.CheckConstraint(
                name="advice_leans_on_evidence",
                condition=~Q(verdict="not_enough_evidence") | Q(leaning=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title}: {self.get_verdict_display()}"

"""The fit policy: its versions, and the page on which another one is prepared."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from engagements.admin.record_admin import ReadOnlyAdmin, actor_of
from engagements.admin.unfold_types import display
from engagements.models import User
from engagements.permissions import sees_money
from engagements.values.money import format_money, round_money
from tracker.admin.policy_form import PolicyForm
from tracker.admin.verdict import percent
from tracker.fit.criteria import all_criteria
from tracker.fit.learning import ENOUGH_DECISIONS, Foretold, is_at_bound
from tracker.fit.models import Policy, Verdict
from tracker.fit.services import (
    Preview,
    Proposal,
    adopt_policy,
    current_policy,
    preview_policy,
    propose_policy,
    reject_proposal,
    reviewed_decisions,
)

CHANGES_SHOWN = 50


@dataclass(frozen=True)
class ChangeRow:
    name: str
    href: str
    before: str
    after: str
    share_before: str
    share_after: str


@dataclass(frozen=True)
class PreviewReading:
    judged: int
    counts: list[tuple[str, int, int]]
    changed: int
    rows: list[ChangeRow]
    would_flag: int
    would_clear: int
    receipt: str


@admin.register(Policy)
class PolicyAdmin(ReadOnlyAdmin):
    list_display = ("version_name", "adopted_at", "adopted_by", "reason")
    list_select_related = ("adopted_by",)
    ordering = ("-version",)
    search_fields = ("reason",)
    fieldsets = (
        (None, {"fields": ("version", "adopted_at", "adopted_by", "reason")}),
        (
            gettext_lazy("What differs from the product's defaults"),
            {
                "fields": (
                    "importances",
                    "breakpoints",
                    "thresholds",
                    "assumptions",
                    "firmness",
                    "tendency",
                )
            },
        ),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        """To prepare another version is to add one."""
        return request.user.has_perm("tracker.add_policy")

    def add_view(
        self,
        request: HttpRequest,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        if "reject" in request.POST:
            return self._reject(request)
        is_learning = "learn" in request.GET
        proposal = propose_policy() if is_learning else None
        present = current_policy()
        form = PolicyForm(
            request.POST or None,
            present=present,
            actor=actor_of(request),
            learnt=proposal.learnt if proposal else None,
        )
        preview = None
        if request.method == "POST" and form.is_valid():
            try:
                if "adopt" in request.POST:
                    return self._adopt(request, form)
                preview = preview_policy(policy=form.policy())
            except ValidationError as refusal:
                form.refuse(refusal)
        reviewed = reviewed_decisions()
        context = {
            **self.admin_site.each_context(request),
            "title": _("Another version of the fit policy"),
            "opts": self.opts,
            "form": form,
            "present": present,
            "preview": _preview(preview) if preview else None,
            "savings": _savings(preview, actor_of(request)),
            "reviewed": reviewed,
            "enough": ENOUGH_DECISIONS,
            "is_learning": is_learning,
            "proposal": _proposal(proposal) if proposal else None,
        }
        return TemplateResponse(request, "tracker/admin/policy.html", context)

    def _adopt(self, request: HttpRequest, form: PolicyForm) -> HttpResponse:
        adopted = adopt_policy(
            policy=form.policy(),
            receipt=request.POST.get("receipt", ""),
            actor=actor_of(request),
        )
        told = _("Version %(n)d is in force from the next night on.")
        messages.success(request, told % {"n": adopted.version})
        return HttpResponseRedirect(
            reverse("admin:tracker_policy_change", args=[adopted.pk])
        )

    def _reject(self, request: HttpRequest) -> HttpResponse:
        page = reverse("admin:tracker_policy_add")
        try:
            reject_proposal(
                reason=request.POST.get("reason", ""), actor=actor_of(request)
            )
        except ValidationError as refusal:
            messages.error(request, " ".join(refusal.messages))
            return HttpResponseRedirect(f"{page}?learn=1")
        messages.success(request, _("The proposal is rejected; nothing changes."))
        return HttpResponseRedirect(reverse("admin:tracker_policy_changelist"))

    @display(description=gettext_lazy("version"), ordering="version")
    def version_name(self, row: Policy) -> str:
        return _("Version %(n)d") % {"n": row.version}


def _preview(preview: Preview) -> PreviewReading:
    return PreviewReading(
        judged=preview.judged,
        counts=[
            (str(Verdict(verdict).label), before, after)
            for verdict, (before, after) in preview.counts.items()
        ],
        changed=len(preview.changed),
        rows=[
            ChangeRow(
                name=f"{one.reference} · {one.title}",
                href=reverse("admin:tracker_assessment_change", args=[one.assessment]),
                before=str(Verdict(one.before).label),
                after=str(Verdict(one.after).label),
                share_before=percent(one.opposition_before),
                share_after=percent(one.opposition_after),
            )
            for one in preview.changed[:CHANGES_SHOWN]
        ],
        would_flag=preview.would_flag,
        would_clear=preview.would_clear,
        receipt=preview.receipt,
    )


def _savings(preview: Preview | None, user: User) -> dict[str, Any] | None:
    """What other assumptions make of savings, for those who see money."""
    found = preview.savings if preview else None
    if found is None or not sees_money(user):
        return None
    currency = settings.REPORTING_CURRENCY
    return {
        "priced": found.priced,
        "before": format_money(round_money(found.before, currency), currency),
        "after": format_money(round_money(found.after, currency), currency),
        "would_save": found.would_save,
        "would_lose": found.would_lose,
    }


def _proposal(proposal: Proposal) -> dict[str, Any]:
    labels = {criterion.code: criterion.label for criterion in all_criteria()}
    present = proposal.present
    return {
        "decisions": proposal.comparison.decisions,
        "figures": [
            (name, _figure(of, proposal.comparison.present), _figure(of, learnt))
            for learnt in (proposal.comparison.learnt,)
            for name, of in (
                (_("Decisions foretold"), "agreed"),
                (_("Chance that the one decided for scores higher"), "auc"),
                (_("Surprise a decision (less is better)"), "surprise"),
            )
        ],
        "importances": [
            (labels[code], f"{present.importances[code]:g}", f"{importance:.2f}")
            for code, importance in proposal.learnt.importances.items()
        ],
        "tendency": (f"{present.tendency:+.2f}", f"{proposal.learnt.tendency:+.2f}"),
        "is_at_bound": is_at_bound(proposal.learnt.tendency),
    }


def _figure(of: str, foretold: Foretold) -> str:
    value: float = getattr(foretold, of)
    return percent(value) if of == "agreed" else f"{value:.3f}"

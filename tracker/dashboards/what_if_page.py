"""The page on which any fact or importance can be changed, and the verdict moves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from engagements.choices import Kind
from engagements.models import User
from engagements.values.language import translated
from engagements.values.written import format_number
from tracker.dashboards.fit.reports import ANSWERS
from tracker.fit.criteria import all_criteria
from tracker.fit.criterion import AnyCriterion
from tracker.fit.explanation import NOT_RECORDED, percent
from tracker.fit.services import (
    Basis,
    RefusedFactsError,
    UnknownEngagementError,
    Wondered,
    basis_of,
    blank_basis,
    wonder,
)

MODELS = (
    ("", _("neither yet")),
    (Kind.MANAGED.value, _("a managed service")),
    (Kind.AUGMENTED.value, _("augmented contractors")),
)
LONGEST_REFERENCE = 40
CHANGES_SHOWN = 4
MISSING_SHOWN = 4


@dataclass(frozen=True)
class FactField:
    """One criterion's two inputs, in the unit that people read."""

    code: str
    label: str
    question: str
    value: str
    recorded: str
    suffix: str
    least: str
    most: str
    importance: str
    usual: str
    error: str
    importance_error: str

    @property
    def is_changed(self) -> bool:
        return self.value != self.recorded or self.importance != self.usual


@dataclass(frozen=True)
class Bar:
    label: str
    sentence: str
    points: str
    length: float
    is_managed: bool

    @property
    def x(self) -> float:
        """Where the bar begins, in a drawing 200 wide with its axis at 100."""
        return 100.0 if self.is_managed else 100.0 - self.length


@dataclass(frozen=True)
class Outcome:
    """The verdict; `before` is blank where there was none to compare with.

    `cx` and `before_cx` are places on the gauge.
    """

    verdict: str
    headline: str
    share: str
    cx: float
    coverage: str
    before: str
    before_cx: float
    has_moved: bool
    bars: Sequence[Bar]
    changes: Sequence[str]
    missing: Sequence[tuple[str, int]]


@dataclass(frozen=True)
class WhatIfPage:
    reference: str
    title: str
    as_of: str
    models: Sequence[tuple[str, str]]
    model: str
    fields: Sequence[FactField]
    outcome: Outcome | None
    problem: str
    reset: str
    is_recorded: bool
    assessment_href: str


def what_if_page(user: User, asked: Mapping[str, str]) -> WhatIfPage:
    """Read the address and judge; what is wrong with it is told beside its field."""
    reference = asked.get("engagement", "").strip()[:LONGEST_REFERENCE]
    model = asked.get("model", "")
    model = model if model in dict(MODELS) else ""
    problem = ""
    try:
        basis = basis_of(reference=reference, user=user) if reference else None
    except UnknownEngagementError:
        problem = gettext("No judged engagement that you can see has this reference.")
        basis = None
    if basis is None:
        basis = blank_basis(model=model)
    reader = _Reader(basis, asked)
    outcome = None
    try:
        reader.check()
        outcome = _outcome(
            wonder(basis=basis, values=reader.values, importances=reader.importances)
        )
    except RefusedFactsError as refusal:
        reader.problems |= refusal.problems
    return WhatIfPage(
        reference=reference,
        title=basis.title,
        as_of=date_format(basis.as_of, "DATE_FORMAT") if basis.as_of else "",
        models=[(value, str(name)) for value, name in MODELS],
        model=model,
        fields=reader.fields(),
        outcome=outcome,
        problem=problem,
        reset=_reset(basis, model),
        is_recorded=basis.assessment is not None,
        assessment_href=_assessment_href(user, basis),
    )


class _Reader:
    """What was typed for each criterion, as figures in the criterion's raw unit."""

    def __init__(self, basis: Basis, asked: Mapping[str, str]) -> None:
        known = {rule.code: rule for rule in basis.rulebook.rules}
        self.criteria = [c for c in all_criteria() if c.code in known]
        self.basis = basis
        self.asked = asked
        self.usual = {code: rule.importance for code, rule in known.items()}
        self.problems: dict[str, str] = {}
        self.values: dict[str, float | None] = {}
        self.importances: dict[str, float] = {}
        for criterion in self.criteria:
            self._read(criterion)

    def check(self) -> None:
        """Raises RefusedFactsError where something typed is no number."""
        if self.problems:
            raise RefusedFactsError(self.problems)

    def fields(self) -> list[FactField]:
        ranked = sorted(self.criteria, key=lambda c: (-self.usual[c.code], c.code))
        return [self._field(criterion) for criterion in ranked]

    def _read(self, criterion: AnyCriterion) -> None:
        code = criterion.code
        # What is written as it is recorded stays as it is recorded, to the digit.
        if code in self.asked and self.asked[code].strip() != self._recorded(criterion):
            text = self.asked[code].strip()
            number = self._number(code, text)
            scale = criterion.unit.scale
            self.values[code] = None if number is None else number / scale
        if weight := self.asked.get(f"v.{code}", "").strip():
            found = self._number(f"v.{code}", weight)
            if found is not None and weight != f"{self.usual[code]:g}":
                self.importances[code] = found

    def _number(self, name: str, text: str) -> float | None:
        if not text:
            return None
        try:
            return float(text.replace(",", "."))
        except ValueError:
            self.problems[name] = gettext("Give a number.")
            return None

    def _recorded(self, criterion: AnyCriterion) -> str:
        found = self.basis.facts.get(criterion.code)
        return "" if found is None else _shown(found.value, criterion)

    def _field(self, criterion: AnyCriterion) -> FactField:
        code, scale = criterion.code, criterion.scale
        recorded, usual = self._recorded(criterion), f"{self.usual[code]:g}"
        return FactField(
            code=code,
            label=criterion.label,
            question=criterion.question,
            value=self.asked.get(code, recorded),
            recorded=recorded,
            suffix=criterion.unit.name,
            least=_shown(scale.least, criterion),
            most=_shown(scale.most, criterion),
            importance=self.asked.get(f"v.{code}", usual),
            usual=usual,
            error=self.problems.get(code, ""),
            importance_error=self.problems.get(f"v.{code}", ""),
        )


def _shown(figure: float, criterion: AnyCriterion) -> str:
    digits = max(criterion.unit.digits, 1)
    text = f"{figure * criterion.unit.scale:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _outcome(wondered: Wondered) -> Outcome:
    after, before = wondered.after, wondered.before
    explanation = wondered.explanation
    telling = [p for p in explanation.points if abs(p["points"]) >= 0.05]
    largest = max((abs(p["points"]) for p in telling), default=1.0)
    has_basis = wondered.basis.assessment is not None
    return Outcome(
        verdict=translated(ANSWERS[wondered.answer.value]),
        headline=str(explanation.sentences["headline"]),
        share=percent(after.acceptability),
        cx=_along(after.acceptability),
        coverage=percent(after.coverage),
        before=percent(before.acceptability) if has_basis else "",
        before_cx=_along(before.acceptability),
        has_moved=has_basis and after.acceptability != before.acceptability,
        bars=[
            Bar(
                label=str(point["label"]),
                sentence=str(capfirst(point["sentence"])),
                points=format_number(abs(point["points"]), 1),
                length=round(100 * abs(point["points"]) / largest, 1),
                is_managed=point["points"] > 0,
            )
            for point in sorted(telling, key=lambda p: -abs(p["points"]))
            if point["code"] != NOT_RECORDED
        ],
        changes=[
            str(capfirst(change["sentence"]))
            for change in explanation.counterfactuals[:CHANGES_SHOWN]
        ],
        missing=[
            (str(fact["label"]), round(fact["swing_points"]))
            for fact in explanation.missing[:MISSING_SHOWN]
            if fact["swing_points"] >= 1
        ],
    )


def _along(share: float) -> float:
    """The place of a share on the gauge, 400 wide."""
    return round(400 * share, 1)


def _reset(basis: Basis, model: str) -> str:
    kept = {"engagement": basis.reference, "model": "" if basis.reference else model}
    query = urlencode({name: value for name, value in kept.items() if value})
    return reverse("tracker:what-if") + (f"?{query}" if query else "")


def _assessment_href(user: User, basis: Basis) -> str:
    if basis.assessment is None or not user.is_staff:
        return ""
    return reverse("admin:tracker_assessment_change", args=[basis.assessment])

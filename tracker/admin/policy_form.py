"""The fit policy as a form: what differs from the product's defaults is kept."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from engagements.models import User
from engagements.values.language import translated
from tracker.fit.criteria import all_criteria
from tracker.fit.criterion import AnyCriterion
from tracker.fit.evidence import Breakpoints
from tracker.fit.learning import Learnt
from tracker.fit.models import Policy
from tracker.fit.money import SWITCHING
from tracker.fit.services.policies import readings_of
from tracker.fit.verdict import MOST_TENDENCY, Thresholds

FIRMNESS = (
    (1, gettext_lazy("hardly firm")),
    (2, gettext_lazy("fairly firm")),
    (4, gettext_lazy("very firm")),
)
THRESHOLDS = {
    "cover": gettext_lazy("Enough evidence from this coverage on"),
    "oppose": gettext_lazy("Other model fits from"),
    "oppose_strongly": gettext_lazy("… strongly from"),
    "support": gettext_lazy("Current model fits up to"),
    "clear": gettext_lazy("A flag is cleared below"),
    "mixed_least": gettext_lazy("Mixed: least on the weaker side"),
    "mixed_ratio": gettext_lazy("Mixed: weaker against stronger side"),
    "changing": gettext_lazy("Changing: difference of 6 and 12 months"),
    "return_after_dismissal": gettext_lazy("A dismissed flag returns after a rise of"),
    "blend_managed": gettext_lazy("Blend: a part fits managed from"),
    "blend_augmented": gettext_lazy("Blend: a part fits augmented up to"),
}
PARTS = {
    "least": gettext_lazy("least"),
    "likely": gettext_lazy("likely"),
    "most": gettext_lazy("most"),
}
# Where a service names its settings, and where the form has them.
PREFIXES = {
    "importances": "importance",
    "breakpoints": "breakpoints",
    "thresholds": "threshold",
    "assumptions": "assumption",
}


@dataclass(frozen=True)
class ReadingRow:
    """Breakpoints; `where` says of which work, where a criterion has several."""

    where: str
    breakpoints: forms.BoundField
    usual: str


@dataclass(frozen=True)
class CriterionRow:
    label: str
    question: str
    importance: forms.BoundField
    usual: str
    readings: list[ReadingRow]


@dataclass(frozen=True)
class AssumptionRow:
    meaning: str
    unit: str
    least: forms.BoundField
    likely: forms.BoundField
    most: forms.BoundField
    source: forms.BoundField
    dated_on: forms.BoundField
    owner: forms.BoundField
    errors: list[str]


class PolicyForm(forms.Form):
    """Every setting with its present value; `policy()` is what was typed."""

    firmness = forms.TypedChoiceField(
        label=gettext_lazy("How firm the importances are"),
        choices=FIRMNESS,
        coerce=int,
    )
    tendency = forms.FloatField(
        label=gettext_lazy("Tendency of every neutral point"),
        min_value=-MOST_TENDENCY,
        max_value=MOST_TENDENCY,
        widget=forms.NumberInput(attrs={"step": "any"}),
    )
    reason = forms.CharField(
        label=gettext_lazy("Why it changes"), max_length=300, required=False
    )

    def __init__(
        self,
        data: Any = None,
        *,
        present: Policy,
        actor: User,
        learnt: Learnt | None = None,
    ) -> None:
        super().__init__(data)
        self.present = present
        self.actor = actor
        self.initial["firmness"] = present.firmness
        self.initial["tendency"] = learnt.tendency if learnt else present.tendency
        importances = learnt.importances if learnt else {}
        for criterion in all_criteria():
            code, name = criterion.code, translated(criterion.label)
            own = present.importances.get(code, criterion.importance)
            self.fields[f"importance_{code}"] = forms.FloatField(
                min_value=0.01,
                max_value=10,
                initial=importances.get(code, own),
                widget=_Number(label=_("Importance of %s") % name),
            )
            for key, usual in readings_of(criterion):
                label = _("Breakpoints of %s") % name
                if key != code:
                    label = _("Breakpoints of %s where augmentation runs") % name
                self.fields[f"breakpoints_{key}"] = forms.CharField(
                    max_length=200,
                    initial=_written(present.breakpoints.get(key, usual.points)),
                    widget=_Text(label=label),
                )
        whole = Thresholds(**present.thresholds)
        for field in fields(Thresholds):
            self.fields[f"threshold_{field.name}"] = forms.FloatField(
                label=THRESHOLDS[field.name],
                min_value=0,
                max_value=1,
                initial=getattr(whole, field.name),
                widget=_Number(label=str(THRESHOLDS[field.name])),
            )
        for assumption in SWITCHING:
            self._add_assumption(assumption.code)

    def _add_assumption(self, code: str) -> None:
        assumption = next(a for a in SWITCHING if a.code == code)
        own = self.present.assumptions.get(code, {})
        meaning = capfirst(translated(assumption.meaning))
        for part in PARTS:
            self.fields[f"assumption_{code}_{part}"] = forms.FloatField(
                initial=own.get(part, getattr(assumption.triangle, part)),
                widget=_Number(label=f"{meaning}: {PARTS[part]}"),
            )
        for part, name, usual in (
            ("source", _("source"), assumption.source),
            ("dated_on", _("dated on"), assumption.dated_on),
            ("owner", _("owner"), ""),
        ):
            label = f"{meaning}: {name}"
            is_date = part == "dated_on"
            self.fields[f"assumption_{code}_{part}"] = forms.CharField(
                max_length=100,
                required=part == "source",
                initial=own.get(part, usual),
                widget=_Day(label=label) if is_date else _Text(label=label),
            )

    @property
    def criteria(self) -> Iterator[CriterionRow]:
        for criterion in all_criteria():
            yield CriterionRow(
                label=criterion.label,
                question=criterion.question,
                importance=self[f"importance_{criterion.code}"],
                usual=f"{criterion.importance:g}",
                readings=self._readings(criterion),
            )

    def _readings(self, criterion: AnyCriterion) -> list[ReadingRow]:
        found = list(readings_of(criterion))
        return [
            ReadingRow(
                where=_where(usual, key, criterion) if len(found) > 1 else "",
                breakpoints=self[f"breakpoints_{key}"],
                usual=_written(usual.points),
            )
            for key, usual in found
        ]

    @property
    def thresholds(self) -> list[forms.BoundField]:
        return [self[f"threshold_{name}"] for name in THRESHOLDS]

    @property
    def assumptions(self) -> Iterator[AssumptionRow]:
        for assumption in SWITCHING:
            bound = {
                part: self[f"assumption_{assumption.code}_{part}"]
                for part in (*PARTS, "source", "dated_on", "owner")
            }
            yield AssumptionRow(
                meaning=str(capfirst(translated(assumption.meaning))),
                unit=assumption.unit,
                errors=[str(e) for one in bound.values() for e in one.errors],
                **bound,
            )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        for key, _usual in _all_readings():
            name = f"breakpoints_{key}"
            if name in cleaned:
                try:
                    cleaned[name] = _read(cleaned[name])
                except ValueError:
                    self.add_error(
                        name, _("Write pairs such as “0.1: 1, 0.5: 0, 0.9: -1”.")
                    )
        for assumption in SWITCHING:
            name = f"assumption_{assumption.code}_dated_on"
            if cleaned.get(name) and not _is_day(cleaned[name]):
                self.add_error(name, _("Give a day such as 2026-01-31."))
        return cleaned

    def policy(self) -> Policy:
        """The policy that was typed, with what differs from the defaults alone."""
        cleaned = self.cleaned_data
        return Policy(
            importances={
                c.code: cleaned[f"importance_{c.code}"]
                for c in all_criteria()
                if cleaned[f"importance_{c.code}"] != c.importance
            },
            breakpoints={
                key: cleaned[f"breakpoints_{key}"]
                for key, usual in _all_readings()
                if cleaned[f"breakpoints_{key}"] != _pairs(usual.points)
            },
            thresholds={
                field.name: cleaned[f"threshold_{field.name}"]
                for field in fields(Thresholds)
                if cleaned[f"threshold_{field.name}"] != field.default
            },
            assumptions=self._assumptions(),
            firmness=cleaned["firmness"],
            tendency=cleaned["tendency"],
            reason=cleaned["reason"],
        )

    def _assumptions(self) -> dict[str, dict[str, Any]]:
        found = {}
        for assumption in SWITCHING:
            typed = {
                part: self.cleaned_data[f"assumption_{assumption.code}_{part}"]
                for part in (*PARTS, "source", "dated_on", "owner")
            }
            span = assumption.triangle
            usual = {part: getattr(span, part) for part in PARTS}
            usual |= {
                "source": assumption.source,
                "dated_on": assumption.dated_on,
                "owner": "",
            }
            if typed in (usual, usual | {"dated_on": ""}):
                continue
            # Who changes a figure answers for it from today, unless they say else.
            typed["owner"] = typed["owner"] or str(self.actor)
            if typed["dated_on"] in ("", assumption.dated_on):
                typed["dated_on"] = timezone.localdate().isoformat()
            found[assumption.code] = typed
        return found

    def refuse(self, refusal: ValidationError) -> None:
        """Put what a service refused beside the fields that it is about."""
        if not hasattr(refusal, "error_dict"):
            self.add_error(None, refusal)
            return
        for name, errors in refusal.message_dict.items():
            setting, _dot, code = name.partition(".")
            field = f"{PREFIXES.get(setting, setting)}_{code}" if code else setting
            if setting == "assumptions":
                field += "_least"
            self.add_error(field if field in self.fields else None, errors)


def _all_readings() -> Iterator[tuple[str, Breakpoints]]:
    return (pair for criterion in all_criteria() for pair in readings_of(criterion))


def _where(usual: Breakpoints, key: str, criterion: AnyCriterion) -> str:
    """Of which work a reading is, and in which direction it reads."""
    match key != criterion.code, usual.rises:
        case True, True:
            return _("Where augmentation runs: more speaks for a managed service")
        case True, False:
            return _("Where augmentation runs: more speaks for augmentation")
        case False, True:
            return _("Where a managed service runs: more speaks for a managed service")
        case _:
            return _("Where a managed service runs: more speaks for augmentation")


class _Number(forms.NumberInput):
    def __init__(self, *, label: str) -> None:
        super().__init__(attrs={"step": "any", "aria-label": label})


class _Text(forms.TextInput):
    def __init__(self, *, label: str) -> None:
        super().__init__(attrs={"aria-label": label})


class _Day(forms.DateInput):
    def __init__(self, *, label: str) -> None:
        super().__init__(attrs={"type": "date", "aria-label": label})


def _is_day(text: str) -> bool:
    try:
        return parse_date(text) is not None
    except ValueError:
        return False


def _pairs(points: Any) -> list[list[float]]:
    return [[float(figure), float(lean)] for figure, lean in points]


def _written(points: Any) -> str:
    return ", ".join(f"{figure:g}: {lean:g}" for figure, lean in _pairs(points))


def _read(text: str) -> list[list[float]]:
    pairs = []
    for part in text.split(","):
        figure, lean = part.split(":")
        pairs.append([float(figure), float(lean)])
    return pairs

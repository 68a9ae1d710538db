"""The kind `engagements`: agreements of both models, a line each."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from engagements.choices import Origin, RateUnit, Status
from engagements.errors import ApprovalNeededError
from engagements.models import (
    Assignment,
    Department,
    Engagement,
    FeeTerm,
    ManagedContract,
    RateTerm,
    User,
)
from engagements.permissions import engagement_scope
from engagements.queries import default_shares, with_price
from engagements.services.engagements import (
    change_engagement,
    log_assignment,
    log_managed_contract,
)
from engagements.services.lifecycle import start_engagement, take_over_engagement
from engagements.services.tenure import tenure_warnings
from tracker.imports import engagement_columns, references
from tracker.imports.contractors import KnownContractors
from tracker.imports.engagement_columns import AUGMENTED, COLUMNS, MANAGED
from tracker.imports.kinds import register
from tracker.imports.parsing import Unreadable
from tracker.imports.record_cells import Cell
from tracker.imports.record_kinds import (
    Plan,
    RecordKind,
    Step,
    batches,
    is_same,
    needed_but_missing,
    told_changes,
)
from tracker.imports.record_lines import RecordLine
from tracker.imports.record_matching import LineKeys, match_lines
from tracker.imports.references import Key, folded

Agreement = ManagedContract | Assignment
_MODELS: dict[str, type[ManagedContract] | type[Assignment]] = {
    MANAGED: ManagedContract,
    AUGMENTED: Assignment,
}
# By column, the field that holds the other record's id.
_LINKS = {
    "vendor": "vendor_id",
    "manager": "manager_id",
    "department": "department_id",
    "service": "service_id",
    "contractor": "contractor_id",
    "skill": "skill_id",
    "predecessor": "predecessor_id",
}
# Stored otherwise than by filling a field.
_STEPS_AND_PRICES = frozenset({"kind", "status", "monthly_fee", "rate", "rate_unit"})
_MONEY = frozenset(column.name for column in COLUMNS if column.is_money)
_BLANK_TEXT = frozenset({"purchase_order_number", "scope", "role"})
# What decides how long somebody works for us, and under which policies.
_COUNTED_FOR_TENURE = frozenset(
    {
        "status",
        "contractor",
        "department",
        "starts_on",
        "ends_on",
        "initial_term_months",
        "renewal",
    }
)
# A contractor's name isn't repeated in what is told of a change.
_PERSONAL = frozenset({"contractor"})


class Engagements(RecordKind[Engagement]):
    name = "engagements"
    label = "Engagements (managed services and augmented contractors)"
    columns = COLUMNS
    example = engagement_columns.EXAMPLE
    identifying = ("reference", "external_id", "title")
    permissions = (
        "engagements.add_managedcontract",
        "engagements.change_managedcontract",
        "engagements.add_assignment",
        "engagements.change_assignment",
    )

    def prepare(self, lines: Sequence[RecordLine]) -> Plan:
        return _Planner(lines).plan_all()

    def exported_rows(
        self, ids: Sequence[int], user: User | None
    ) -> Iterator[Mapping[str, Any]]:
        people = KnownContractors()
        for part in batches(ids):
            recorded = agreements(part)
            seen = _ids_with_money(part, user)
            for pk in part:
                if pk in recorded:
                    row = shown_facts(recorded[pk], people)
                    hidden = frozenset() if pk in seen else _MONEY
                    yield {n: v for n, v in row.items() if n not in hidden}


def _ids_with_money(ids: Sequence[int], user: User | None) -> set[int]:
    if user is None:
        return set(ids)
    rows = Engagement.objects.filter(
        engagement_scope(user, with_money=True), pk__in=ids
    )
    return set(rows.values_list("pk", flat=True))


def agreements(ids: Sequence[int]) -> dict[int, Any]:
    """Return engagements of both models by id, priced as of today, with their links."""
    links = ("vendor", "manager", "department", "service", "predecessor")
    today = timezone.localdate()
    found: dict[int, Any] = {}
    for model, more in ((ManagedContract, ()), (Assignment, ("contractor", "skill"))):
        rows: QuerySet[Any] = model._default_manager.select_related(*links, *more)
        phased = rows.with_phase(today)  # type: ignore[attr-defined] # Engagement's
        found |= with_price(phased, today).in_bulk(ids)
    return found


def facts_of(agreement: Any) -> dict[str, Any]:
    """Return what is recorded by column name, other records by their ids."""
    facts: dict[str, Any] = {}
    for column in COLUMNS:
        if column.is_told_only or column.model not in ("", agreement.kind):
            continue
        if column.name not in _STEPS_AND_PRICES:
            name = _LINKS.get(column.name, column.name)
            facts[column.name] = getattr(agreement, name)
    facts |= {"kind": agreement.kind, "status": agreement.status}
    if agreement.kind == MANAGED:
        return facts | {"monthly_fee": agreement.fee}
    return facts | {"rate": agreement.rate, "rate_unit": agreement.unit}


def shown_facts(agreement: Any, people: KnownContractors) -> dict[str, Any]:
    """Return what is recorded as a file tells it, other records by their names."""
    shown = facts_of(agreement) | {
        "vendor": agreement.vendor.legal_name,
        "manager": agreement.manager and agreement.manager.username,
        "department": agreement.department and agreement.department.code,
        "service": agreement.service and agreement.service.name,
        "predecessor": agreement.predecessor and agreement.predecessor.reference,
        # Dates say nothing of what doesn't run.
        "phase": agreement.phase if agreement.status == Status.ACTIVE else "",
        "term_ends_on": agreement.term_ends_on,
        "notice_deadline_on": agreement.notice_deadline_on,
    }
    if agreement.kind == AUGMENTED:
        shown["contractor"] = people.called(agreement.contractor, agreement.vendor_id)
        shown["skill"] = agreement.skill and agreement.skill.name
    return shown


@dataclass(frozen=True)
class _Known:
    kind: str
    vendor_id: int
    external_id: str


class _Index:
    """Every engagement recorded, by what a line may know it by."""

    def __init__(self) -> None:
        self.known: dict[int, _Known] = {}
        found: defaultdict[Key, set[int]] = defaultdict(set)
        rows = Engagement.objects.values_list(
            "pk",
            "reference",
            "external_id",
            "kind",
            "vendor_id",
            "title",
            "starts_on",
            "assignment__contractor_id",
        )
        for pk, reference, external_id, kind, vendor, title, start, person in rows:
            self.known[pk] = _Known(kind, vendor, external_id or "")
            found[Key("reference", reference)].add(pk)
            if external_id:
                found[Key("external_id", external_id)].add(pk)
            found[_natural(kind, vendor, title, start, person)].add(pk)
        self.keys = {key: frozenset(records) for key, records in found.items()}


def _natural(kind: Any, vendor: Any, title: str, start: Any, person: Any) -> Key:
    return Key("title", (kind, vendor, folded(title), start, person))


class _Planner:
    """Compares the lines of one file with what is recorded."""

    def __init__(self, lines: Sequence[RecordLine]) -> None:
        self.lines = lines
        self.result = Plan()
        self.index = _Index()
        self.vendors = references.Vendors()
        self.people = KnownContractors()
        self.inactive = set(
            User.objects.filter(is_active=False).values_list("pk", flat=True)
        )
        self.books = {
            "manager": references.people(),
            "department": references.departments(),
            "service": references.services(),
            "skill": references.skills(),
        }
        self.in_file = {line.text("reference") for line in lines} - {""}
        self.links: dict[int, dict[str, Any]] = {}

    def plan_all(self) -> Plan:
        for line in self.lines:
            self.links[line.number] = self._links(line)
        matches = match_lines(self.lines, self.index.keys, self._keys_of, "engagement")
        self.result.problems.extend(matches.problems)
        ids = [pk for pk in matches.records.values() if pk]
        recorded = {
            pk: found for part in batches(ids) for pk, found in agreements(part).items()
        }
        matched = [line for line in self.lines if line.number in matches.records]
        for line in self._predecessors_first(matched):
            pk = matches.records[line.number]
            if pk is None:
                self._plan_new(line)
            else:
                self._plan_change(line, recorded[pk])
        return self.result

    def _refuse(self, line: RecordLine, column: str, reason: str, advice: str) -> None:
        self.result.refuse(line, column, Unreadable(reason, advice))

    # Other records that the line names

    def _links(self, line: RecordLine) -> dict[str, Any]:
        """Return ids by column, None where a cell empties; what isn't found lacks."""
        found: dict[str, Any] = {}
        finders = {name: book.find for name, book in self.books.items()}
        for name, find in {**finders, "vendor": self.vendors.find}.items():
            if name not in line.values:
                continue
            text = line.text(name)
            try:
                found[name] = find(text) if text else None
            except Unreadable as finding:
                self.result.refuse(line, name, finding)
        return found

    def _contractor(self, line: RecordLine, vendor: int | None) -> int | None:
        text = line.text("contractor")
        return self.people.find(text, vendor) if text else None

    def _keys_of(self, line: RecordLine) -> LineKeys:
        sure = tuple(
            Key(name, line.text(name))
            for name in ("reference", "external_id")
            if line.text(name)
        )
        vendor = self.links[line.number].get("vendor")
        values = line.values
        if line.text("reference") or not (vendor and line.text("title")):
            return LineKeys(sure)
        try:
            person = self._contractor(line, vendor)
        except Unreadable:
            return LineKeys(sure)
        natural = _natural(
            values.get("kind"),
            vendor,
            line.text("title"),
            values.get("starts_on"),
            person,
        )
        given = line.text("external_id")

        def has_no_other_id(pk: int) -> bool:
            recorded = self.index.known[pk].external_id
            return not given or not recorded or given == recorded

        return LineKeys(sure, natural, has_no_other_id)

    def _predecessors_first(self, lines: Sequence[RecordLine]) -> list[RecordLine]:
        """Return the lines so that each comes after the line that it follows."""
        by_reference = {
            line.text("reference"): line for line in lines if line.text("reference")
        }
        ordered: dict[int, RecordLine] = {}
        for line in lines:
            chain = []
            above: RecordLine | None = line
            while above and above.number not in ordered and above not in chain:
                chain.append(above)
                above = by_reference.get(above.text("predecessor"))
            ordered.update({one.number: one for one in reversed(chain)})
        return list(ordered.values())

    # New engagements

    def _plan_new(self, line: RecordLine) -> None:
        kind = line.text("kind")
        self._check_status_of_new(line)
        values = self._values(line, kind, vendor=self.links[line.number].get("vendor"))
        missing = list(needed_but_missing(line, COLUMNS, kind))
        self.result.problems.extend(missing)
        if all(values.get(name) for name in ("title", "kind", "vendor", "starts_on")):
            currency = self.vendors.currencies[values["vendor"]]
            log = partial(_log, kind, {"currency": currency} | values)
            self.result.steps.append(Step((line,), lambda actor: log(actor), True))

    def _check_status_of_new(self, line: RecordLine) -> None:
        if line.text("status") not in ("", Status.DRAFT, Status.ACTIVE):
            self._refuse(
                line,
                "status",
                "can't be the status of a new engagement",
                "Write draft or active; it is ended by its steps in the admin.",
            )

    # Those recorded already

    def _plan_change(self, line: RecordLine, agreement: Any) -> None:
        before = facts_of(agreement)
        if line.text("kind") not in ("", agreement.kind):
            self._refuse(
                line,
                "kind",
                f"differs from what is recorded ({agreement.kind})",
                "An engagement never changes its model: convert it in the admin.",
            )
        vendor = self.links[line.number].get("vendor") or agreement.vendor_id
        values = self._values(line, agreement.kind, vendor, before)
        values.pop("kind", None)
        changes = {
            name: value
            for name, value in values.items()
            if not is_same(before[name], value)
        }
        self._check_changes(line, changes, agreement)
        changes = {n: v for n, v in changes.items() if n not in line.failed}
        if changes:
            self.result.steps.append(self._change_step(line, agreement, changes))
        elif not line.failed:
            self.result.unchanged += 1

    def _check_changes(
        self, line: RecordLine, changes: Mapping[str, Any], agreement: Any
    ) -> None:
        for name in ("monthly_fee", "rate", "rate_unit"):
            if name in changes:
                self._refuse(
                    line,
                    name,
                    "differs from the price that is recorded",
                    "Prices change from a day on: import the new one as a term.",
                )
        is_draft_of_a_file = (
            agreement.status == Status.DRAFT and agreement.origin == Origin.IMPORTED
        )
        starts = changes.get("status") == Status.ACTIVE and is_draft_of_a_file
        if "status" in changes and not starts:
            self._refuse(
                line,
                "status",
                f"differs from what is recorded ({agreement.status})",
                "A status changes by its steps in the admin: leave it as exported.",
            )

    def _change_step(
        self, line: RecordLine, agreement: Any, changes: Mapping[str, Any]
    ) -> Step:
        words = shown_facts(agreement, self.people)
        told = told_changes(COLUMNS, changes, words, _given(line, changes), _PERSONAL)
        change = partial(_change, agreement.kind, agreement.pk, changes)
        return Step(
            (line,),
            lambda actor: change(actor),
            False,
            f"{agreement.reference}: {told}",
        )

    # Values of the line, for its model

    def _values(
        self,
        line: RecordLine,
        kind: str,
        vendor: int | None,
        before: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for column in COLUMNS:
            name = column.name
            if name not in line.values or column.is_told_only:
                continue
            if column.model and kind and column.model != kind:
                self._refuse_foreign(line, name, column.model)
            elif not column.is_reference:
                values[name] = line.values[name]
            elif name in self.links[line.number]:
                values[name] = self.links[line.number][name]
        self._add_contractor(line, values, vendor, before)
        self._add_predecessor(line, values)
        self._check_manager(line, values, before)
        return values

    def _refuse_foreign(self, line: RecordLine, name: str, model: str) -> None:
        if line.values[name] is not None:
            whose = "managed services" if model == MANAGED else "augmented contractors"
            self._refuse(
                line, name, f"is for {whose} only", "Leave it blank on this line."
            )

    def _add_contractor(
        self,
        line: RecordLine,
        values: dict[str, Any],
        vendor: int | None,
        before: Mapping[str, Any] | None,
    ) -> None:
        if "contractor" not in line.values or "contractor" in line.failed:
            return
        if before is not None and "contractor" not in before:
            return
        try:
            found = self._contractor(line, vendor)
        except Unreadable as finding:
            self.result.refuse(line, "contractor", finding)
            return
        kept = before is not None and before["contractor"] == found
        if found and not kept and self.people.people[found].vendor_id != vendor:
            self._refuse(
                line,
                "contractor",
                "comes from another vendor",
                "Name somebody recorded with this line's vendor.",
            )
            return
        values["contractor"] = found

    def _add_predecessor(self, line: RecordLine, values: dict[str, Any]) -> None:
        text = line.text("predecessor")
        if "predecessor" not in line.values or "predecessor" in line.failed:
            return
        known = self.index.keys.get(Key("reference", text))
        if not text:
            values["predecessor"] = None
        elif known:
            values["predecessor"] = next(iter(known))
        elif text in self.in_file:
            # It has no id before its own line is stored.
            values["predecessor"] = text
        else:
            self._refuse(
                line,
                "predecessor",
                "is no recorded engagement",
                "Give the reference of a recorded one, or of a line in this file.",
            )

    def _check_manager(
        self,
        line: RecordLine,
        values: dict[str, Any],
        before: Mapping[str, Any] | None,
    ) -> None:
        manager = values.get("manager")
        kept = before is not None and before["manager"] == manager
        if manager in self.inactive and not kept:
            del values["manager"]
            self._refuse(
                line,
                "manager",
                "names somebody who is not active any more",
                "Name a colleague who can answer for it.",
            )


def _given(line: RecordLine, changes: Mapping[str, Any]) -> dict[str, Cell | None]:
    return {name: line.values.get(name) for name in changes}


def _log(kind: str, values: Mapping[str, Any], actor: User | None) -> list[str]:
    is_active = values.get("status") == Status.ACTIVE
    agreement: Any = _MODELS[kind]()
    _fill(agreement, values)
    # What runs already was agreed elsewhere; a draft goes the way of any other.
    agreement.origin = Origin.IMPORTED if is_active else Origin.LOGGED
    department = Department.objects.filter(pk=agreement.department_id).first()
    shares = default_shares(department)
    if kind == MANAGED:
        log_managed_contract(
            contract=agreement,
            fee_terms=_first_fee(values),
            cost_shares=shares,
            actor=actor,
        )
    else:
        log_assignment(
            assignment=agreement,
            rate_terms=_first_rate(values),
            cost_shares=shares,
            actor=actor,
        )
    told = _bring_into_force(agreement, actor) if is_active else []
    return [*told, *_tenure(agreement)]


def _bring_into_force(agreement: Agreement, actor: User | None) -> list[str]:
    """Take over what runs already; start what is to come, if nobody need approve it.

    Returns what a reader should know. Raises ValidationError on the status.
    """
    if agreement.starts_on <= timezone.localdate():
        take_over_engagement(engagement=agreement, actor=actor)
        return [
            _(
                "%(reference)s runs since %(day)s, so it is taken over as active:"
                " nobody is asked for an approval."
            )
            % {
                "reference": agreement.reference,
                "day": agreement.starts_on.isoformat(),
            }
        ]
    try:
        start_engagement(engagement=agreement, actor=actor)
    except ApprovalNeededError as refusal:
        raise ValidationError(
            {
                "status": _("It is yet to start. %(refusal)s In the file, write draft.")
                % {"refusal": refusal}
            }
        ) from refusal
    return []


def _first_fee(values: Mapping[str, Any]) -> list[FeeTerm]:
    fee = values.get("monthly_fee")
    if fee is None:
        return []
    return [FeeTerm(starts_on=values["starts_on"], monthly_fee=fee)]


def _first_rate(values: Mapping[str, Any]) -> list[RateTerm]:
    rate = values.get("rate")
    if rate is None:
        return []
    unit = values.get("rate_unit") or RateUnit.DAY
    return [RateTerm(starts_on=values["starts_on"], rate=rate, unit=unit)]


def _change(
    kind: str, pk: int, changes: Mapping[str, Any], actor: User | None
) -> list[str]:
    agreement: Any = _MODELS[kind]._default_manager.get(pk=pk)
    _fill(agreement, changes)
    if changes.keys() - {"status"}:
        change_engagement(engagement=agreement, is_reported=True, actor=actor)
    told = _bring_into_force(agreement, actor) if "status" in changes else []
    if changes.keys() & _COUNTED_FOR_TENURE:
        told += _tenure(agreement)
    return told


def _tenure(agreement: Agreement) -> list[str]:
    # Reports are kept; nobody is named in them who could be left out.
    called = _("The contractor of %(reference)s") % {"reference": agreement.reference}
    return tenure_warnings(engagement=agreement, called=called)


def _fill(agreement: Agreement, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        if name in _STEPS_AND_PRICES:
            continue
        if name == "predecessor" and isinstance(value, str):
            value = _stored_predecessor(value)
        blank = "" if name in _BLANK_TEXT else None
        setattr(agreement, _LINKS.get(name, name), blank if value is None else value)


def _stored_predecessor(reference: str) -> int:
    found = Engagement.objects.filter(reference=reference).values_list("pk", flat=True)
    pk = found.first()
    if pk is None:
        raise ValidationError(
            {
                "predecessor": _("The line of %(reference)s is refused: correct it.")
                % {"reference": reference}
            }
        )
    return pk


register(Engagements())

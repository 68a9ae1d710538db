"""The kind `contractors`: the people behind augmented engagements."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from engagements.models import Contractor, Skill, User
from engagements.services.records import change_record, create_record, set_links
from tracker.imports import contractor_columns, references
from tracker.imports.kinds import register
from tracker.imports.parsing import Unreadable
from tracker.imports.record_kinds import (
    OTHER_ID,
    Plan,
    RecordKind,
    Step,
    batches,
    is_other_id,
    is_same,
    needed_but_missing,
    records_in_order,
    told_changes,
)
from tracker.imports.record_lines import RecordLine
from tracker.imports.record_matching import LineKeys, match_lines
from tracker.imports.references import Key, folded

_FACTS = (
    "full_name",
    "work_email",
    "worker_number",
    "jurisdiction",
    "employment_type",
    "external_id",
)
_ERASED = Unreadable(
    "names somebody whose personal data was erased", "Take the line out of the file."
)


class Contractors(RecordKind[Contractor]):
    name = "contractors"
    label = "Contractors"
    columns = contractor_columns.COLUMNS
    example = contractor_columns.EXAMPLE
    identifying = ("full_name", "worker_number", "external_id", "id")
    permissions = ("engagements.add_contractor", "engagements.change_contractor")

    def prepare(self, lines: Sequence[RecordLine]) -> Plan:
        plan = Plan()
        vendors, skills = references.Vendors(), references.skills()
        found = {line.number: _resolved(line, vendors, skills, plan) for line in lines}
        known = KnownContractors()
        matches = match_lines(
            lines,
            known.index,
            lambda line: known.keys_of(line, found[line.number].get("vendor_id")),
            "contractor",
        )
        plan.problems.extend(matches.problems)
        recorded = _by_id([pk for pk in matches.records.values() if pk])
        for line in lines:
            if line.number not in matches.records:
                continue
            pk = matches.records[line.number]
            if pk is None:
                self._plan_new(line, found[line.number], plan)
            else:
                self._plan_change(line, found[line.number], recorded[pk], plan)
        return plan

    def _plan_new(
        self, line: RecordLine, values: Mapping[str, Any], plan: Plan
    ) -> None:
        missing = list(needed_but_missing(line, self.columns))
        plan.problems.extend(missing)
        if values.get("full_name") and values.get("vendor_id"):
            plan.steps.append(Step((line,), lambda actor: _add(values, actor), True))

    def _plan_change(
        self,
        line: RecordLine,
        values: Mapping[str, Any],
        contractor: Contractor,
        plan: Plan,
    ) -> None:
        before = facts_of(contractor)
        changes = {
            name: value
            for name, value in values.items()
            if not is_same(before[name], value)
        }
        if is_other_id(line, before):
            plan.refuse(line, "external_id", OTHER_ID)
        elif changes and contractor.is_erased:
            plan.refuse(line, "full_name", _ERASED)
        elif changes:
            plan.steps.append(_change_step(line, contractor, changes, before))
        elif not line.failed:
            plan.unchanged += 1

    def exported_rows(
        self, ids: Sequence[int], user: User | None
    ) -> Iterator[Mapping[str, Any]]:
        for contractor in records_in_order(_with_links(), ids):
            yield shown_facts(contractor) | {"id": str(contractor.public_id)}


def _change_step(
    line: RecordLine,
    contractor: Contractor,
    changes: Mapping[str, Any],
    before: Mapping[str, Any],
) -> Step:
    names = {"vendor_id": "vendor", "skill_ids": "skills"}
    words = shown_facts(contractor)
    given = {
        names.get(name, name): line.values.get(names.get(name, name))
        for name in changes
    }
    told = told_changes(
        contractor_columns.COLUMNS, given, words, given, Contractor.PERSONAL_FIELDS
    )
    pk = contractor.pk
    return Step(
        (line,),
        lambda actor: _change(pk, changes, actor),
        False,
        f"contractor {before['external_id'] or contractor.public_id}: {told}",
    )


def facts_of(contractor: Contractor) -> dict[str, Any]:
    """Return what is recorded, other records by their ids."""
    return {name: getattr(contractor, name) for name in _FACTS} | {
        "vendor_id": contractor.vendor_id,
        "skill_ids": tuple(sorted(skill.pk for skill in contractor.skills.all())),
    }


def shown_facts(contractor: Contractor) -> dict[str, Any]:
    """Return what is recorded, other records by their names."""
    return {name: getattr(contractor, name) for name in _FACTS} | {
        "vendor": contractor.vendor.legal_name,
        "skills": tuple(sorted(skill.name for skill in contractor.skills.all())),
    }


def _with_links() -> "QuerySet[Contractor]":
    return Contractor.objects.select_related("vendor").prefetch_related("skills")


def _by_id(ids: Sequence[int]) -> dict[int, Contractor]:
    return {
        pk: contractor
        for part in batches(ids)
        for pk, contractor in _with_links().in_bulk(part).items()
    }


def _resolved(
    line: RecordLine,
    vendors: references.Vendors,
    skills: references.Book,
    plan: Plan,
) -> dict[str, Any]:
    """Return the line's facts with other records' ids; what isn't found is refused."""
    values: dict[str, Any] = {
        name: line.values[name] for name in _FACTS if name in line.values
    }
    given = line.values.get("vendor")
    if isinstance(given, str):
        _try(line, "vendor", plan, values, "vendor_id", lambda: vendors.find(given))
    if "skills" in line.values:
        listed = line.values["skills"]
        names = listed if isinstance(listed, tuple) else ()
        found = [_skill(line, name, skills, plan) for name in names]
        if None not in found:
            values["skill_ids"] = tuple(sorted({pk for pk in found if pk}))
    return values


def _try(
    line: RecordLine,
    column: str,
    plan: Plan,
    values: dict[str, Any],
    name: str,
    find: Callable[[], int],
) -> None:
    try:
        values[name] = find()
    except Unreadable as finding:
        plan.refuse(line, column, finding)


def _skill(
    line: RecordLine, name: str, skills: references.Book, plan: Plan
) -> int | None:
    try:
        return skills.find(name)
    except Unreadable as finding:
        named = Unreadable(f"“{name}” {finding.reason}", finding.advice)
        plan.refuse(line, "skills", named)
        return None


@dataclass(frozen=True)
class _Person:
    external_id: str
    worker_number: str
    vendor_id: int


class KnownContractors:
    """Everybody recorded, by what a file may call them."""

    def __init__(self) -> None:
        self.people: dict[int, _Person] = {}
        found: defaultdict[Key, set[int]] = defaultdict(set)
        rows = Contractor.objects.values_list(
            "pk",
            "public_id",
            "external_id",
            "worker_number",
            "vendor_id",
            "work_email",
            "full_name",
        )
        for pk, public_id, external_id, number, vendor, email, name in rows:
            self.people[pk] = _Person(external_id or "", number, vendor)
            for key in _keys(str(public_id), external_id or "", number, vendor):
                found[key].add(pk)
            if email:
                found[Key("work_email", folded(email))].add(pk)
            found[_named(name, vendor)].add(pk)
        self.index = {key: frozenset(records) for key, records in found.items()}

    def keys_of(self, line: RecordLine, vendor: int | None) -> LineKeys:
        sure = _keys(
            folded(line.text("id")),
            line.text("external_id"),
            line.text("worker_number"),
            vendor,
        )
        name = line.text("full_name")
        natural = _named(name, vendor) if name and vendor else None
        return LineKeys(sure, natural, lambda pk: self._is_same(line, pk))

    def _is_same(self, line: RecordLine, pk: int) -> bool:
        """Two people of one name and vendor differ in what numbers they have."""
        person = self.people[pk]
        pairs = (
            (line.text("external_id"), person.external_id),
            (line.text("worker_number"), person.worker_number),
        )
        return all(not given or not kept or given == kept for given, kept in pairs)

    def called(self, person: Contractor | None, vendor: int) -> str:
        """Return the name by which `find` finds the person; else the record's id."""
        if person is None:
            return ""
        try:
            is_found = self.find(person.full_name, vendor) == person.pk
        except Unreadable:
            is_found = False
        return person.full_name if is_found else str(person.public_id)

    def find(self, text: str, vendor: int | None) -> int:
        """Return who is so named, at the vendor where it is a name. Raises Unreadable.

        `text` is a full name, e-mail, worker number, external id or record id.
        """
        for key in (
            Key("id", folded(text)),
            Key("external_id", text),
            Key("worker_number", (text, vendor)),
            Key("work_email", folded(text)),
            _named(text, vendor),
        ):
            found = self.index.get(key, frozenset())
            if len(found) > 1:
                raise Unreadable(
                    f"names {len(found)} recorded contractors",
                    "Tell them apart: give the record id, as exported.",
                )
            if found:
                return next(iter(found))
        raise Unreadable(
            "is no recorded contractor of this vendor",
            "Give a full name, e-mail or number; import new contractors first.",
        )


def _keys(
    public_id: str, external_id: str, number: str, vendor: int | None
) -> tuple[Key, ...]:
    keys = (
        (public_id, Key("id", public_id)),
        (external_id, Key("external_id", external_id)),
        (number and vendor, Key("worker_number", (number, vendor))),
    )
    return tuple(key for given, key in keys if given)


def _named(name: str, vendor: int | None) -> Key:
    return Key("full_name", (folded(name), vendor))


def _add(values: Mapping[str, Any], actor: User | None) -> None:
    contractor = Contractor()
    _fill(contractor, values)
    create_record(record=contractor, actor=actor)
    _link(contractor, values, actor)


def _change(pk: int, changes: Mapping[str, Any], actor: User | None) -> None:
    contractor = Contractor.objects.get(pk=pk)
    _fill(contractor, changes)
    change_record(record=contractor, actor=actor)
    _link(contractor, changes, actor)


def _fill(contractor: Contractor, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        if name != "skill_ids":
            blank = None if name == "external_id" else ""
            setattr(contractor, name, blank if value is None else value)


def _link(
    contractor: Contractor, values: Mapping[str, Any], actor: User | None
) -> None:
    if "skill_ids" in values:
        set_links(
            record=contractor,
            field_name="skills",
            links=Skill.objects.filter(pk__in=values["skill_ids"]),
            actor=actor,
        )


register(Contractors())

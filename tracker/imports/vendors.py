"""The kind `vendors`: the companies that supply outside work."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.conf import settings

from engagements.models import User, Vendor
from engagements.services.vendors import change_vendor, register_vendor
from engagements.values.names import normalise_name
from tracker.imports import vendor_columns
from tracker.imports.kinds import register
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

_FACTS = tuple(column.name for column in vendor_columns.COLUMNS if column.name != "id")


class Vendors(RecordKind[Vendor]):
    name = "vendors"
    label = "Vendors"
    columns = vendor_columns.COLUMNS
    example = vendor_columns.EXAMPLE
    identifying = ("legal_name", "external_id", "id")
    permissions = ("engagements.add_vendor", "engagements.change_vendor")
    aliases = {"normalised_name": "legal_name"}

    def prepare(self, lines: Sequence[RecordLine]) -> Plan:
        matches = match_lines(lines, _index(), _keys_of, "vendor")
        plan = Plan(problems=matches.problems)
        known = [line for line in lines if matches.records.get(line.number)]
        recorded = {
            vendor.pk: vendor
            for part in batches([matches.records[line.number] or 0 for line in known])
            for vendor in Vendor.objects.in_bulk(part).values()
        }
        for line in lines:
            if line.number not in matches.records:
                continue
            pk = matches.records[line.number]
            if pk is None:
                self._plan_new(line, plan)
            else:
                self._plan_change(line, recorded[pk], plan)
        return plan

    def _plan_new(self, line: RecordLine, plan: Plan) -> None:
        missing = list(needed_but_missing(line, self.columns))
        plan.problems.extend(missing)
        if not missing and not line.failed & {"legal_name"}:
            plan.steps.append(Step((line,), lambda actor: _add(line, actor), True))

    def _plan_change(self, line: RecordLine, vendor: Vendor, plan: Plan) -> None:
        before = facts_of(vendor)
        changes = {
            name: value
            for name, value in line.values.items()
            if name != "id" and not is_same(before[name], value)
        }
        if is_other_id(line, before):
            plan.refuse(line, "external_id", OTHER_ID)
        elif changes:
            told = f"{vendor}: " + told_changes(
                self.columns, changes, before, changes, Vendor.PERSONAL_FIELDS
            )
            pk = vendor.pk
            plan.steps.append(
                Step((line,), lambda actor: _change(pk, changes, actor), False, told)
            )
        elif not line.failed:
            plan.unchanged += 1

    def exported_rows(
        self, ids: Sequence[int], user: User | None
    ) -> Iterator[Mapping[str, Any]]:
        for vendor in records_in_order(Vendor.objects.all(), ids):
            yield facts_of(vendor) | {"id": str(vendor.public_id)}


def facts_of(vendor: Vendor) -> dict[str, Any]:
    return {name: getattr(vendor, name) for name in _FACTS}


def _index() -> dict[Key, frozenset[int]]:
    found: defaultdict[Key, set[int]] = defaultdict(set)
    rows = Vendor.objects.values_list(
        "pk", "public_id", "external_id", "normalised_name"
    )
    for pk, public_id, external_id, name in rows:
        found[Key("id", str(public_id))].add(pk)
        found[Key("legal_name", name)].add(pk)
        if external_id:
            found[Key("external_id", external_id)].add(pk)
    return {key: frozenset(records) for key, records in found.items()}


def _keys_of(line: RecordLine) -> LineKeys:
    names = ("id", "external_id")
    sure = tuple(
        Key(name, folded(line.text(name)) if name == "id" else line.text(name))
        for name in names
        if line.text(name)
    )
    name = normalise_name(line.text("legal_name"))
    return LineKeys(sure, Key("legal_name", name) if name else None)


def _add(line: RecordLine, actor: User | None) -> None:
    vendor = Vendor(currency=settings.REPORTING_CURRENCY)
    _fill(vendor, line.values)
    register_vendor(vendor=vendor, actor=actor)


def _change(pk: int, changes: Mapping[str, Any], actor: User | None) -> None:
    vendor = Vendor.objects.get(pk=pk)
    _fill(vendor, changes)
    change_vendor(vendor=vendor, actor=actor)


def _fill(vendor: Vendor, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        if name in _FACTS:
            blank = None if name == "external_id" else ""
            setattr(vendor, name, blank if value is None else value)


register(Vendors())

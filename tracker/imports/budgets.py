"""The kind `budgets`: what cost centres may spend, a fiscal year to a line."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from engagements.models import User
from tracker.imports import budget_columns
from tracker.imports.budget_columns import MONTHS
from tracker.imports.kinds import register
from tracker.imports.parsing import Unreadable
from tracker.imports.record_kinds import (
    Plan,
    RecordKind,
    Step,
    needed_but_missing,
    records_in_order,
    told_changes,
)
from tracker.imports.record_lines import RecordLine
from tracker.imports.record_matching import LineKeys, match_lines
from tracker.imports.references import Book, Key, cost_centres, folded
from tracker.spend.budget_standing import fiscal_months
from tracker.spend.models import Budget
from tracker.spend.services import set_budget

FIRST_YEAR, LAST_YEAR = 2000, 2099
_OTHER_BUDGET = Unreadable(
    "is not that of the recorded budget",
    "Leave the record id blank for the budget of another cost centre or year.",
)


class Budgets(RecordKind[Budget]):
    name = "budgets"
    label = "Budgets"
    columns = budget_columns.COLUMNS
    example = budget_columns.EXAMPLE
    identifying = ("cost_centre", "id")
    permissions = ("tracker.add_budget", "tracker.change_budget")

    def prepare(self, lines: Sequence[RecordLine]) -> Plan:
        centres = cost_centres()
        plan = Plan()
        named = {line.number: self._centre(line, centres, plan) for line in lines}
        matches = match_lines(
            lines, _index(), lambda line: _keys_of(line, named[line.number]), "budget"
        )
        plan.problems.extend(matches.problems)
        recorded = Budget.objects.select_related("cost_centre").in_bulk(
            [pk for pk in matches.records.values() if pk]
        )
        amounts = _amounts(recorded)
        for line in lines:
            if line.number not in matches.records:
                continue
            pk = matches.records[line.number]
            if pk is None:
                self._plan_new(line, named[line.number], plan)
            else:
                self._plan_change(
                    line, recorded[pk], amounts[pk], named[line.number], plan
                )
        return plan

    def _centre(self, line: RecordLine, centres: Book, plan: Plan) -> int | None:
        if not line.text("cost_centre") or "cost_centre" in line.failed:
            return None
        try:
            return centres.find(line.text("cost_centre"))
        except Unreadable as finding:
            plan.refuse(line, "cost_centre", finding)
            return None

    def _plan_new(self, line: RecordLine, centre: int | None, plan: Plan) -> None:
        missing = list(needed_but_missing(line, self.columns))
        plan.problems.extend(missing)
        year = _year(line)
        if missing or centre is None or year is None:
            if year is None and not missing and "year" not in line.failed:
                plan.refuse(line, "year", _NO_YEAR)
            return

        def add(actor: User | None) -> None:
            set_budget(
                budget=Budget(cost_centre_id=centre, year=year),
                amounts=_by_month(year, line.values),
                actor=actor,
            )

        plan.steps.append(Step((line,), add, True))

    def _plan_change(
        self,
        line: RecordLine,
        budget: Budget,
        before: Mapping[str, Decimal],
        centre: int | None,
        plan: Plan,
    ) -> None:
        if centre is not None and centre != budget.cost_centre_id:
            plan.refuse(line, "cost_centre", _OTHER_BUDGET)
            return
        if line.values.get("year") is not None and line.values["year"] != budget.year:
            plan.refuse(line, "year", _OTHER_BUDGET)
            return
        changes = {
            name: value
            for name, value in line.values.items()
            if name in MONTHS and value is not None and value != before[name]
        }
        if not changes:
            plan.unchanged += not line.failed
            return
        told = f"{budget.cost_centre}, {budget}: " + told_changes(
            self.columns, changes, before, changes, frozenset()
        )
        pk, after = budget.pk, {**before, **changes}

        def change(actor: User | None) -> None:
            stored = Budget.objects.get(pk=pk)
            set_budget(
                budget=stored, amounts=_by_month(stored.year, after), actor=actor
            )

        plan.steps.append(Step((line,), change, False, told))

    def exported_rows(
        self, ids: Sequence[int], user: User | None
    ) -> Iterator[Mapping[str, Any]]:
        rows = Budget.objects.select_related("cost_centre")
        amounts = _amounts(dict.fromkeys(ids))
        for budget in records_in_order(rows, ids):
            yield {
                "cost_centre": budget.cost_centre.code,
                "year": budget.year,
                "id": str(budget.public_id),
                **amounts[budget.pk],
            }


_NO_YEAR = Unreadable("is out of range", f"Give one from {FIRST_YEAR} to {LAST_YEAR}.")


def _year(line: RecordLine) -> int | None:
    year = line.values.get("year")
    known = isinstance(year, int) and FIRST_YEAR <= year <= LAST_YEAR
    return int(str(year)) if known else None


def _by_month(year: int, values: Mapping[str, Any]) -> dict[date, Decimal]:
    """Return the amounts by first day of month; a fiscal year holds each name once."""
    return {
        month: values[name]
        for month in fiscal_months(year)
        if values.get(name := MONTHS[month.month - 1]) is not None
    }


def _amounts(budgets: Mapping[int, object]) -> dict[int, dict[str, Decimal]]:
    """Return each budget's amounts by the name of the month, all twelve of them."""
    found = {pk: dict.fromkeys(MONTHS, Decimal(0)) for pk in budgets}
    rows = Budget.objects.filter(pk__in=found, months__isnull=False)
    for pk, month, amount in rows.values_list("pk", "months__month", "months__amount"):
        found[pk][MONTHS[month.month - 1]] = amount
    return found


def _index() -> dict[Key, frozenset[int]]:
    found: defaultdict[Key, set[int]] = defaultdict(set)
    rows = Budget.objects.values_list("pk", "public_id", "cost_centre_id", "year")
    for pk, public_id, centre, year in rows:
        found[Key("id", str(public_id))].add(pk)
        found[Key("cost_centre", (centre, year))].add(pk)
    return {key: frozenset(records) for key, records in found.items()}


def _keys_of(line: RecordLine, centre: int | None) -> LineKeys:
    sure = (Key("id", folded(line.text("id"))),) if line.text("id") else ()
    year = line.values.get("year")
    if centre is None or not isinstance(year, int):
        return LineKeys(sure, None)
    return LineKeys(sure, Key("cost_centre", (centre, year)))


register(Budgets())

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import ClassVar

from django.utils.translation import gettext as _

from tracker.dashboards.breakdown import SPEND_COLUMNS, Breakdown, Entry
from tracker.dashboards.report import Column
from tracker.dashboards.scope import COMPARISONS, DepartmentChoice
from tracker.spend.planned import BudgetPart, PlannedPart
from tracker.spend.queries import SpendParts, spend_by_department

Known = Mapping[int | None, SpendParts]


class SpendByDepartment(Breakdown):
    """The departments below the one asked for, each with all that is below it.

    What a department spent itself has a line of its own, so that the lines always sum
    to what was opened.
    """

    slug = "departments"
    title = "Spend by department"
    noun = "departments"
    chart_id = "by-department"
    columns: ClassVar[Sequence[Column]] = (
        Column("Department"),
        Column("Department code", on_page=False),
        *SPEND_COLUMNS,
    )

    @property
    def offered(self) -> Sequence[str]:
        if self.scope.where.is_narrower_than_budgets:
            return super().offered
        return COMPARISONS

    def key_planned(self, part: PlannedPart) -> str:
        return self._key_of(part.engagement.department_id)

    def key_budgeted(self, part: BudgetPart) -> str:
        return self._key_of(part.department_id)

    def _key_of(self, department_id: int | None) -> str:
        found = (one.code for one in self._lines if department_id in one.subtree)
        return next(found, "")

    @cached_property
    def _lines(self) -> list[DepartmentChoice]:
        """Departments that have a line, those below before the one that is itself."""
        asked, below = self._asked_and_below()
        return [*below, *([asked] if asked else [])]

    def read(self) -> list[Entry]:
        scope = self.scope
        known: Known = {
            spend.place_id: spend.parts
            for spend in spend_by_department(scope.user, scope.where)
        }
        found = sorted(self._entries(known), key=lambda entry: -entry.parts.total)
        return [entry for entry in found if entry.parts != SpendParts()]

    def _entries(self, known: Known) -> Iterator[Entry]:
        asked, below = self._asked_and_below()
        left = set(known)
        for choice in below:
            left -= choice.subtree
            yield self._of_tree(choice, known)
        if asked is not None and asked.id in left:
            left.discard(asked.id)
            yield self._of_itself(asked, known)
        if left:
            yield self._of_others(left, known)

    def _asked_and_below(
        self,
    ) -> tuple[DepartmentChoice | None, list[DepartmentChoice]]:
        asked = self._asked()
        below = self._below(asked)
        if asked is None and len(below) == 1:
            # One department over all others says nothing: those below it do.
            asked = below[0]
            below = self._below(asked)
        return asked, below

    def _asked(self) -> DepartmentChoice | None:
        code = self.scope.parameters.get("department", "")
        return next((one for one in self.scope.departments if one.code == code), None)

    def _below(self, asked: DepartmentChoice | None) -> list[DepartmentChoice]:
        depth = 0 if asked is None else asked.depth + 1
        return [
            one
            for one in self.scope.departments
            if one.depth == depth and (asked is None or one.id in asked.subtree)
        ]

    def _of_tree(self, choice: DepartmentChoice, known: Known) -> Entry:
        parts = (known.get(pk, SpendParts()) for pk in sorted(choice.subtree))
        narrows = {"department": choice.code, "direct": ""}
        return Entry(
            labels=(choice.name, choice.code),
            name=choice.name,
            href=self.scope.finance_url(**narrows),
            parts=sum(parts, SpendParts()),
            narrows=narrows,
        )

    def _of_itself(self, asked: DepartmentChoice, known: Known) -> Entry:
        name = _("%(department)s itself") % {"department": asked.name}
        narrows = {"department": asked.code, "direct": "yes"}
        return Entry(
            labels=(name, asked.code),
            name=name,
            href=self.scope.report_url("engagements", **narrows),
            parts=known[asked.id],
            narrows=narrows,
        )

    def _of_others(self, left: set[int | None], known: Known) -> Entry:
        """Return what belongs to no department, or to one that isn't the reader's."""
        name = _("No department") if left == {None} else _("Other departments")
        parts = (known[pk] for pk in sorted(left, key=lambda pk: pk or 0))
        return Entry(
            labels=(name, ""), name=name, href="", parts=sum(parts, SpendParts())
        )

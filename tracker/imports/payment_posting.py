"""Where each new payment goes: vendor, department and engagement, found or made.

A payment goes to the engagement that the vendor was paid on before for the same unit,
category and currency. Else to the one engagement that a person has logged with the
vendor in that unit's department and of the category's model, where its dates cover all
of the payments and nothing else was posted for it. Else to a new draft of imported
origin. So a file can be imported before anything is logged, and again afterwards.
"""

import hashlib
from array import array
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from engagements.choices import Standing
from engagements.models import (
    Assignment,
    Department,
    Engagement,
    ManagedContract,
    User,
    Vendor,
)
from engagements.services.imported import (
    add_departments,
    log_imported,
    register_vendors,
    start_earlier,
)
from engagements.values.names import normalise_name
from tracker.imports.models import CategoryCode
from tracker.imports.payment_categories import (
    Model,
    choose_model,
    normalise_category,
)
from tracker.imports.payment_invoices import Paying, find_paid
from tracker.imports.payment_lines import LONGEST, PaymentLine
from tracker.imports.payment_matching import Matching, Verdict
from tracker.imports.problems import Note
from tracker.imports.queries import (
    PayFor,
    departments_by_name,
    engagements_by_id,
    engagements_paid,
    has_other_spend,
    logged_engagements,
    pay_for,
    vendors_by_name,
)
from tracker.spend.models import Payment
from tracker.spend.services import post_payments, record_invoice_payment

# So many are made and posted at once, which bounds the memory that it takes.
_GROUPS_AT_ONCE = 1000
_POSTED_AT_ONCE = 5000
_LONGEST_TITLE = 200
_LONGEST_CODE = 34  # of the 40 that a code has, for a number behind it
_SHOWN_NAMES = 10

_name_key = lru_cache(maxsize=4096)(normalise_name)
_category_key = lru_cache(maxsize=4096)(normalise_category)

# Vendor by normalised name, unit, category and currency: what one engagement is for.
GroupKey = tuple[str, str, str, str]


@dataclass
class Group:
    """The new payments that belong to one engagement."""

    vendor: Vendor
    unit: str
    category: str
    currency: str
    model: Model
    first_day: date
    last_day: date
    # None until the engagement is found or made.
    engagement_id: int | None = None

    def add(self, line: PaymentLine) -> None:
        if line.paid_on < self.first_day:
            self.first_day = line.paid_on
        elif line.paid_on > self.last_day:
            self.last_day = line.paid_on


@dataclass
class PostingPlan:
    """What is going to be made and where the payments go; nothing is stored yet."""

    matching: Matching
    groups: list[Group]
    # By the line's position: its group's, or -1 where the line isn't new.
    group_of: "array[int]"
    # How many payments have each category and code.
    categories: Counter[tuple[str, str]]
    new_vendors: list[Vendor]
    new_departments: dict[str, Department]
    departments: dict[str, Department]
    new_engagements: list[Group]
    notes: list[Note]
    # What pays for a recorded invoice is stored and not posted.
    paying: list[Paying]


def plan_posting(
    matching: Matching, category_models: Mapping[str, Model]
) -> PostingPlan:
    """Find for each payment its vendor, department and engagement, reading only."""
    vendors = vendors_by_name(sorted(set(map(_name_key, matching.suppliers))))
    paid = find_paid(
        matching.found(Verdict.NEW),
        {
            supplier: vendors[name].pk
            for supplier in matching.suppliers
            if (name := _name_key(supplier)) in vendors
        },
    )
    paying = {one.place for one in paid.paying}
    sorting = _Sorting(len(matching.lines), vendors, category_models)
    categories: Counter[tuple[str, str]] = Counter()
    for place, line in matching.found(Verdict.NEW):
        categories[line.category, line.category_code] += 1
        if place not in paying:
            sorting.take(place, line)
    groups = sorting.groups
    departments = departments_by_name()
    known = {group.vendor.pk for group in groups} - {None}
    notes = _place(groups, known, departments)
    return PostingPlan(
        matching=matching,
        groups=groups,
        group_of=sorting.group_of,
        categories=categories,
        new_vendors=[made for _name, made in sorted(sorting.new_vendors.items())],
        new_departments=_new_departments(groups, departments),
        departments=departments,
        new_engagements=[group for group in groups if group.engagement_id is None],
        notes=[*paid.notes, *notes],
        paying=paid.paying,
    )


class _Sorting:
    """Sorts lines into groups, one by one."""

    def __init__(
        self,
        lines: int,
        vendors: Mapping[str, Vendor],
        category_models: Mapping[str, Model],
    ) -> None:
        self.groups: list[Group] = []
        self.group_of = array("i", [-1]) * lines
        self.new_vendors: dict[str, Vendor] = {}
        self._vendors = vendors
        self._category_models = category_models
        self._by_key: dict[GroupKey, int] = {}
        # As the lines spell it, so that each spelling is normalised once.
        self._by_spelling: dict[GroupKey, int] = {}

    def take(self, position: int, line: PaymentLine) -> None:
        spelling = (line.supplier_name, line.unit, line.category, line.currency)
        place = self._by_spelling.get(spelling)
        if place is None:
            place = self._by_spelling[spelling] = self._place_of(line)
        self.group_of[position] = place
        self.groups[place].add(line)

    def _place_of(self, line: PaymentLine) -> int:
        name = _name_key(line.supplier_name)
        vendor = self._vendors.get(name)
        if vendor is None:
            vendor = self.new_vendors.setdefault(name, _vendor(line))
        key = (name, _name_key(line.unit), _category_key(line.category), line.currency)
        if key not in self._by_key:
            self._by_key[key] = len(self.groups)
            self.groups.append(self._group(line, vendor))
        return self._by_key[key]

    def _group(self, line: PaymentLine, vendor: Vendor) -> Group:
        choice = choose_model(line.category, line.category_code, self._category_models)
        return Group(
            vendor=vendor,
            unit=line.unit,
            category=line.category,
            currency=line.currency,
            model=choice.model,
            first_day=line.paid_on,
            last_day=line.paid_on,
        )


def _vendor(line: PaymentLine) -> Vendor:
    return Vendor(legal_name=line.supplier_name, currency=line.currency)


def _new_departments(
    groups: Iterable[Group], known: Mapping[str, Department]
) -> dict[str, Department]:
    """Return departments to make for units that no department is named like."""
    codes = {department.code for department in known.values()}
    made: dict[str, Department] = {}
    for group in groups:
        name = _name_key(group.unit)
        if name and name not in known and name not in made:
            code = _free_code(name, codes)
            codes.add(code)
            made[name] = Department(code=code, name=group.unit)
    return made


def _free_code(name: str, taken: set[str]) -> str:
    words = [word for word in name.upper().split() if word != "&"]
    stem = "-".join(words)[:_LONGEST_CODE].rstrip("-")
    code, number = stem, 1
    while code in taken:
        number += 1
        code = f"{stem}-{number}"
    return code


def _place(
    groups: Sequence[Group],
    vendors: Collection[int],
    departments: Mapping[str, Department],
) -> list[Note]:
    """Set `engagement_id` where an engagement stands already."""
    paid = engagements_paid(vendors)
    logged = _Logged(vendors)
    notes = []
    for group in groups:
        if group.vendor.pk is None:
            continue
        key = pay_for(group.vendor.pk, group.unit, group.category, group.currency)
        group.engagement_id = paid.get(key)
        if group.engagement_id is None:
            department = departments.get(_name_key(group.unit))
            group.engagement_id = logged.engagement_for(group, department)
    if logged.settled:
        names = ", ".join(sorted(logged.settled)[:_SHOWN_NAMES])
        notes.append(
            Note(
                0,
                "Invoices or work are recorded for engagements that these payments may"
                f" settle ({names}); counted as payments they would stand in the ledger"
                " twice, so look at them.",
            )
        )
    unwelcome = {
        group.vendor.legal_name
        for group in groups
        if group.vendor.standing != Standing.ACTIVE
    }
    if unwelcome:
        names = ", ".join(sorted(unwelcome)[:_SHOWN_NAMES])
        notes.append(
            Note(0, f"Payments to vendors that are on hold or blocked: {names}.")
        )
    return notes


class _Logged:
    """The vendors' engagements that people have logged."""

    def __init__(self, vendors: Collection[int]) -> None:
        self._by_vendor: defaultdict[int, list[Engagement]] = defaultdict(list)
        for engagement in logged_engagements(vendors):
            self._by_vendor[engagement.vendor_id].append(engagement)
        self.settled: set[str] = set()

    def engagement_for(self, group: Group, department: Department | None) -> int | None:
        fitting = [
            engagement
            for engagement in self._by_vendor[group.vendor.pk]
            if engagement.kind == group.model
            and engagement.currency == group.currency
            and department is not None
            and engagement.department_id == department.pk
            and engagement.starts_on <= group.first_day
            and (engagement.ends_on is None or engagement.ends_on >= group.last_day)
        ]
        if len(fitting) != 1:
            return None
        if has_other_spend(fitting[0]):
            self.settled.add(fitting[0].reference)
            return None
        return fitting[0].pk


def apply_posting(
    plan: PostingPlan,
    *,
    file_name: str,
    run_id: UUID,
    codes: Mapping[str, str],
    actor: User | None,
) -> None:
    """Make what is missing and post the payments, in the caller's transaction.

    Raises IntegrityError where another import made or posted the same meanwhile.
    """
    register_vendors(vendors=plan.new_vendors, actor=actor)
    add_departments(departments=list(plan.new_departments.values()), actor=actor)
    departments = {**plan.departments, **plan.new_departments}
    _start_earlier(plan, actor)
    _learn_codes(codes, file_name)
    for start in range(0, len(plan.new_engagements), _GROUPS_AT_ONCE):
        missing = plan.new_engagements[start : start + _GROUPS_AT_ONCE]
        _log_missing(missing, departments, actor)
    _post(plan, file_name, run_id, actor)
    for place, invoice in plan.paying:
        line = max(
            invoice.lines.select_related("engagement"), key=lambda n: abs(n.amount)
        )
        record_invoice_payment(
            payment=_payment(plan.matching, place, line.engagement, file_name, run_id),
            invoice=invoice,
            actor=actor,
        )


def _log_missing(
    groups: Sequence[Group],
    departments: Mapping[str, Department],
    actor: User | None,
) -> None:
    drafts = [_draft(group, departments.get(_name_key(group.unit))) for group in groups]
    for group, engagement in zip(
        groups, log_imported(engagements=drafts, actor=actor), strict=True
    ):
        group.engagement_id = engagement.pk


def _draft(group: Group, department: Department | None) -> ManagedContract | Assignment:
    title = f"{group.category} · {group.unit}" if group.unit else group.category
    model = ManagedContract if group.model == "managed" else Assignment
    key = pay_for(group.vendor.pk, group.unit, group.category, group.currency)
    return model(
        title=title[:_LONGEST_TITLE],
        vendor=group.vendor,
        department=department,
        currency=group.currency,
        starts_on=group.first_day,
        external_id=_external_id(key),
    )


def _external_id(key: PayFor) -> str:
    """Return what keeps two imports at once from making the same engagement twice."""
    text = "\x1f".join(map(str, key))
    return f"payments:{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def _start_earlier(plan: PostingPlan, actor: User | None) -> None:
    starts: dict[int, date] = {}
    for group in plan.groups:
        if group.engagement_id is not None:
            earliest = starts.get(group.engagement_id, group.first_day)
            starts[group.engagement_id] = min(earliest, group.first_day)
    start_earlier(starts=starts, actor=actor)


def _learn_codes(codes: Mapping[str, str], file_name: str) -> None:
    CategoryCode.objects.bulk_create(
        [
            CategoryCode(code=code, category=category, learnt_from=file_name[:200])
            for code, category in sorted(codes.items())
            if len(code) <= LONGEST["category_code"]
            and len(category) <= LONGEST["category"]
        ],
        ignore_conflicts=True,
    )


def _post(plan: PostingPlan, file_name: str, run_id: UUID, actor: User | None) -> None:
    order = _by_engagement(plan)
    for start in range(0, len(order), _POSTED_AT_ONCE):
        part = order[start : start + _POSTED_AT_ONCE].tolist()
        ids = [plan.groups[plan.group_of[place]].engagement_id for place in part]
        engagements = engagements_by_id({key for key in ids if key is not None})
        payments = [
            _payment(plan.matching, place, engagements[key], file_name, run_id)
            for place, key in zip(part, ids, strict=True)
            if key is not None
        ]
        post_payments(payments=payments, actor=actor)


def _by_engagement(plan: PostingPlan) -> NDArray[np.intp]:
    """Return the positions of new lines so that each engagement's stand together.

    One event then tells of all of its payments.
    """
    groups = np.frombuffer(plan.group_of, np.intc)
    new = np.flatnonzero(groups >= 0)
    engagements = np.array([group.engagement_id for group in plan.groups], np.int64)
    return new[np.lexsort((groups[new], engagements[groups[new]]))]


def _payment(
    matching: Matching, place: int, engagement: Engagement, file_name: str, run_id: UUID
) -> Payment:
    line = matching.lines[place]
    return Payment(
        engagement=engagement,
        vendor_id=engagement.vendor_id,
        paid_on=line.paid_on,
        amount=line.amount,
        currency=line.currency,
        transaction_number=line.transaction_number,
        description=line.description,
        unit=line.unit,
        category=line.category,
        supplier_name=line.supplier_name,
        supplier_number=line.supplier_number,
        source_key=matching.keys[place],
        source_file=file_name[:200],
        source_line=line.number,
        source_run=run_id,
    )

"""Where each new payment goes: vendor, department and engagement, found or made.

A payment goes to the engagement that the vendor was paid on before for the same unit,
category and currency. Else to the one engagement that a person has logged with the
vendor in that unit's department and of the category's model, where its dates cover all
of the payments and nothing else was posted for it. Else to a new draft of imported
origin. So a file can be imported before anything is logged, and again afterwards.
"""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from itertools import islice
from uuid import UUID

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
from tracker.imports.payment_matching import KeyedLine
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
    lines: list[KeyedLine] = field(default_factory=list)
    # None until the engagement is found or made.
    engagement_id: int | None = None

    @property
    def first_day(self) -> date:
        return min(line.paid_on for line, _ in self.lines)

    @property
    def last_day(self) -> date:
        return max(line.paid_on for line, _ in self.lines)


@dataclass
class PostingPlan:
    """What is going to be made and where the payments go; nothing is stored yet."""

    groups: list[Group]
    new_vendors: list[Vendor]
    new_departments: dict[str, Department]
    departments: dict[str, Department]
    new_engagements: list[Group]
    notes: list[Note]
    # What pays for a recorded invoice is stored and not posted.
    paying: list[Paying] = field(default_factory=list)


def plan_posting(
    lines: Sequence[KeyedLine], category_models: Mapping[str, Model]
) -> PostingPlan:
    """Find for each payment its vendor, department and engagement, reading only."""
    names = {_name_key(line.supplier_name) for line, _ in lines}
    vendors = vendors_by_name(sorted(names))
    known = {vendor.pk for vendor in vendors.values()}
    paid = find_paid(
        lines,
        {
            line.supplier_name: vendors[name].pk
            for line, _ in lines
            if (name := _name_key(line.supplier_name)) in vendors
        },
    )
    new_vendors: dict[str, Vendor] = {}
    groups: dict[GroupKey, Group] = {}
    for keyed in paid.others:
        line = keyed.line
        name = _name_key(line.supplier_name)
        if name not in vendors and name not in new_vendors:
            new_vendors[name] = _vendor(line)
        vendor = vendors.get(name) or new_vendors[name]
        key = (name, _name_key(line.unit), _category_key(line.category), line.currency)
        if key not in groups:
            choice = choose_model(line.category, line.category_code, category_models)
            groups[key] = Group(
                vendor, line.unit, line.category, line.currency, choice.model
            )
        groups[key].lines.append(keyed)
    departments = departments_by_name()
    new_departments = _new_departments(groups.values(), departments)
    notes = _place(list(groups.values()), known, departments)
    return PostingPlan(
        groups=list(groups.values()),
        new_vendors=[new_vendors[name] for name in sorted(new_vendors)],
        new_departments=new_departments,
        departments=departments,
        new_engagements=[g for g in groups.values() if g.engagement_id is None],
        notes=[*paid.notes, *notes],
        paying=paid.paying,
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
    for start in range(0, len(plan.groups), _GROUPS_AT_ONCE):
        groups = plan.groups[start : start + _GROUPS_AT_ONCE]
        missing = [group for group in groups if group.engagement_id is None]
        _log_missing(missing, departments, actor)
        _post(groups, file_name, run_id, actor)
    for keyed, invoice in plan.paying:
        line = max(
            invoice.lines.select_related("engagement"), key=lambda n: abs(n.amount)
        )
        record_invoice_payment(
            payment=_payment(keyed, line.engagement, file_name, run_id),
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


def _post(
    groups: Sequence[Group], file_name: str, run_id: UUID, actor: User | None
) -> None:
    engagements = engagements_by_id(
        {group.engagement_id for group in groups if group.engagement_id is not None}
    )
    # By engagement, so that one event tells of all of its payments.
    payments = (
        _payment(keyed, engagements[group.engagement_id], file_name, run_id)
        for group in sorted(groups, key=lambda group: group.engagement_id or 0)
        if group.engagement_id is not None
        for keyed in group.lines
    )
    while part := list(islice(payments, _POSTED_AT_ONCE)):
        post_payments(payments=part, actor=actor)


def _payment(
    keyed: KeyedLine, engagement: Engagement, file_name: str, run_id: UUID
) -> Payment:
    line = keyed.line
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
        source_key=keyed.source_key,
        source_file=file_name[:200],
        source_line=line.number,
        source_run=run_id,
    )

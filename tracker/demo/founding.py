"""The demo company before its first engagement: people, catalogues, vendors."""

import uuid
from dataclasses import dataclass, field
from datetime import date

from django.contrib.auth.models import Group

from engagements.choices import Role
from engagements.models import (
    ChecklistTemplate,
    Contractor,
    CostCentre,
    Department,
    Service,
    Skill,
    User,
    Vendor,
    VendorContact,
)
from engagements.services.records import change_record, create_record
from engagements.services.tenure import load_tenure_policies
from engagements.services.vendors import register_vendor
from engagements.values.periods import add_months, month_of
from tracker.demo.credentials import LOGINS
from tracker.demo.organisation import (
    CHORES,
    COST_CENTRES,
    CRAFTS,
    PEOPLE,
    SERVICES,
    SUPPLIERS,
    UNITS,
    Person,
)

NAMESPACE = uuid.UUID("6f0d7c52-8b0e-4c6a-9a4e-2f1f6d1f7a10")


def stable_id(kind: str, name: str) -> uuid.UUID:
    """Return the same id at each loading, so that examples can name it."""
    return uuid.uuid5(NAMESPACE, f"{kind}:{name}")


@dataclass
class Cast:
    """All whom the stories name, by the name that they use."""

    today: date
    people: dict[str, User] = field(default_factory=dict)
    units: dict[str, Department] = field(default_factory=dict)
    centres: dict[str, CostCentre] = field(default_factory=dict)
    services: dict[str, Service] = field(default_factory=dict)
    skills: dict[str, Skill] = field(default_factory=dict)
    vendors: dict[str, Vendor] = field(default_factory=dict)
    contractors: dict[str, Contractor] = field(default_factory=dict)

    def month(self, months_ago: int) -> date:
        return add_months(month_of(self.today), -months_ago)

    def contractor(self, *, name: str, vendor: Vendor, jurisdiction: str) -> Contractor:
        """Return the person, met now or earlier."""
        if name not in self.contractors:
            self.contractors[name] = create_record(
                record=Contractor(
                    public_id=stable_id("contractor", name),
                    full_name=name,
                    vendor=vendor,
                    jurisdiction=jurisdiction,
                ),
                actor=self.people["admin"],
            )
        return self.contractors[name]


def found_company(*, today: date) -> Cast:
    """Store everybody and everything that engagements will refer to."""
    cast = Cast(today)
    _open_units(cast)
    _hire_people(cast)
    _appoint_heads(cast)
    _fill_catalogues(cast)
    _register_vendors(cast)
    _write_checklists(cast)
    load_tenure_policies(actor=cast.people["admin"])
    return cast


def _open_units(cast: Cast) -> None:
    for unit in UNITS:
        cast.units[unit.code] = create_record(
            record=Department(
                code=unit.code,
                name=unit.name,
                parent=cast.units[unit.parent] if unit.parent else None,
            ),
            actor=None,
        )


def _hire_people(cast: Cast) -> None:
    passwords = {username: password for username, password, _role in LOGINS}
    groups = {group.name: group for group in Group.objects.all()}
    for number, person in enumerate(PEOPLE, 1):
        user = _user(cast, person, number)
        # Somebody without a demo login exists, but can't log in.
        user.set_password(passwords.get(person.username))
        user.is_staff = person.username in passwords
        user.is_superuser = person.role is Role.ADMINISTRATOR
        create_record(record=user, actor=None)
        user.groups.add(groups[person.role.value])
        cast.people[person.username] = user


def _user(cast: Cast, person: Person, number: int) -> User:
    first, _blank, last = person.name.partition(" ")
    return User(
        public_id=stable_id("user", person.username),
        username=person.username,
        first_name=first,
        last_name=last,
        email=f"{person.username}@wexmoor.example",
        employee_number=f"W{1000 + 7 * number}",
        department=cast.units[person.unit],
        manager=cast.people[person.reports_to] if person.reports_to else None,
        weekly_capacity_hours=person.weekly_hours,
        loaded_hourly_cost=person.hourly_cost,
    )


def _appoint_heads(cast: Cast) -> None:
    for unit in UNITS:
        department = cast.units[unit.code]
        department.head = cast.people[unit.head]
        change_record(record=department, actor=cast.people["admin"])


def _fill_catalogues(cast: Cast) -> None:
    admin = cast.people["admin"]
    for code, name, unit in COST_CENTRES:
        cast.centres[code] = create_record(
            record=CostCentre(code=code, name=name, department=cast.units[unit]),
            actor=admin,
        )
    for craft in CRAFTS:
        cast.skills[craft.name] = create_record(
            record=Skill(name=craft.name, breadth=craft.breadth), actor=admin
        )
    for line in SERVICES:
        declared_on = cast.month(line.declared_months_ago) if line.maturity else None
        cast.services[line.name] = create_record(
            record=Service(
                name=line.name,
                owner=cast.people[line.owner],
                department=cast.units[line.unit],
                estate=line.estate,
                in_house_maturity=line.maturity,
                maturity_declared_on=declared_on,
            ),
            actor=admin,
        )


def _write_checklists(cast: Cast) -> None:
    groups = {group.name: group for group in Group.objects.all()}
    for chore in CHORES:
        create_record(
            record=ChecklistTemplate(
                title=chore.title,
                stage=chore.stage,
                kind=chore.kind or "",
                owner_group=groups[chore.owner.value] if chore.owner else None,
                due_days=chore.due_days,
                removes_access=chore.removes_access,
            ),
            actor=cast.people["admin"],
        )


def _register_vendors(cast: Cast) -> None:
    for supplier in SUPPLIERS:
        contact = VendorContact(name=supplier.contact, role=supplier.contact_role)
        cast.vendors[supplier.name] = register_vendor(
            vendor=Vendor(
                public_id=stable_id("vendor", supplier.name),
                legal_name=supplier.name,
                tier=supplier.tier,
                currency=supplier.currency,
                country=supplier.country,
                payment_terms_days=supplier.terms,
                tax_id=supplier.tax_id,
                allows_managed=supplier.allows_managed,
                allows_augmented=supplier.allows_augmented,
            ),
            contacts=[contact],
            actor=cast.people["finance"],
        )

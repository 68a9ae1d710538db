"""Whom and what the names in a time file may stand for, read once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from django.db.models import Min

from engagements.choices import Kind
from engagements.models import Assignment, Contractor, Engagement
from tracker.imports.models import TimeName
from tracker.imports.problems import OptionError, shown
from tracker.spend.services.started import NEVER_STARTED


@dataclass(frozen=True)
class Work:
    """An engagement that hours may be of; the contractor is that of an assignment."""

    pk: int
    reference: str
    is_paid_by_time: bool
    status: str
    has_started: bool
    starts_on: date
    ends_on: date | None
    contractor: int | None
    rated_from: date | None

    def is_in_force(self, day: date) -> bool:
        return self.starts_on <= day and (self.ends_on is None or day <= self.ends_on)

    @property
    def span(self) -> str:
        if self.ends_on is None:
            return f"which starts on {self.starts_on}"
        return f"from {self.starts_on} to {self.ends_on}"


@dataclass
class Names:
    """Names to ids; one that stands for several is known as ambiguous."""

    by_name: dict[str, set[int]] = field(default_factory=dict)

    def add(self, name: str | None, pk: int) -> None:
        if name and name.strip():
            self.by_name.setdefault(folded(name), set()).add(pk)

    def find(self, name: str) -> set[int]:
        return self.by_name.get(folded(name), set())


@dataclass
class TimePlaces:
    """A name given by a person goes first, then ids, then what records are called."""

    works: dict[int, Work]
    of_file: Work | None
    engagements: tuple[Names, ...]
    contractors: tuple[Names, ...]
    by_contractor: dict[int, list[Work]]

    def find_work(self, name: str) -> set[int]:
        return _first(self.engagements, name)

    def find_person(self, name: str) -> set[int]:
        return _first(self.contractors, name)

    def works_of(self, contractor: int, day: date) -> list[Work]:
        """Return the started assignments of the person in force on the day."""
        return [
            work
            for work in self.by_contractor.get(contractor, [])
            if work.has_started and work.is_in_force(day)
        ]


def folded(name: str) -> str:
    return " ".join(name.split()).casefold()


def _first(names: Iterable[Names], name: str) -> set[int]:
    return next((found for one in names if (found := one.find(name))), set())


def known_places(engagement_of_file: str) -> TimePlaces:
    """Return them; raises OptionError for an engagement of the file nobody knows."""
    works = _works()
    given, called = Names(), Names()
    people_given = Names()
    rows = TimeName.objects.values_list("name", "engagement_id", "contractor_id")
    for name, engagement, contractor in rows:
        if engagement is not None:
            given.add(name, engagement)
        if contractor is not None:
            people_given.add(name, contractor)
    by_id = Names()
    for pk, reference, external_id, title in Engagement.objects.values_list(
        "pk", "reference", "external_id", "title"
    ):
        by_id.add(reference, pk)
        by_id.add(external_id, pk)
        called.add(title, pk)
    by_contractor: dict[int, list[Work]] = {}
    for work in works.values():
        if work.contractor is not None:
            by_contractor.setdefault(work.contractor, []).append(work)
    places = TimePlaces(
        works, None, (given, by_id, called), (people_given, *_people()), by_contractor
    )
    if engagement_of_file:
        places.of_file = _of_file(places, engagement_of_file)
    return places


def _of_file(places: TimePlaces, name: str) -> Work:
    found = places.find_work(name)
    if len(found) != 1:
        raise OptionError(
            f"engagement: “{shown(name)}” is no engagement. Give its reference, such as"
            " AUG-00012, or its external id."
        )
    return places.works[found.pop()]


def _people() -> tuple[Names, Names]:
    by_id, called = Names(), Names()
    rows = Contractor.objects.values_list(
        "pk", "external_id", "work_email", "worker_number", "full_name"
    )
    for pk, external_id, work_email, worker_number, full_name in rows:
        for name in (external_id, work_email, worker_number):
            by_id.add(name, pk)
        called.add(full_name, pk)
    return by_id, called


def _works() -> dict[int, Work]:
    assigned = {
        pk: (contractor, rated_from)
        for pk, contractor, rated_from in Assignment._default_manager.annotate(
            rated_from=Min("rate_terms__starts_on")
        ).values_list("pk", "contractor_id", "rated_from")
    }
    works = {}
    rows = Engagement.objects.order_by("pk").only(
        "reference", "kind", "status", "starts_on", "ends_on"
    )
    for row in rows:
        contractor, rated_from = assigned.get(row.pk, (None, None))
        works[row.pk] = Work(
            pk=row.pk,
            reference=row.reference,
            is_paid_by_time=row.kind == Kind.AUGMENTED,
            status=row.get_status_display().lower(),
            has_started=row.status not in NEVER_STARTED,
            starts_on=row.starts_on,
            ends_on=row.ends_on,
            contractor=contractor,
            rated_from=rated_from,
        )
    return works

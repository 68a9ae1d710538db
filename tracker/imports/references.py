"""Finds the records that cells name, by one query for each kind of record."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from engagements.models import CostCentre, Department, Service, Skill, User, Vendor
from engagements.values.names import normalise_name
from tracker.imports.parsing import Unreadable

Names = Iterable[tuple[int, Sequence[str | None]]]


def folded(text: str) -> str:
    return " ".join(text.split()).casefold()


@dataclass(frozen=True)
class Book:
    """Records of one kind by their names, the surest names first."""

    noun: str
    called_by: str
    tiers: tuple[Mapping[str, frozenset[int]], ...]
    # By the one name that no two records share, as it is written.
    exact: Mapping[str, int]

    def find(self, text: str) -> int:
        """Return the id of the one record so named. Raises Unreadable."""
        if text in self.exact:
            return self.exact[text]
        for tier in self.tiers:
            found = tier.get(folded(text), frozenset())
            if len(found) == 1:
                return next(iter(found))
            if found:
                raise Unreadable(
                    f"names {len(found)} recorded {self.noun}s",
                    f"Tell them apart: give its {self.called_by}.",
                )
        raise Unreadable(
            f"is no recorded {self.noun}",
            f"Give its {self.called_by}; record it first where it is new.",
        )


def book(noun: str, called_by: str, names: Names) -> Book:
    """Return a book of records with their names; the first is each one's own."""
    exact: dict[str, int] = {}
    tiers: defaultdict[int, defaultdict[str, set[int]]] = defaultdict(
        lambda: defaultdict(set)
    )
    for record, given in names:
        if own := given[0]:
            exact[own] = record
        for tier, name in enumerate(given):
            if name:
                tiers[tier][folded(name)].add(record)
    return Book(
        noun,
        called_by,
        tuple(
            {name: frozenset(found) for name, found in tiers[tier].items()}
            for tier in sorted(tiers)
        ),
        exact,
    )


def departments() -> Book:
    rows = Department.objects.values_list("pk", "code", "external_id", "name")
    return book("department", "code or name", ((row[0], row[1:]) for row in rows))


def cost_centres() -> Book:
    rows = CostCentre.objects.values_list("pk", "code", "external_id", "name")
    return book("cost centre", "code or name", ((row[0], row[1:]) for row in rows))


def services() -> Book:
    rows = Service.objects.values_list("pk", "name", "external_id")
    return book("service", "name", ((row[0], row[1:]) for row in rows))


def skills() -> Book:
    rows = Skill.objects.values_list("pk", "name", "external_id")
    return book("skill", "name", ((row[0], row[1:]) for row in rows))


def people() -> Book:
    rows = User.objects.values_list(
        "pk", "username", "email", "employee_number", "first_name", "last_name"
    )
    return book(
        "person of ours",
        "user name, e-mail or full name",
        ((row[0], (*row[1:4], f"{row[4]} {row[5]}".strip())) for row in rows),
    )


class Vendors:
    """Every vendor by external id and by name, however the name is spelt."""

    def __init__(self) -> None:
        self.currencies: dict[int, str] = {}
        self._by_name: dict[str, int] = {}
        self._by_external_id: dict[str, int] = {}
        rows = Vendor.objects.values_list(
            "pk", "normalised_name", "external_id", "currency"
        )
        for pk, name, external_id, currency in rows:
            self.currencies[pk] = currency
            self._by_name[name] = pk
            if external_id:
                self._by_external_id[folded(external_id)] = pk

    def find(self, text: str) -> int:
        """Return the vendor's id. Raises Unreadable."""
        found = self._by_name.get(normalise_name(text))
        found = found or self._by_external_id.get(folded(text))
        if found is None:
            raise Unreadable(
                "is no recorded vendor",
                "Give its legal name or external id; import new vendors first.",
            )
        return found


@dataclass(frozen=True)
class Key:
    """One thing by which a line and a record are known to be the same."""

    column: str
    value: Hashable

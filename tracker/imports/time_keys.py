"""What makes an entry of a time tracker the same in every file.

The id that the tool gives it; else when the person started, on which project; else all
that its line says. Until starts were looked at, entries without ids were stored under
all that their lines say: such work logs are recognised still.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple, TypeVar

from tracker.imports.time_cells import Entry
from tracker.spend.models import WorkLog

T = TypeVar("T")
# Below the number of parameters that every SQLite takes in one statement.
_AT_ONCE = 900
_LONGEST_ID = 60
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


class Facts(NamedTuple):
    """What a work log and the entry that it came from have to agree on."""

    engagement: int
    contractor: int | None
    day: date
    hours: Decimal
    is_overtime: bool


class Keys(NamedTuple):
    """Under what an entry is stored.

    `said` is of all that its line says, told apart from equal lines of the file; it is
    blank where a short id alone was ever looked at. `stem` is shared by the entries
    that started at one moment; it is blank where nothing but `said` tells them apart.
    """

    tool: str
    stem: str
    said: str

    def numbered(self, number: int) -> str:
        """Return the key of the entry so numbered, from 0, among those of its stem."""
        if not self.stem:
            return self.said
        return f"{self.stem}:{number}" if number else self.stem


def keys_of(
    entry: Entry, layout: str, *, person: str, project: str, occurrence: int
) -> Keys:
    """Return them; person and project as the tool calls them, or as we do.

    Nobody's start tells nothing: several may start work on a contract at one time.
    """
    tool = layout.casefold().replace(" ", "-")
    said = f"time:{tool}:{_said(entry, occurrence)}"
    if entry.source_id and len(entry.source_id) <= _LONGEST_ID:
        return Keys(tool, f"time:{tool}:{entry.source_id}", "")
    if entry.source_id:
        return Keys(tool, f"time:{tool}:id-{_digest([entry.source_id])}", said)
    if entry.started and person:
        facts = [person.casefold(), project.casefold(), entry.started]
        return Keys(tool, f"time:{tool}:at-{_digest(facts)}", said)
    return Keys(tool, "", said)


def _said(entry: Entry, occurrence: int) -> str:
    return _digest(
        [
            entry.source_id,
            entry.person.casefold(),
            entry.engagement.casefold(),
            entry.day.isoformat(),
            entry.started,
            str(entry.hours),
            entry.activity.casefold(),
            entry.description,
            str(occurrence),
        ]
    )


def _digest(facts: Iterable[str]) -> str:
    return hashlib.sha256("\x1f".join(facts).encode()).hexdigest()


class Recorded:
    """The work logs that the entries of a file may have been stored as."""

    def __init__(self, keys: Collection[Keys]) -> None:
        self._standing: dict[str, Facts] = {}
        self._withdrawn: dict[str, list[Facts]] = {}
        self._read({one.said for one in keys if one.said})
        stems = {one.stem: one for one in keys if one.stem}
        number = 0
        while stems:
            self._read({one.numbered(number) for one in stems.values()})
            stems = {
                stem: one
                for stem, one in stems.items()
                if self._has(one.numbered(number))
            }
            number += 1

    def standing(self, key: str) -> Facts | None:
        return self._standing.get(key)

    def withdrawn(self, key: str) -> list[Facts]:
        """Return what was withdrawn of the key, which may stand anew."""
        return self._withdrawn.get(key, [])

    def keys_of_stem(self, keys: Keys) -> list[str]:
        """Return those of the stem that were ever stored, in order."""
        if not keys.stem:
            return [keys.said] if self._has(keys.said) else []
        found: list[str] = []
        while self._has(key := keys.numbered(len(found))):
            found.append(key)
        return found

    def _has(self, key: str) -> bool:
        return key in self._standing or key in self._withdrawn

    def _read(self, keys: Collection[str]) -> None:
        for part in _parts(sorted(keys)):
            rows = WorkLog.objects.filter(source_key__in=part)
            for key, *facts in rows.values_list("source_key", *_FACTS):
                self._standing[key or ""] = Facts(*facts)
            rows = WorkLog.objects.filter(withdrawn_key__in=part)
            for key, *facts in rows.values_list("withdrawn_key", *_FACTS):
                self._withdrawn.setdefault(key or "", []).append(Facts(*facts))


_FACTS = ("engagement_id", "contractor_id", "worked_on", "hours", "is_overtime")


class Untold:
    """Entries known by all that their lines say, of which the file says nothing.

    An entry of such a day may be one of them that was changed in the tool.
    """

    def __init__(
        self, tool: str, said: Collection[str], days: Collection[Facts]
    ) -> None:
        self._by_day: dict[tuple[int, int | None, date], Decimal] = {}
        prefix = f"time:{tool}:"
        for part in _parts(sorted({one.engagement for one in days})):
            rows = WorkLog.objects.without_sheet().filter(
                engagement__in=part,
                contractor__isnull=False,
                worked_on__range=(min(_days(days)), max(_days(days))),
                source_key__startswith=prefix,
            )
            for key, *facts in rows.values_list("source_key", *_FACTS):
                found = Facts(*facts)
                is_said = _DIGEST.fullmatch((key or "").removeprefix(prefix))
                if is_said and key not in said:
                    self._by_day[_day(found)] = found.hours

    def hours_of(self, facts: Facts) -> Decimal | None:
        """Return the hours of one of them, of the person's same day."""
        return self._by_day.get(_day(facts))


def _day(facts: Facts) -> tuple[int, int | None, date]:
    return facts.engagement, facts.contractor, facts.day


def _days(facts: Iterable[Facts]) -> Iterator[date]:
    return (one.day for one in facts)


def _parts(values: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), _AT_ONCE):
        yield values[start : start + _AT_ONCE]

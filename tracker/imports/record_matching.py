"""Which record a line is about, and whether two lines are about the same one."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from tracker.imports.parsing import Unreadable
from tracker.imports.problems import Problem, shown
from tracker.imports.record_lines import RecordLine
from tracker.imports.references import Key

Index = Mapping[Key, frozenset[int]]


@dataclass(frozen=True)
class LineKeys:
    """`sure` keys name one record; `natural` is looked at where none of them does."""

    sure: tuple[Key, ...]
    natural: Key | None = None
    # Of records with the natural key, those that can't be told apart from the line.
    is_same: Callable[[int], bool] = lambda _record: True


@dataclass
class Matches:
    """By line number: the record's id, or None for a new one. Refused lines lack."""

    records: dict[int, int | None] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def match_lines(
    lines: Iterable[RecordLine],
    index: Index,
    keys_of: Callable[[RecordLine], LineKeys],
    noun: str,
) -> Matches:
    """Match each line with one record at most, and no record with two lines."""
    matches = Matches()
    taken: dict[int, int] = {}
    claimed: dict[Key, int] = {}
    for line in lines:
        keys = keys_of(line)
        try:
            record = _record(keys, index, noun)
            _check_single(record, keys, taken, claimed, noun)
        except Unmatched as finding:
            matches.problems.append(_problem(line, finding))
            continue
        matches.records[line.number] = record
        if record is not None:
            taken[record] = line.number
        claimed.update(dict.fromkeys(_claims(keys), line.number))
    return matches


class Unmatched(Unreadable):
    """The line can't be taken for one record; `column` says by which cell."""

    def __init__(self, column: str, reason: str, advice: str) -> None:
        super().__init__(reason, advice)
        self.column = column


def _problem(line: RecordLine, finding: Unmatched) -> Problem:
    raw = shown(line.text(finding.column))
    return Problem(line.number, finding.column, finding.reason, finding.advice, raw)


def _record(keys: LineKeys, index: Index, noun: str) -> int | None:
    for key in keys.sure:
        found = index.get(key, frozenset())
        if len(found) > 1:
            raise _several(key, len(found), noun)
        if found:
            return next(iter(found))
        if key.column == "id":
            raise Unmatched(
                "id",
                f"is the id of no recorded {noun}",
                "Leave it blank for a new one; else give it as exported.",
            )
    if keys.natural is None:
        return None
    same = [one for one in index.get(keys.natural, ()) if keys.is_same(one)]
    if len(same) > 1:
        raise _several(keys.natural, len(same), noun)
    return next(iter(same), None)


def _several(key: Key, count: int, noun: str) -> Unmatched:
    return Unmatched(
        key.column,
        f"fits {count} recorded {noun}s",
        "Say which by a reference, external id or record id, as exported.",
    )


def _claims(keys: LineKeys) -> tuple[Key, ...]:
    """Return what no other line may claim: the natural key where it stands alone."""
    return keys.sure or ((keys.natural,) if keys.natural else ())


def _check_single(
    record: int | None,
    keys: LineKeys,
    taken: Mapping[int, int],
    claimed: Mapping[Key, int],
    noun: str,
) -> None:
    claims = _claims(keys)
    if record is not None and record in taken:
        column = claims[0].column if claims else "line"
        raise _repeated(column, taken[record], noun)
    for key in claims:
        if key in claimed:
            raise _repeated(key.column, claimed[key], noun)


def _repeated(column: str, line: int, noun: str) -> Unmatched:
    return Unmatched(
        column,
        f"is the {noun} of line {line} again",
        "Keep one of the two lines, or tell them apart by an id of their own.",
    )

"""Results of service levels: computed from the records, excused by people."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from engagements import events
from engagements.models import Event, ManagedContract, ServiceLevel, User
from tracker.performance.calendars import managed_contracts, zone_of
from tracker.performance.models import LevelProgress, LevelResult
from tracker.performance.reckoning import Reckoned, bounds_of, reckon, windows_of
from tracker.performance.service_levels import Outcome, Window, outcome_of

_COMPUTED = (
    "window_to",
    "outcome",
    "is_at_target",
    "value",
    "good",
    "total",
    "down_seconds",
    "service_seconds",
    "records",
    "incidents",
)


@dataclass(frozen=True)
class Measured:
    """How many windows were looked at, and how many came out otherwise than known."""

    windows: int = 0
    changed: int = 0
    missed: int = 0


@transaction.atomic
def measure(
    *, contract: ManagedContract, first: date, last: date, actor: User | None
) -> Measured:
    """Compute and store the results of every finished window from `first` to `last`.

    Repeating has no effect; a result that changes tells an event. What a person
    excused stays excused, with its figures brought up to date.
    """
    now = timezone.now()
    # Those who measure one contract wait for one another, so that a window gets one
    # result and every change is told once.
    locked = managed_contracts().select_for_update().get(pk=contract.pk)
    levels = list(locked.service_levels.order_by("id"))
    finished = {
        level.pk: _finished(locked, level, first, last, now) for level in levels
    }
    running = {level.pk: _running(locked, level, last, now) for level in levels}
    windows = {pk: [*found, *running[pk]] for pk, found in finished.items()}
    reckoned = reckon(locked, levels, windows=windows, now=now)
    _note_progress(
        [one for one in reckoned if one.window in running[one.level.pk]], now
    )
    over = [one for one in reckoned if one.window in finished[one.level.pk]]
    return _store(locked, over, now, actor)


def _finished(
    contract: ManagedContract,
    level: ServiceLevel,
    first: date,
    last: date,
    now: datetime,
) -> list[Window]:
    """Return the windows that are over and in which the contract was in force."""
    today = now.astimezone(zone_of(contract)).date()
    begins = max(first, contract.starts_on)
    ends = last if contract.ends_on is None else min(last, contract.ends_on)
    return [window for window in windows_of(level, begins, ends) if window.last < today]


def _running(
    contract: ManagedContract, level: ServiceLevel, last: date, now: datetime
) -> list[Window]:
    """Return the window of today, where the contract is in force and it is asked of."""
    today = now.astimezone(zone_of(contract)).date()
    is_over = contract.ends_on is not None and contract.ends_on < today
    if contract.starts_on > today or is_over:
        return []
    found = windows_of(level, today, today)
    return found if last >= found[0].first else []


def _note_progress(reckoned: Sequence[Reckoned], now: datetime) -> None:
    """Keep how the running windows stand, which nobody has judged yet."""
    LevelProgress.objects.bulk_create(
        [
            LevelProgress(
                engagement_id=one.level.contract_id,
                service_level=one.level,
                window_from=one.window.first,
                window_to=one.window.last,
                value=one.figure.value,
                good=one.figure.good,
                total=one.figure.total,
                down_seconds=one.figure.down,
                service_seconds=one.figure.service,
                measured_at=now,
            )
            for one in reckoned
        ],
        update_conflicts=True,
        unique_fields=["service_level"],
        update_fields=[
            "window_from",
            "window_to",
            "value",
            "good",
            "total",
            "down_seconds",
            "service_seconds",
            "measured_at",
        ],
    )


def _store(
    contract: ManagedContract,
    reckoned: Sequence[Reckoned],
    now: datetime,
    actor: User | None,
) -> Measured:
    known = _known(reckoned)
    added: list[LevelResult] = []
    changed: list[LevelResult] = []
    told: list[tuple[LevelResult, dict[str, Any]]] = []
    for one in reckoned:
        result = known.get((one.level.pk, one.window.first))
        before = None if result is None else _copy(result)
        result = result or LevelResult(
            engagement_id=contract.pk,
            service_level=one.level,
            window_from=one.window.first,
        )
        _fill(result, one, now)
        difference = events.difference(before, result)
        difference.pop("measured_at", None)
        if before is None:
            added.append(result)
        elif difference:
            changed.append(result)
        else:
            continue
        told.append((result, difference))
    LevelResult.objects.bulk_create(added, batch_size=500)
    LevelResult.objects.bulk_update(
        changed, [*_COMPUTED, "measured_at"], batch_size=200
    )
    # Row ids of new results are known only now.
    events.record_all(_told(contract, told, actor))
    return Measured(
        windows=len(reckoned),
        changed=len(told),
        missed=sum(result.outcome == Outcome.MISSED for result, _changes in told),
    )


def _known(reckoned: Iterable[Reckoned]) -> dict[tuple[int, date], LevelResult]:
    levels = {one.level.pk for one in reckoned}
    starts = {one.window.first for one in reckoned}
    if not starts:
        return {}
    rows = LevelResult.objects.filter(
        service_level__in=levels, window_from__range=(min(starts), max(starts))
    )
    return {(row.service_level_id, row.window_from): row for row in rows}


def _copy(result: LevelResult) -> LevelResult:
    copy = LevelResult()
    for field in LevelResult._meta.concrete_fields:
        setattr(copy, field.attname, getattr(result, field.attname))
    return copy


def _fill(result: LevelResult, one: Reckoned, now: datetime) -> None:
    figure, bounds = one.figure, bounds_of(one.level)
    result.window_to = one.window.last
    if not result.excuse:
        result.outcome = outcome_of(figure, bounds).value
    value = figure.value
    result.is_at_target = None if value is None else bounds.is_at_target(value)
    result.value = value
    result.good, result.total = figure.good, figure.total
    result.down_seconds, result.service_seconds = figure.down, figure.service
    result.records = figure.records
    result.incidents = list(one.incidents)
    result.measured_at = now


def _told(
    contract: ManagedContract,
    told: Sequence[tuple[LevelResult, Mapping[str, Any]]],
    actor: User | None,
) -> Iterator[Event]:
    """Tell each new miss by itself, and all that came out otherwise in one event."""
    for result, changes in told:
        if result.outcome == Outcome.MISSED and "outcome" in changes:
            yield events.draft(
                event_type="service_level.missed",
                subject=result,
                changes=changes,
                engagement=contract,
                actor=actor,
            )
    if told:
        yield events.draft(
            event_type="engagement.service_levels_measured",
            subject=contract,
            changes={
                f"{result.service_level.name}, {result.window_from:%Y-%m}": [
                    _in_words(changes, 0, result),
                    _in_words(changes, 1, result),
                ]
                for result, changes in told
            },
            engagement=contract,
            actor=actor,
        )


def _in_words(changes: Mapping[str, Any], side: int, result: LevelResult) -> str | None:
    """Return outcome and figure as they were (0) or are (1); None before the first."""
    outcome = changes.get("outcome", [result.outcome] * 2)[side]
    if outcome is None:
        return None
    value = changes.get("value", [events.plain(result.value)] * 2)[side]
    return outcome if value is None else f"{outcome}, {value}"


@transaction.atomic
def excuse_window(*, result: LevelResult, reason: str, actor: User) -> LevelResult:
    """Take a window out of the account: it counts neither as met nor as missed.

    Its figures stay. Raises ValidationError without a reason.
    """
    stored = _locked(result)
    if not reason.strip():
        raise ValidationError({"excuse": _("Say why it is excused.")})
    before = _copy(stored)
    stored.outcome = Outcome.EXCUSED.value
    stored.excuse = reason.strip()[:300]
    stored.excused_by, stored.excused_at = actor, timezone.now()
    return _save(stored, before, "service_level.excused", actor)


@transaction.atomic
def count_window_again(*, result: LevelResult, actor: User) -> LevelResult:
    """Take an excuse back; the window is judged by its figures."""
    stored = _locked(result)
    before = _copy(stored)
    stored.excuse, stored.excused_by, stored.excused_at = "", None, None
    stored.outcome = Outcome.NO_DATA.value
    if stored.value is not None:
        reached = bounds_of(stored.service_level).is_reached(stored.value)
        stored.outcome = (Outcome.MET if reached else Outcome.MISSED).value
    return _save(stored, before, "service_level.counted_again", actor)


def _locked(result: LevelResult) -> LevelResult:
    found: LevelResult = (
        LevelResult.objects.select_for_update(of=("self",))
        .select_related("service_level", "engagement")
        .get(pk=result.pk)
    )
    return found


def _save(
    result: LevelResult, before: LevelResult, event_type: str, actor: User
) -> LevelResult:
    result.full_clean()
    result.save()
    events.record(
        event_type=event_type,
        subject=result,
        changes=events.difference(before, result),
        engagement=result.engagement,
        actor=actor,
    )
    return result

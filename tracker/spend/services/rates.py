"""Exchange rates that the shipped file doesn't have: read since, or given by hand."""

import io
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.error import URLError
from urllib.request import Request, urlopen

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from engagements import events
from engagements.choices import Status
from engagements.errors import TrackerError
from engagements.models import Engagement, Event, User
from engagements.services.records import change_record, create_record
from tracker.jobs.models import JobRun
from tracker.spend.fx import OldRate, old_rates
from tracker.spend.models import ExchangeRate, RateOrigin
from tracker.spend.reference_rates import (
    EURO,
    SOURCE,
    ReferenceRate,
    UnreadableRatesError,
    last_shipped_day,
    read_rates,
)

# The bank's whole history since 1999 is under 1 MB packed and under 10 MB unpacked.
_LARGEST = 50 * 1024 * 1024
_TIMEOUT_SECONDS = 20


class RatesNotReadError(TrackerError):
    """The rates could not be fetched or read; nothing was stored."""


@dataclass(frozen=True)
class Refreshed:
    """How many rates are new, and the last day that has one."""

    new: int
    last_on: date


def refresh_rates() -> Refreshed:
    """Store the reference rates published since the last ones known.

    Reading the same again stores nothing. Raises RatesNotReadError.
    """
    try:
        rates = list(read_rates(_lines(_fetch(settings.FX_RATES_URL))))
    except (UnreadableRatesError, UnicodeDecodeError, zipfile.BadZipFile) as error:
        raise RatesNotReadError(
            f"What FX_RATES_URL answers can't be read. {error}"
        ) from error
    with transaction.atomic():
        before = ExchangeRate.objects.count()
        _store(rates)
        new = ExchangeRate.objects.count() - before
    last = _last_stored() or last_shipped_day()
    return Refreshed(new, last)


@transaction.atomic
def record_rate(*, rate: ExchangeRate, actor: User | None) -> ExchangeRate:
    """Store a rate that a person gives; it goes before the reference rate of its day.

    What is posted already keeps the rate it was posted at.
    """
    _check(rate)
    return create_record(record=rate, event_type="exchange_rate.recorded", actor=actor)


@transaction.atomic
def change_rate(
    *, rate: ExchangeRate, expected_version: int | None = None, actor: User | None
) -> ExchangeRate:
    """Correct a rate given by hand; what is posted already keeps its own."""
    if rate.origin != RateOrigin.MANUAL:
        raise ValidationError(
            _("A reference rate is never changed: enter one by hand beside it.")
        )
    _check(rate)
    return change_record(
        record=rate,
        event_type="exchange_rate.changed",
        expected_version=expected_version,
        actor=actor,
    )


LOOK_AT_RATES = "look at exchange rates"
_TOLD_AGAIN_AFTER = timedelta(days=30)


@transaction.atomic
def tell_old_rates(*, today: date) -> list[OldRate]:
    """Tell finance of active engagements' currencies whose last rate has grown old.

    Once in thirty days for each currency. The event stands on today's run of the job.
    """
    active = Engagement.objects.filter(status=Status.ACTIVE).order_by()
    found = old_rates(
        [*active.values_list("currency", flat=True).distinct()], day=today
    )
    told = _told_lately()
    if not {one.currency for one in found} - told:
        return found
    run = JobRun.objects.filter(name=LOOK_AT_RATES, key=today.isoformat()).first()
    if run is not None:
        events.record(
            event_type="exchange_rate.grew_old",
            subject=run,
            changes={
                "currencies": [None, [one.currency for one in found]],
                "since": [None, min(one.rated_on for one in found).isoformat()],
            },
            actor=None,
        )
    return found


def _told_lately() -> set[str]:
    lately = Event.objects.filter(
        event_type="exchange_rate.grew_old",
        occurred_at__gte=timezone.now() - _TOLD_AGAIN_AFTER,
    )
    return {code for one in lately for code in one.changes["currencies"][1]}


def old_rates_in_words(found: Sequence[OldRate]) -> str:
    """Return such as "USD: the last is of 30 October 2026, 62 days before."."""
    return " ".join(
        ngettext(
            "%(currency)s: the last is of %(day)s, %(days)d day before.",
            "%(currency)s: the last is of %(day)s, %(days)d days before.",
            one.days,
        )
        % {
            "currency": one.currency,
            "day": date_format(one.rated_on, "DATE_FORMAT"),
            "days": one.days,
        }
        for one in found
    )


def _check(rate: ExchangeRate) -> None:
    if rate.day and rate.day > timezone.localdate():
        raise ValidationError(
            {"day": _("A rate is recorded once its day has come: not ahead.")}
        )


def _fetch(address: str) -> bytes:
    if not address.startswith(("https://", "http://")):
        raise RatesNotReadError(
            "FX_RATES_URL must be the http(s) address of a table of reference rates."
        )
    request = Request(address, headers={"User-Agent": "engagement-tracker"})  # noqa: S310 - checked above
    try:
        with urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310 - likewise
            body: bytes = answer.read(_LARGEST + 1)
    except (URLError, OSError) as error:
        raise RatesNotReadError(f"{address} could not be read: {error}") from error
    if len(body) > _LARGEST:
        raise RatesNotReadError(f"{address} answers more than {_LARGEST} bytes.")
    return body


def _lines(body: bytes) -> Iterable[str]:
    """Return the lines of the table, which the bank publishes packed as well."""
    if not zipfile.is_zipfile(io.BytesIO(body)):
        return body.decode("utf-8").splitlines()
    with zipfile.ZipFile(io.BytesIO(body)) as packed:
        table = next(
            (i for i in packed.infolist() if i.filename.endswith(".csv")), None
        )
        if table is None or table.file_size > _LARGEST:
            raise UnreadableRatesError("The packed file holds no table of rates.")
        return packed.read(table).decode("utf-8").splitlines()


def _store(rates: Iterable[ReferenceRate]) -> None:
    shipped = last_shipped_day()
    ExchangeRate.objects.bulk_create(
        (
            ExchangeRate(
                currency=EURO,
                quoted_in=rate.currency,
                day=rate.day,
                factor=rate.per_euro,
                origin=RateOrigin.REFERENCE,
                source=SOURCE,
            )
            for rate in rates
            if rate.day > shipped
        ),
        batch_size=500,
        ignore_conflicts=True,
    )


def _last_stored() -> date | None:
    rows = ExchangeRate.objects.filter(origin=RateOrigin.REFERENCE)
    last: date | None = rows.aggregate(last=Max("day"))["last"]
    return last

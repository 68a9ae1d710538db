"""Exchange rates: shipped, read since, given by hand; what goes before what."""

import io
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import time_machine
from django.core.exceptions import ValidationError

from engagements.choices import Role
from engagements.models import Event
from tests.factories import begun, make_contract, make_user, make_vendor
from tests.spend.test_ledger import bill
from tracker.jobs.models import JobRun
from tracker.notify.alert_text import in_words
from tracker.notify.models import Alert
from tracker.notify.services import tell_events
from tracker.spend.fx import MissingRateError, Rates, rate_on
from tracker.spend.models import ExchangeRate, LedgerEntry, RateOrigin
from tracker.spend.reference_rates import (
    ReferenceRate,
    UnreadableRatesError,
    last_shipped_day,
    read_rates,
    shipped_rate,
)
from tracker.spend.services import (
    RatesNotReadError,
    change_rate,
    record_rate,
    refresh_rates,
)
from tracker.tasks import look_at_exchange_rates
from tracker.tasks import refresh_rates as refresh_rates_task

pytestmark = pytest.mark.django_db

FRIDAY = date(2026, 1, 2)
SUNDAY = date(2026, 1, 4)
NEXT = last_shipped_day() + timedelta(days=1)


def by_hand(factor: str, day: date = SUNDAY, **fields: str) -> ExchangeRate:
    pair = {"currency": "EUR", "quoted_in": "GBP", "source": "Contract"} | fields
    return record_rate(
        rate=ExchangeRate(day=day, factor=Decimal(factor), **pair), actor=None
    )


def table(*days: tuple[date, str, str]) -> str:
    rows = [f"{day.isoformat()},{usd},{gbp}," for day, usd, gbp in days]
    return "\n".join(["Date,USD,GBP,", *rows])


@contextmanager
def published(body: bytes | str, status: int = 200) -> Iterator[str]:
    """Serve the body on this machine; yield its address."""
    answer = body if isinstance(body, bytes) else body.encode()

    class Bank(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Bank)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/rates"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_day_without_a_rate_takes_the_last_before_it():
    friday, sunday = rate_on("EUR", FRIDAY), rate_on("EUR", SUNDAY)

    assert sunday == friday
    assert sunday.rated_on == FRIDAY


def test_two_currencies_meet_over_the_euro():
    usd, gbp = shipped_rate("USD", FRIDAY), shipped_rate("GBP", FRIDAY)
    assert usd is not None
    assert gbp is not None

    assert rate_on("USD", FRIDAY).factor == (gbp / usd).quantize(Decimal("1e-8"))


def test_a_rate_by_hand_goes_before_the_reference_rate_of_its_day():
    by_hand("0.9", FRIDAY)

    found = rate_on("EUR", FRIDAY)

    assert (found.factor, found.rated_on, found.source) == (
        Decimal("0.9"),
        FRIDAY,
        "Contract",
    )


def test_a_later_reference_rate_goes_before_an_earlier_one_by_hand():
    by_hand("0.9", FRIDAY - timedelta(days=1))

    assert rate_on("EUR", FRIDAY).source == "European Central Bank"


def test_a_rate_by_hand_serves_the_days_after_it_that_have_none():
    by_hand("0.9", FRIDAY)

    assert rate_on("EUR", SUNDAY).factor == Decimal("0.9")


def test_a_rate_given_the_other_way_round_is_inverted():
    by_hand("1.25", FRIDAY, currency="GBP", quoted_in="EUR")

    assert rate_on("EUR", FRIDAY).factor == Decimal("0.8")


def test_a_currency_the_bank_does_not_know_needs_a_rate_by_hand():
    with pytest.raises(MissingRateError, match="No exchange rate for BAM: enter one"):
        rate_on("BAM", FRIDAY)

    by_hand("0.44", FRIDAY, currency="BAM")

    assert rate_on("BAM", SUNDAY).factor == Decimal("0.44")


def test_a_rate_by_hand_reaches_thirty_days_and_no_further():
    by_hand("0.44", FRIDAY, currency="BAM")

    assert rate_on("BAM", FRIDAY + timedelta(days=30)).rated_on == FRIDAY
    with pytest.raises(MissingRateError):
        rate_on("BAM", FRIDAY + timedelta(days=31))


def test_a_currency_that_is_no_more_has_no_rate_today():
    with pytest.raises(
        MissingRateError, match="from HRK to GBP on 2026-01-02 or in the 30 days"
    ):
        rate_on("HRK", FRIDAY)


def read_later(day: date, per_euro: str) -> None:
    ExchangeRate.objects.create(
        currency="EUR",
        quoted_in="GBP",
        day=day,
        factor=Decimal(per_euro),
        origin=RateOrigin.REFERENCE,
        source="European Central Bank",
    )


@pytest.mark.parametrize("days", [1, 29, 31, 365])
def test_what_was_read_never_gives_way_to_older_rates_that_ship(days):
    read_on = last_shipped_day() + timedelta(days=60)
    read_later(read_on, "0.5")

    with time_machine.travel(read_on + timedelta(days=days), tick=False):
        found = rate_on("EUR", read_on + timedelta(days=days))

    assert (found.factor, found.rated_on) == (Decimal("0.5"), read_on)


def test_a_rate_beyond_the_limit_is_refused_by_its_day(settings):
    settings.FX_OLDEST_DAYS = 100
    last = last_shipped_day()

    with time_machine.travel(last + timedelta(days=101), tick=False):
        assert rate_on("USD", last + timedelta(days=100)).rated_on == last
        with pytest.raises(MissingRateError, match=f"USD to GBP .* is of {last}, more"):
            rate_on("USD", last + timedelta(days=101))


def test_a_day_to_come_takes_the_last_rate_however_far_it_is(settings):
    settings.FX_OLDEST_DAYS = 100
    last = last_shipped_day()

    with time_machine.travel(last + timedelta(days=5), tick=False):
        assert rate_on("USD", last + timedelta(days=900)).rated_on == last


def test_finance_is_told_of_old_rates_once_in_thirty_days():
    vendor = make_vendor(currency="USD")
    start = last_shipped_day() - timedelta(days=30)
    begun(make_contract(currency="USD", vendor=vendor, starts_on=start))
    finance = make_user(Role.FINANCE)

    for days in (10, 11, 12, 42):
        with time_machine.travel(last_shipped_day() + timedelta(days=days), tick=False):
            look_at_exchange_rates()
    tell_events()

    told = Event.objects.filter(event_type="exchange_rate.grew_old").order_by("pk")
    assert [one.changes["currencies"][1] for one in told] == [["USD"], ["USD"]]
    alerts = Alert.objects.filter(event__in=told)
    assert {one.recipient for one in alerts} == {finance}
    assert {one.about for one in in_words(alerts, finance)} == {"USD"}


def test_asking_again_asks_the_database_once(django_assert_num_queries):
    rates = Rates()

    with django_assert_num_queries(2):
        assert rates.on("EUR", FRIDAY) == rates.on("EUR", FRIDAY)


def test_what_is_posted_keeps_its_rate():
    by_hand("0.9", date(2026, 1, 1))
    contract = make_contract(currency="EUR", vendor=make_vendor(currency="EUR"))
    bill(contract, "100.00")

    rate = ExchangeRate.objects.get()
    rate.factor = Decimal("0.5")
    change_rate(rate=rate, actor=None)

    entry = LedgerEntry.objects.get()
    assert (entry.fx_rate, entry.reporting_amount) == (Decimal("0.9"), Decimal(90))
    assert [
        e.event_type for e in Event.objects.filter(subject_type="exchangerate")
    ] == [
        "exchange_rate.changed",
        "exchange_rate.recorded",
    ]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"day": date(2999, 1, 1)}, "once its day has come"),
        ({"quoted_in": "EUR"}, "Choose two currencies"),
        ({"currency": "EURO"}, "most 3 characters"),
        ({"factor": "0"}, "must be above 0"),
        ({"factor": "-1"}, "must be above 0"),
    ],
)
def test_a_wrong_rate_is_refused(fields, told):
    values = {"factor": "0.9"} | fields

    with pytest.raises(ValidationError, match=told):
        by_hand(**values)


def test_a_second_rate_of_the_same_day_is_refused():
    by_hand("0.9")

    with pytest.raises(ValidationError, match="such a rate for this day"):
        by_hand("0.8")


def test_reference_rates_are_not_changed_by_hand():
    rate = ExchangeRate.objects.create(
        currency="EUR",
        quoted_in="USD",
        day=NEXT,
        factor=Decimal("1.1"),
        origin=RateOrigin.REFERENCE,
        source="European Central Bank",
    )

    with pytest.raises(ValidationError, match="never changed"):
        change_rate(rate=rate, actor=None)


def test_read_rates_leaves_out_what_is_not_given():
    lines = table((FRIDAY, "1.1", "N/A")).splitlines()

    assert list(read_rates(lines)) == [ReferenceRate("USD", FRIDAY, Decimal("1.1"))]


@pytest.mark.parametrize(
    "text",
    ["", "<html>", "Date,USD,\nnever,1,", "Date,USD,\n2026-01-02,x,"],
)
def test_a_text_that_is_no_table_is_refused(text):
    with pytest.raises(UnreadableRatesError, match="no table of reference rates"):
        read_rates(text.splitlines())


@pytest.mark.parametrize("rate", ["0", "-1", "NaN", "Infinity"])
def test_a_number_that_can_be_no_rate_is_named(rate):
    with pytest.raises(UnreadableRatesError, match="USD on 2026-01-02"):
        read_rates(["Date,USD,", f"2026-01-02,{rate},"])


def test_refreshing_stores_what_is_newer_than_what_ships_once(settings):
    text = table((NEXT, "1.2", "0.8"), (last_shipped_day(), "9", "9"))

    with published(text) as settings.FX_RATES_URL:
        found = [refresh_rates(), refresh_rates()]

    assert [(r.new, r.last_on) for r in found] == [(2, NEXT), (0, NEXT)]
    rate = rate_on("USD", NEXT)
    assert (rate.factor, rate.rated_on) == (Decimal("0.66666667"), NEXT)
    assert rate_on("EUR", NEXT).factor == Decimal("0.8")


def test_refreshing_reads_the_packed_file(settings):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("rates.csv", table((NEXT, "1.2", "0.8")))

    with published(packed.getvalue()) as settings.FX_RATES_URL:
        assert refresh_rates().new == 2


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        ("<html>", 200, "can't be read"),
        (b"\xff\xfe", 200, "can't be read"),
        ("gone", 404, "could not be read"),
        (table((NEXT, "1.2", "x")), 200, "can't be read"),
    ],
)
def test_an_answer_that_is_no_rates_stores_nothing(settings, body, status, told):
    with (
        published(body, status) as settings.FX_RATES_URL,
        pytest.raises(RatesNotReadError, match=told),
    ):
        refresh_rates()

    assert ExchangeRate.objects.count() == 0


def test_an_address_of_another_kind_is_refused(settings):
    settings.FX_RATES_URL = "file:///etc/passwd"

    with pytest.raises(RatesNotReadError, match="FX_RATES_URL must be"):
        refresh_rates()


def test_the_job_does_nothing_without_an_address(settings):
    settings.FX_RATES_URL = ""

    refresh_rates_task()

    assert JobRun.objects.count() == 0


def test_the_job_says_what_it_found(settings):
    with published(table((NEXT, "1.2", "0.8"))) as settings.FX_RATES_URL:
        refresh_rates_task()

    assert JobRun.objects.get().result == {"new": 2, "last_on": NEXT.isoformat()}

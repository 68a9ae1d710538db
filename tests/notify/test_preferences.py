"""What a person chooses to be told of, and that nothing is lost by it."""

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.core import mail
from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives
from django.urls import reverse

from engagements.choices import Role
from engagements.models import Event
from tests.factories import make_department, make_user
from tests.notify.agreements import make_running
from tracker.notify.models import Alert, NotificationPreference, Reminder
from tracker.notify.services import send_reminders, set_preferences, unsubscribe
from tracker.notify.services.reminders import MailNotSentError, Sent
from tracker.notify.unsubscribing import Mailing, token_for

pytestmark = pytest.mark.django_db

DEADLINE = date(2026, 11, 30)
ENDS_ON = date(2027, 11, 30)
PAGE = "/admin/tracker/alert/own/preferences/"


def make_owner(*, since: str = "2026-08-01", **wishes):
    """Return a manager who chose these wishes on the day, at noon."""
    owner = make_user(
        Role.MANAGER,
        username="owner",
        email="owner@example.org",
        department=make_department(),
    )
    if wishes:
        with time_machine.travel(f"{since} 12:00+00:00", tick=False):
            set_preferences(user=owner, values=wishes, actor=owner)
    return owner


def run(day: date, hour: int = 12) -> Sent:
    now = datetime(day.year, day.month, day.day, hour, tzinfo=UTC)
    return send_reminders(today=day, now=now)


def days_of_mails(first: date, last: date, hours: tuple[int, ...] = (12,)):
    """Return on which days, and at which hours, mails went out."""
    found, day = [], first
    while day <= last:
        found += [(day, hour) for hour in hours if run(day, hour).mails]
        day += timedelta(days=1)
    return found


def test_weekly_digest_brings_what_was_held_back():
    make_running(
        manager=make_owner(since="2026-10-30", frequency="weekly", digest_weekday=0),
        notice_by=DEADLINE,
        ends_on=ENDS_ON,
    )

    held = run(date(2026, 10, 31))  # a Saturday, 30 days before
    sent = run(date(2026, 11, 2))

    assert (held, sent) == (Sent(held_back=1), Sent(mails=1, reminders=1))
    assert mail.outbox[0].subject == "1 notice deadline within 30 days, on 30 Nov"


def test_weekly_reader_is_mailed_on_mondays_and_at_seven_days():
    make_running(
        manager=make_owner(frequency="weekly", digest_weekday=0),
        notice_by=DEADLINE,
        ends_on=ENDS_ON,
    )

    found = days_of_mails(date(2026, 8, 25), date(2026, 12, 2))

    assert [day for day, _ in found] == [
        date(2026, 9, 7),
        date(2026, 10, 5),
        date(2026, 11, 2),
        date(2026, 11, 23),
    ]


def test_daily_digest_goes_out_once_at_its_hour():
    owner = make_owner(since="2026-10-30", frequency="daily", digest_hour=9)
    make_running(manager=owner, notice_by=DEADLINE, ends_on=ENDS_ON)
    first = days_of_mails(date(2026, 10, 31), date(2026, 10, 31), tuple(range(24)))
    with time_machine.travel(datetime(2026, 10, 31, 10, tzinfo=UTC)):
        make_running(manager=owner, notice_by=DEADLINE, ends_on=ENDS_ON)

    later = days_of_mails(date(2026, 10, 31), date(2026, 10, 31), (10, 11, 23))
    next_day = days_of_mails(date(2026, 11, 1), date(2026, 11, 1), tuple(range(24)))

    assert first == [(date(2026, 10, 31), 9)]
    assert later == []
    assert next_day == [(date(2026, 11, 1), 9)]


def test_hour_is_of_the_readers_own_zone():
    make_running(
        manager=make_owner(
            since="2026-11-01",
            frequency="daily",
            digest_hour=6,
            time_zone="America/New_York",
        ),
        notice_by=DEADLINE,
        ends_on=ENDS_ON,
    )

    found = days_of_mails(date(2026, 11, 2), date(2026, 11, 2), tuple(range(24)))

    assert found == [(date(2026, 11, 2), 11)]


def test_digest_at_once_waits_for_the_day():
    make_running(manager=make_owner(), notice_by=DEADLINE, ends_on=ENDS_ON)

    found = days_of_mails(date(2026, 10, 31), date(2026, 11, 1), tuple(range(24)))

    assert found == [(date(2026, 10, 31), 7)]


@pytest.mark.parametrize(
    "wishes",
    [
        {"frequency": "never"},
        {"channel": "in_product"},
        {"kinds_left_out": ["notice"]},
        {"thresholds_left_out": [90, 60, 30]},
    ],
)
def test_what_is_a_week_away_is_mailed_whatever_was_chosen(wishes):
    make_running(manager=make_owner(**wishes), notice_by=DEADLINE, ends_on=ENDS_ON)

    found = days_of_mails(date(2026, 8, 25), date(2026, 12, 2), (3, 8))

    assert found == [(date(2026, 11, 23), 8)]


def test_mail_that_comes_anyway_can_not_be_turned_off_by_a_click(settings):
    settings.PUBLIC_URL = "https://tracker.example.org"
    owner = make_owner(frequency="never")
    make_running(manager=owner, notice_by=DEADLINE, ends_on=ENDS_ON)

    run(date(2026, 11, 23))

    (message,) = mail.outbox
    assert message.extra_headers == {"Auto-Submitted": "auto-generated"}
    assert "comes whatever you chose" in message.body


def test_reader_in_the_product_alone_is_alerted_at_each_threshold():
    owner = make_owner(channel="in_product")
    make_running(manager=owner, notice_by=DEADLINE, ends_on=ENDS_ON)

    days_of_mails(date(2026, 8, 25), date(2026, 12, 2))

    rows = Alert.objects.filter(recipient=owner).order_by("id")
    thresholds = rows.values_list("reminder__threshold_days", flat=True)
    assert list(thresholds) == [90, 60, 30, 7]


def test_threshold_that_is_left_out_is_passed_over():
    make_running(
        manager=make_owner(thresholds_left_out=[60]),
        notice_by=DEADLINE,
        ends_on=ENDS_ON,
    )

    days_of_mails(date(2026, 8, 25), date(2026, 12, 2))

    rows = Reminder.objects.order_by("id").values_list("threshold_days", flat=True)
    assert list(rows) == [90, 30, 7]


def test_digest_that_failed_is_open_still(monkeypatch):
    make_running(
        manager=make_owner(frequency="daily", digest_hour=9),
        notice_by=DEADLINE,
        ends_on=ENDS_ON,
    )
    day = date(2026, 11, 2)
    deliver = EmailMultiAlternatives.send

    def refuse(self, fail_silently=False):
        raise ConnectionRefusedError("no server")

    monkeypatch.setattr(EmailMultiAlternatives, "send", refuse)
    with pytest.raises(MailNotSentError):
        run(day, 9)
    monkeypatch.setattr(EmailMultiAlternatives, "send", deliver)

    assert run(day, 10).mails == 1


def test_preferences_tell_an_event_of_what_was_changed():
    owner = make_owner()

    set_preferences(user=owner, values={"frequency": "weekly"}, actor=owner)

    event = Event.objects.get(event_type="notification_preference.changed")
    assert event.actor == owner
    assert event.changes["frequency"] == [None, "weekly"]


@pytest.mark.parametrize(
    "values", [{"frequency": "hourly"}, {"digest_weekday": 7}, {"channel": "fax"}]
)
def test_unknown_choice_is_refused_by_its_field(values):
    owner = make_owner()

    with pytest.raises(ValidationError) as refusal:
        set_preferences(user=owner, values=values, actor=owner)

    assert set(refusal.value.message_dict) == set(values)


def test_page_shows_the_defaults_and_stores_what_is_chosen(client):
    owner = make_owner()
    client.force_login(owner)

    initial = client.get(PAGE).context["form"].initial
    response = client.post(
        PAGE,
        {
            "channel": "mail",
            "frequency": "weekly",
            "digest_weekday": "4",
            "digest_hour": "16",
            "time_zone": "Europe/Berlin",
            "kinds": ["notice", "tenure"],
            "thresholds": ["30"],
            "topics": [],
        },
    )

    assert initial["kinds"] == ["notice", "term_end", "document", "tenure", "claim"]
    assert initial["thresholds"] == [90, 60, 30]
    assert initial["topics"] == ["approvals", "decisions", "jobs"]
    assert "Background jobs" not in client.get(PAGE).content.decode()
    assert response.status_code == 302
    row = NotificationPreference.objects.get(user=owner)
    assert (row.frequency, row.digest_weekday, row.digest_hour) == ("weekly", 4, 16)
    assert row.kinds_left_out == ["term_end", "document", "claim"]
    assert row.thresholds_left_out == [90, 60]
    assert (row.mailed_topics, row.time_zone) == ([], "Europe/Berlin")


@pytest.mark.parametrize(
    ("field", "value"),
    [("time_zone", "Mars/Base"), ("digest_hour", "24"), ("kinds", ["birthday"])],
)
def test_page_refuses_what_it_did_not_offer(client, field, value):
    client.force_login(make_owner())
    given = {"channel": "mail", "frequency": "daily"}
    given |= {"digest_weekday": "0", "digest_hour": "7"}

    response = client.post(PAGE, given | {field: value})

    assert list(response.context["form"].errors) == [field]
    assert NotificationPreference.objects.count() == 0


def test_page_asks_for_a_login(client):
    assert client.get(PAGE).status_code == 302


def unsubscribe_address(user, mailing=Mailing.DIGEST):
    return reverse("tracker:unsubscribe", args=[token_for(user, mailing)])


def test_one_click_ends_the_digest_without_a_login(client):
    owner = make_owner()

    response = client.post(
        unsubscribe_address(owner), {"List-Unsubscribe": "One-Click"}
    )

    assert response.status_code == 200
    assert NotificationPreference.objects.get(user=owner).frequency == "never"


def test_opening_the_link_alone_changes_nothing(client):
    owner = make_owner()

    assert client.get(unsubscribe_address(owner)).status_code == 200
    assert NotificationPreference.objects.count() == 0


def test_one_click_ends_mails_of_events(client):
    owner = make_owner()

    client.post(unsubscribe_address(owner, Mailing.ALERTS))

    assert NotificationPreference.objects.get(user=owner).mailed_topics == []


def test_unsubscribing_twice_is_the_same_as_once():
    owner = make_owner()

    for _ in range(2):
        unsubscribe(user=owner, mailing=Mailing.DIGEST, actor=owner)

    types = Event.objects.filter(event_type="notification_preference.changed")
    assert types.count() == 1


@pytest.mark.parametrize("spoil", ["x{}", "{}x", "a:b:c"])
def test_token_that_was_not_signed_is_not_found(client, spoil):
    owner = make_owner()
    token = spoil.format(token_for(owner, Mailing.DIGEST))

    assert client.post(f"/unsubscribe/{token}/").status_code == 404
    assert NotificationPreference.objects.count() == 0


def test_token_of_a_deactivated_person_is_not_found(client):
    owner = make_owner()
    address = unsubscribe_address(owner)
    type(owner).objects.update(is_active=False)

    assert client.post(address).status_code == 404


def test_digest_carries_the_header_of_one_click(settings):
    settings.PUBLIC_URL = "https://tracker.example.org"
    owner = make_owner()
    make_running(manager=owner, notice_by=DEADLINE, ends_on=ENDS_ON)

    run(date(2026, 10, 31))

    headers = mail.outbox[0].extra_headers
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert headers["List-Unsubscribe"].startswith(
        "<https://tracker.example.org/unsubscribe/"
    )


def test_header_is_left_out_where_no_page_is_reached_by_https(settings):
    settings.PUBLIC_URL = "http://tracker.example.org"
    make_running(manager=make_owner(), notice_by=DEADLINE, ends_on=ENDS_ON)

    run(date(2026, 10, 31))

    assert "List-Unsubscribe" not in mail.outbox[0].extra_headers

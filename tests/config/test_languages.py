"""The product in the reader's language."""

from datetime import date
from decimal import Decimal

import pytest
from django.core import mail
from django.utils import translation

from engagements.choices import Role
from engagements.models import User
from engagements.values.money import format_money
from tests.factories import make_contract, make_user
from tracker.dashboards.notation import Notation
from tracker.notify.digest import digest, digest_line
from tracker.notify.due import Deadline, DeadlineKind
from tracker.notify.mails import language_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader(client):
    user = User.objects.create_superuser("reader", "reader@example.org", "a-password")
    client.force_login(user)
    return user


def test_pages_are_in_the_browser_s_language_until_somebody_chooses(client, reader):
    body = client.get("/", headers={"Accept-Language": "de-AT,de;q=0.9"}).text

    assert '<html lang="de">' in body
    assert "Zum Inhalt springen" in body
    assert '<html lang="en-gb">' in client.get("/").text


def test_a_choice_is_kept_with_the_person_and_in_the_browser(client, reader):
    answer = client.post("/language/", {"language": "es", "next": "/admin/"})

    reader.refresh_from_db()
    assert (answer.status_code, answer.url) == (302, "/admin/")
    assert (reader.language, answer.cookies["django_language"].value) == ("es", "es")
    admin = client.get("/admin/", headers={"Accept-Language": "de"}).text
    assert "Pendiente de mí" in admin
    client.post("/logout/")
    assert 'lang="es"' in client.get("/admin/login/").text


def test_no_language_but_those_offered_is_kept(client, reader):
    client.post("/language/", {"language": "fr"})

    reader.refresh_from_db()
    assert reader.language == ""


def test_the_api_answers_in_english(client):
    answer = client.get("/api/v1/engagements", headers={"Accept-Language": "de"})

    assert answer.status_code == 401
    assert answer.headers["Content-Language"] == "en-gb"


def test_a_plural_without_a_number_is_translated_too():
    with translation.override("de"):
        one = translation.gettext("an engagement that you may not see")

    assert one == "eine Beauftragung, die Sie nicht sehen dürfen"


def test_mails_are_in_the_recipient_s_language():
    manager = make_user(Role.MANAGER, email="mm@example.org", language="de")
    contract = make_contract(manager=manager)
    deadline = Deadline(DeadlineKind.NOTICE, date(2026, 11, 30))
    today = date(2026, 11, 2)

    with language_of(manager):
        line = digest_line(
            contract, deadline, today=today, is_escalation=False, names_people=False
        )
        written = digest(person=manager, lines=[line], today=today)
    written.send()

    (sent,) = mail.outbox
    assert sent.subject == "1 Kündigungstermin innerhalb von 30 Tagen, am 30. Nov."
    assert "noch 28 Tage" in sent.body
    assert '<html lang="de">' in str(sent.alternatives[0][0])


def test_a_currency_has_its_sign_wherever_no_other_has_it_too():
    written = {
        code: format_money(Decimal("1234.50"), code, "es")
        for code in ("GBP", "JPY", "CHF", "CAD", "USD")
    }

    assert written == {
        "GBP": "1.234,50\N{NO-BREAK SPACE}£",
        "JPY": "1.234\N{NO-BREAK SPACE}¥",
        "CHF": "1.234,50\N{NO-BREAK SPACE}CHF",
        "CAD": "1.234,50\N{NO-BREAK SPACE}CAD",
        "USD": "1.234,50\N{NO-BREAK SPACE}US$",
    }
    assert Notation("GBP", "es").short(Decimal(473_409)) == (
        "473\N{NO-BREAK SPACE}mil\N{NO-BREAK SPACE}£"
    )


@pytest.mark.parametrize(
    ("language", "amount", "whole", "share", "day", "month"),
    [
        ("en-gb", "€1,234.50", "€1,235", "12%", "2 Nov 2026", "Nov 2026"),
        ("de", "1.234,50 €", "1.235 €", "12 %", "02.11.2026", "Nov. 2026"),
        ("es", "1.234,50 €", "1.235 €", "12 %", "2 nov 2026", "nov 2026"),
    ],
)
def test_figures_are_written_by_locale(language, amount, whole, share, day, month):
    with translation.override(language):
        locale = translation.to_locale(language)
        notation = Notation("EUR", locale)
        value = Decimal("1234.50")

        written = (
            format_money(value, "EUR"),
            format_money(value, "EUR", whole=True),
            notation.percent(Decimal("0.12")),
            notation.day(date(2026, 11, 2)),
            notation.month(date(2026, 11, 2)),
        )

    plain = tuple(each.replace("\N{NO-BREAK SPACE}", " ") for each in written)
    assert plain == (amount, whole, share, day, month)

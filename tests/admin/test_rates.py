from datetime import date
from decimal import Decimal

import pytest
from django.urls import reverse

from engagements.choices import Role
from engagements.models import Event
from tests.admin.conftest import logged_in
from tests.admin.forms import errors_on, fields_on
from tracker.spend.models import ExchangeRate, RateOrigin

pytestmark = pytest.mark.django_db

ADD = reverse("admin:tracker_exchangerate_add")


def rate(**fields: object) -> ExchangeRate:
    values: dict[str, object] = {
        "currency": "EUR",
        "quoted_in": "GBP",
        "day": date(2026, 1, 2),
        "factor": Decimal("0.9"),
        "source": "Contract",
    }
    return ExchangeRate.objects.create(**(values | fields))


def test_finance_gives_a_rate_by_hand_with_an_event():
    browser = logged_in(Role.FINANCE)
    page = fields_on(browser, ADD) | {
        "currency": "EUR",
        "quoted_in": "GBP",
        "day": "2026-01-02",
        "factor": "0.87654321",
        "source": "Contract 7",
    }

    response = browser.post(ADD, page)

    assert response.status_code == 302
    stored = ExchangeRate.objects.get()
    assert (stored.currency, stored.quoted_in, stored.factor, stored.origin) == (
        "EUR",
        "GBP",
        Decimal("0.87654321"),
        RateOrigin.MANUAL,
    )
    assert Event.objects.filter(event_type="exchange_rate.recorded").count() == 1


def test_a_wrong_rate_is_told_beside_its_field():
    browser = logged_in(Role.FINANCE)
    page = fields_on(browser, ADD) | {
        "currency": "EUR",
        "quoted_in": "GBP",
        "day": "2999-01-01",
        "factor": "1",
        "source": "x",
    }

    assert list(errors_on(browser.post(ADD, page))) == ["day"]
    assert not ExchangeRate.objects.exists()


def test_reference_rates_are_shown_and_not_changed():
    browser = logged_in(Role.FINANCE)
    reference = rate(origin=RateOrigin.REFERENCE)
    url = reverse("admin:tracker_exchangerate_change", args=[reference.pk])

    shown, posted = browser.get(url), browser.post(url, {"factor": "2"})

    assert (shown.status_code, posted.status_code) == (200, 403)


@pytest.mark.parametrize(
    ("role", "listed", "added"),
    [
        (Role.MANAGER, 403, 403),
        (Role.HR_INTEGRATION, 403, 403),
        (Role.AUDITOR, 200, 403),
        (Role.FINANCE, 200, 200),
        (Role.ADMINISTRATOR, 200, 200),
    ],
)
def test_who_sees_and_gives_rates(role, listed, added):
    browser = logged_in(role)

    answers = (
        browser.get(reverse("admin:tracker_exchangerate_changelist")),
        (browser.get(ADD)),
    )

    assert tuple(a.status_code for a in answers) == (listed, added)

"""The dialogs show what a step changes before it is taken."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.urls import reverse

from engagements.choices import NoticeUnit, Renewal, Role
from engagements.models import Event, ManagedContract
from engagements.services.lifecycle import start_engagement
from tests.admin.conftest import logged_in
from tests.factories import make_contract, make_department, stored

TODAY = date(2027, 1, 15)


@pytest.fixture(autouse=True)
def _today():
    with time_machine.travel(TODAY, tick=False):
        yield


@pytest.fixture
def contract(manager, department) -> ManagedContract:
    found = make_contract(
        manager=manager,
        department=department,
        starts_on=date(2026, 6, 1),
        initial_term_months=12,
        renewal_term_months=12,
        renewal=Renewal.AUTO,
        notice_period=3,
        notice_unit=NoticeUnit.MONTHS,
        fee=Decimal(31_000),
    )
    start_engagement(engagement=found, actor=None)
    return found


def url_of(contract: ManagedContract, step: str) -> str:
    return reverse("admin:index") + (
        f"engagements/managedcontract/{contract.pk}/{step}/"
    )


def rows_of(response: Any) -> dict[str, tuple[str, str]]:
    rows = response.context["form"]._rows()
    return {row["label"]: (row["before"], row["after"]) for row in rows}


def post(client: Any, url: str, **values: Any) -> Any:
    return client.post(url, {"_form_submitted": "on"} | values)


def confirmed(client: Any, url: str, **values: Any) -> Any:
    shown = post(client, url, **values)
    key = shown.context["form"]["shown_for"].value()
    return post(client, url, **values, shown_for=key)


def test_dialog_shows_the_effect_on_dates_and_money_before_anything_is_typed(
    client, contract
):
    response = client.get(url_of(contract, "renew"))

    assert rows_of(response) == {
        "Term ends": ("31 May 2027", "31 May 2028"),
        "Then renews until": ("31 May 2028", "31 May 2029"),
        "Notice deadline": ("28 Feb 2027", "29 Feb 2028"),
        "Committed until": ("31 May 2027", "31 May 2028"),
        "Committed from today": (
            '<span class="figure">£141,000.00</span>',
            '<span class="figure">£513,000.00</span>',
        ),
    }
    assert "What this changes" in response.content.decode()


def test_first_press_with_other_values_shows_their_effect_and_writes_nothing(
    client, contract
):
    response = post(client, url_of(contract, "renew"), months="6")

    assert rows_of(response)["Term ends"] == ("31 May 2027", "30 Nov 2027")
    assert "Press again to confirm." in response.content.decode()
    assert stored(contract).term_number == 1


def test_second_press_renews_and_tells_by_whom(client, contract, manager):
    response = confirmed(client, url_of(contract, "renew"), months="6")

    assert response.headers["HX-Redirect"] == reverse(
        "admin:engagements_managedcontract_change", args=[contract.pk]
    )
    assert stored(contract).term_ends_on == date(2027, 11, 30)
    event = Event.objects.order_by("id").last()
    assert (event.event_type, event.actor) == ("engagement.renewed", manager)


def test_what_the_dialog_opened_with_is_confirmed_by_one_press(client, contract):
    url = url_of(contract, "give-notice")
    shown = client.get(url).context["form"]["shown_for"].value()

    post(client, url, given_on="2027-01-15", shown_for=shown)

    assert stored(contract).notice_given_on == TODAY


def test_a_change_by_somebody_else_shows_the_effect_anew(client, contract):
    url = url_of(contract, "extend")
    shown = post(client, url, ends_on="2027-08-31")
    key = shown.context["form"]["shown_for"].value()
    ManagedContract.objects.filter(pk=contract.pk).update(
        version=stored(contract).version + 1
    )

    response = post(client, url, ends_on="2027-08-31", shown_for=key)

    assert "Press again to confirm." in response.content.decode()
    assert stored(contract).term_ends_on == date(2027, 5, 31)


def test_notice_after_the_deadline_is_refused_beside_the_field(
    client, contract, manager
):
    with time_machine.travel(date(2027, 3, 1), tick=False):
        client.force_login(manager)
        response = post(client, url_of(contract, "give-notice"), given_on="2027-03-01")

    assert response.context["form"].errors["given_on"] == [
        "The last day to give notice was 28 February 2027; "
        "it is bound until 31 May 2028."
    ]
    assert stored(contract).notice_given_on is None


def test_an_earlier_end_is_no_extension_and_said_beside_the_field(client, contract):
    response = post(client, url_of(contract, "extend"), ends_on="2027-03-01")

    assert response.context["form"].errors["ends_on"] == [
        "It runs to 31 May 2027 already: give a later day."
    ]


def test_steps_on_another_departments_engagement_are_forbidden(contract):
    stranger = logged_in(Role.MANAGER, department=make_department())
    for step in ("renew", "give-notice", "extend"):
        assert stranger.get(url_of(contract, step)).status_code == 403
        assert post(stranger, url_of(contract, step)).status_code == 403


def test_steps_are_offered_only_where_they_can_be_taken(client, contract):
    page = reverse("admin:engagements_managedcontract_change", args=[contract.pk])
    steps = ("/renew/", "/give-notice/", "/extend/")

    def offered() -> list[bool]:
        html = client.get(page).content.decode()
        return [f"{contract.pk}{step}" in html for step in steps]

    assert offered() == [True, True, True]
    confirmed(client, url_of(contract, "give-notice"), given_on="2027-01-15")
    assert offered() == [False, False, True]

"""Two people at one record: the second is told what the first one changed."""

from datetime import date
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission
from django.db.models import F
from django.test import Client
from django.urls import reverse

from engagements.choices import Renewal, Role
from engagements.models import Contractor, Engagement, ServiceLevel, Skill, User
from engagements.services.engagements import change_engagement
from engagements.services.lifecycle import cancel_engagement, start_engagement
from engagements.services.records import change_record, delete_record
from tests.admin.conftest import logged_in
from tests.admin.forms import errors_on, fields_on
from tests.factories import (
    make_contract,
    make_cost_centre,
    make_user,
    make_vendor,
    stored,
)


@pytest.fixture
def colleague(department) -> User:
    return make_user(
        Role.MANAGER,
        username="omar",
        first_name="Omar",
        last_name="Reyes",
        department=department,
    )


def page_of(record) -> str:
    name = record._meta.model_name
    return reverse(f"admin:engagements_{name}_change", args=[record.pk])


def told_on(response) -> list[tuple[str, str, list[str]]]:
    return [
        (entry.actor, entry.what, [str(change) for change in entry.changes])
        for entry in response.context["conflict"].changes
    ]


def differences_on(response) -> list[tuple[str, str, str, str]]:
    return [
        (d.field, d.theirs, d.yours, d.note)
        for d in response.context["conflict"].differences
    ]


def change(engagement, actor, **values) -> None:
    fresh = type(engagement).objects.get(pk=engagement.pk)
    for name, value in values.items():
        setattr(fresh, name, value)
    change_engagement(engagement=fresh, actor=actor)


def test_second_editor_reads_who_changed_what_and_where_the_two_differ(
    client, manager, colleague
):
    contract = make_contract(
        manager=manager, renewal_term_months=12, exit_charge=Decimal(100)
    )
    page = fields_on(client, page_of(contract))
    change(contract, colleague, title="Theirs", exit_charge=Decimal(2500))
    change(contract, colleague, renewal=Renewal.AUTO)

    mine = {"title": "Mine", "scope": "Only mine"}
    response = client.post(page_of(contract), page | mine)

    assert told_on(response) == [
        (
            "Omar Reyes",
            "Engagement changed",
            ["Renewal: Does not renew → Renews by itself"],
        ),
        (
            "Omar Reyes",
            "Engagement changed",
            ["Title: Service desk → Theirs", "Exit charge: £100.00 → £2,500.00"],
        ),
    ]
    assert sorted(differences_on(response)) == [
        ("Exit charge", "£2,500.00", "£100.00", "you left it as it was"),
        ("Renewal", "Renews by itself", "Does not renew", "you left it as it was"),
        ("Scope", "", "Only mine", "only you changed it"),
        ("Title", "Theirs", "Mine", "both of you changed it"),
    ]
    assert stored(contract).title == "Theirs"
    form = response.context["adminform"].form
    assert (form["title"].value(), form["scope"].value()) == ("Mine", "Only mine")
    assert f'href="{page_of(contract)}"' in response.content.decode()


def test_saving_again_is_refused_again_until_the_page_is_opened_anew(
    client, manager, colleague
):
    contract = make_contract(manager=manager)
    page = fields_on(client, page_of(contract)) | {"title": "Mine"}
    change(contract, colleague, title="Theirs")
    client.post(page_of(contract), page)

    again = client.post(page_of(contract), page)
    anew = client.post(
        page_of(contract), fields_on(client, page_of(contract)) | {"title": "Mine"}
    )

    assert (again.status_code, anew.status_code) == (200, 302)
    assert stored(contract).title == "Mine"


def test_page_with_a_conflict_offers_no_step_that_can_not_be_taken(
    client, manager, colleague
):
    contract = make_contract(manager=manager)
    page = fields_on(client, page_of(contract)) | {"title": "Mine"}
    change(contract, colleague, title="Theirs")

    shown = client.post(page_of(contract), page).content.decode()

    assert step(contract, "start") in shown
    assert step(contract, "approve") not in shown
    assert step(contract, "reject") not in shown


def test_events_before_the_page_was_opened_are_not_told(client, manager, colleague):
    contract = make_contract(manager=manager)
    change(contract, colleague, title="Before")
    page = fields_on(client, page_of(contract))
    change(contract, colleague, title="After")

    response = client.post(page_of(contract), page | {"title": "Mine"})

    assert [changes for _who, _what, changes in told_on(response)] == [
        ["Title: Before → After"]
    ]


def test_line_changed_by_both_is_told_by_its_number(client, manager, colleague):
    contract = make_contract(manager=manager, department=manager.department)
    page = fields_on(client, page_of(contract))
    theirs = fields_on(logged_in_as(colleague), page_of(contract))
    logged_in_as(colleague).post(
        page_of(contract), theirs | {"fee_terms-0-monthly_fee": "11000"}
    )

    response = client.post(
        page_of(contract), page | {"fee_terms-0-monthly_fee": "12000"}
    )

    assert told_on(response) == [
        ("Omar Reyes", "Fee changed", ["Monthly fee: £10,000.00 → £11,000.00"])
    ]
    assert response.context["conflict"].changes[0].about == "from 1 Jan 2026"
    assert differences_on(response) == [
        ("Fee 1: Monthly fee", "£11,000.00", "£12,000.00", "both of you changed it")
    ]
    assert contract.fee_terms.get().monthly_fee == Decimal(11_000)


def test_line_that_was_deleted_meanwhile_does_not_hide_the_conflict(
    client, manager, colleague
):
    contract = make_contract(manager=manager)
    level = ServiceLevel.objects.create(
        contract=contract, name="Uptime", target=Decimal(99)
    )
    page = fields_on(client, page_of(contract))
    delete_record(record=level, engagement=contract, actor=colleague)
    Engagement.objects.filter(pk=contract.pk).update(version=F("version") + 1)

    response = client.post(page_of(contract), page | {"service_levels-0-target": "98"})

    assert told_on(response) == [("Omar Reyes", "Service level deleted", [])]
    assert not contract.service_levels.exists()


def test_cost_split_changed_by_both_is_told(
    client, manager, department, colleague, cost_centre
):
    other = make_cost_centre(code="4101", name="Build", department=department)
    contract = make_contract(
        manager=manager,
        department=department,
        cost_shares={cost_centre: Decimal(100)},
    )
    page = fields_on(client, page_of(contract))
    browser = logged_in_as(colleague)
    theirs = fields_on(browser, page_of(contract)) | {
        "cost_split-0-percent": "60",
        "cost_split-1-cost_centre": other.pk,
        "cost_split-1-percent": "40",
    }
    assert browser.post(page_of(contract), theirs).status_code == 302

    mine = {
        "cost_split-0-percent": "75",
        "cost_split-1-cost_centre": other.pk,
        "cost_split-1-percent": "25",
    }
    response = client.post(page_of(contract), page | mine)

    (who, what, changes) = told_on(response)[0]
    assert (who, what) == ("Omar Reyes", "Cost split set")
    assert "Shares: nothing → 4100: 60 %, 4101: 40 %" in changes
    assert differences_on(response) == [
        ("Share 1: Percent", "60 %", "75 %", ""),
        ("Share 2: Percent", "40 %", "25 %", ""),
    ]


def test_personal_values_of_a_change_are_not_told(client, colleague, vendor):
    contractor = Contractor.objects.create(full_name="Aisha Novak", vendor=vendor)
    page = fields_on(client, page_of(contractor))
    fresh = Contractor.objects.get()
    fresh.full_name = "Aisha Kovac"
    change_record(record=fresh, actor=colleague)

    response = client.post(page_of(contractor), page | {"jurisdiction": "DE"})

    assert told_on(response) == [
        ("Omar Reyes", "Contractor changed", ["Full name: changed"])
    ]
    assert "Aisha Kovac" not in str(told_on(response))


def test_skills_set_by_both_are_not_lost(client, colleague, vendor):
    contractor = Contractor.objects.create(full_name="Aisha Novak", vendor=vendor)
    python, cobol = (Skill.objects.create(name=n) for n in ("Python", "COBOL"))
    page = fields_on(client, page_of(contractor))
    browser = logged_in_as(colleague)
    browser.post(
        page_of(contractor),
        fields_on(browser, page_of(contractor)) | {"skills": [python.pk]},
    )

    response = client.post(page_of(contractor), page | {"skills": [cobol.pk]})

    assert told_on(response) == [
        ("Omar Reyes", "Skills changed", ["Skills: nothing → Python"])
    ]
    assert differences_on(response) == [
        ("Skills", "Python", "COBOL", "both of you changed it")
    ]
    assert list(contractor.skills.all()) == [python]


def test_names_out_of_scope_are_told_by_number(client, manager, colleague):
    stranger = make_user(username="zan", first_name="Zan", last_name="Zibar")
    contract = make_contract(manager=colleague, department=manager.department)
    page = fields_on(client, page_of(contract))
    change(contract, None, manager=stranger)

    response = client.post(page_of(contract), page | {"title": "Mine"})

    assert told_on(response)[0][2] == [f"Manager: Omar Reyes → #{stranger.pk}"]
    assert differences_on(response)[0][1] in ("Service desk", f"#{stranger.pk}")
    assert "Zibar" not in str(differences_on(response)) + str(told_on(response))


def test_without_the_right_to_see_events_only_the_difference_is_told(vendor):
    browser = logged_in(username="clerk")
    person = User.objects.get(username="clerk")
    person.user_permissions.set(
        Permission.objects.filter(codename__in=["view_vendor", "change_vendor"])
    )
    page = fields_on(browser, page_of(vendor))
    vendor.refresh_from_db()
    vendor.country = "DE"
    change_record(record=vendor, actor=None)

    response = browser.post(page_of(vendor), page | {"country": "FR"})

    assert told_on(response) == []
    assert differences_on(response) == [("Country", "DE", "FR", "")]


def test_message_of_a_conflict_stays_on_the_form(client, manager, colleague):
    contract = make_contract(manager=manager)
    page = fields_on(client, page_of(contract)) | {"title": ""}
    change(contract, colleague, title="Theirs")

    response = client.post(page_of(contract), page)

    assert set(errors_on(response)) == {"__all__", "title"}


def logged_in_as(user):
    browser = Client()
    browser.force_login(user)
    return browser


def step(contract, name) -> str:
    return reverse("admin:index") + (
        f"engagements/managedcontract/{contract.pk}/{name}/"
    )


def press(client, url, opened, **values):
    sent = {"_form_submitted": "on", "opened_with": opened} | values
    return client.post(url, sent)


@pytest.fixture
def running(manager):
    contract = make_contract(
        manager=manager,
        department=manager.department,
        starts_on=date(2026, 1, 1),
        ends_on=date(2036, 12, 31),
    )
    start_engagement(engagement=contract, actor=manager)
    return contract


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("extend", {"ends_on": "2037-12-31"}),
        ("give-notice", {"given_on": "2026-01-02"}),
        ("end", {"ended_on": "2026-01-31", "reason": "completed"}),
        ("terminate", {"ended_on": "2026-01-31", "reason": "budget"}),
    ],
)
def test_dialog_opened_before_a_change_tells_it_and_asks_once_more(
    client, running, colleague, name, values
):
    opened = client.get(step(running, name)).context["form"]["opened_with"].value()
    change(running, colleague, title="Theirs")

    response = press(client, step(running, name), opened, **values)

    html = response.content.decode()
    assert "Omar Reyes" in html
    assert "Title: Service desk → Theirs" in html
    assert "Press again to go on." in html
    assert stored(running).version == 3
    form = response.context["form"]
    if "shown_for" in form.fields:
        values = values | {"shown_for": form["shown_for"].value()}

    again = press(client, step(running, name), form["opened_with"].value(), **values)

    assert "HX-Redirect" in again.headers
    # Closing may still be held up by what is open; the first press wrote nothing.
    if name not in ("end", "terminate"):
        assert stored(running).version == 4


def test_start_of_what_was_cancelled_meanwhile_says_so(client, manager, colleague):
    contract = make_contract(manager=manager, department=manager.department)
    url = step(contract, "start")
    opened = client.get(url).context["form"]["opened_with"].value()
    cancel_engagement(engagement=contract, actor=colleague)

    response = press(client, url, opened)

    assert "Status: Draft → Cancelled" in response.content.decode()
    assert stored(contract).status == "cancelled"


def test_vendor_conflict_names_the_contact_that_was_changed(client, colleague):
    vendor = make_vendor(legal_name="Acme Ltd")
    browser = logged_in_as(colleague)
    page = fields_on(client, page_of(vendor))
    added = fields_on(browser, page_of(vendor)) | {
        "contacts-TOTAL_FORMS": "1",
        "contacts-0-name": "Jo Tarn",
        "contacts-0-vendor": vendor.pk,
    }
    assert browser.post(page_of(vendor), added).status_code == 302

    response = client.post(page_of(vendor), page | {"country": "FR"})

    (entry,) = response.context["conflict"].changes
    assert (entry.what, entry.about) == ("Contact added", "Jo Tarn")

"""The page that converts shows what it means, and writes once that was seen."""

import re
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Permission
from django.urls import reverse

from engagements.choices import NoticeUnit, Renewal, Role, Standing
from engagements.models import (
    Assignment,
    Contractor,
    Engagement,
    Event,
    ManagedContract,
    TenurePolicy,
)
from engagements.services.lifecycle import start_engagement
from engagements.services.records import change_record
from tests.admin.conftest import logged_in
from tests.factories import (
    make_assignment,
    make_contract,
    make_department,
    make_vendor,
    stored,
)
from tracker.fit.models import Flag

TODAY = date(2027, 1, 15)


@pytest.fixture(autouse=True)
def _today():
    with time_machine.travel(TODAY, tick=False):
        yield


@pytest.fixture
def contract(manager, department, vendor) -> ManagedContract:
    found = make_contract(
        manager=manager,
        department=department,
        vendor=vendor,
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


@pytest.fixture
def assignment(manager, department, vendor) -> Assignment:
    found = make_assignment(
        manager=manager,
        department=department,
        vendor=vendor,
        starts_on=date(2026, 6, 1),
        ends_on=date(2027, 3, 31),
    )
    start_engagement(engagement=found, actor=None)
    return found


def url_of(engagement: Engagement) -> str:
    name = {
        "managed": "managedcontract_convert_to_augmented",
        "augmented": "assignment_convert_to_managed",
    }[engagement.kind]
    return reverse(f"admin:engagements_{name}", args=[engagement.pk])


def page_of(engagement: Engagement) -> str:
    return reverse("admin:engagements_engagement_change", args=[engagement.pk])


def facts_on(response: Any) -> dict[str, tuple[str, str]]:
    return {
        fact.label: (plain(fact.before), plain(fact.after))
        for fact in response.context["facts"]
    }


def plain(html: str) -> str:
    return re.sub(r"<[^>]+>", "", html)


def shown(client: Any, engagement: Engagement, **typed: Any) -> dict[str, Any]:
    """Return what a browser posts: the page's fields as they stand, some changed."""
    form = client.get(url_of(engagement)).context["form"]
    page = {
        bound.name: bound.field.widget.format_value(bound.value()) or ""
        for bound in form
    }
    return {
        name: value[0] if isinstance(value, list) else value
        for name, value in page.items()
    } | typed


def confirmed(client: Any, engagement: Engagement, **typed: Any) -> Any:
    page = shown(client, engagement, **typed)
    first = client.post(url_of(engagement), page)
    if first.status_code == 302 or first.context["form"].errors:
        return first
    key = first.context["form"]["shown_for"].value()
    return client.post(url_of(engagement), page | {"shown_for": key})


def test_page_shows_dates_and_money_before_anything_is_typed(client, contract):
    response = client.get(url_of(contract))

    assert facts_on(response) == {
        "Model": ("Managed service", "Augmented contractor"),
        "Vendor": ("Northwind IT Ltd", "Northwind IT Ltd"),
        "First day": ("1 Jun 2026", "1 Jun 2027"),
        "Last day": ("31 May 2027", "open end"),
        "A month": ("£31,000.00", "not known yet"),
        "Earliest last day": ("31 May 2027", ""),
        "Notice by": ("28 Feb 2027", ""),
        "Committed from today": ("£141,000.00", ""),
    }
    assert response.context["warnings"] == ["One follows the other without a gap."]


def test_first_press_shows_what_it_means_and_writes_nothing(client, contract):
    page = shown(
        client, contract, last_on="2027-04-30", starts_on="2027-05-11", rate="640"
    )

    response = client.post(url_of(contract), page)

    assert facts_on(response)["A month"] == ("£31,000.00", "£13,866.67")
    assert response.context["warnings"] == [
        "Notice allows no earlier last day than 31 May 2027: until then it is paid as"
        " well, unless the vendor agrees to less.",
        "On 10 days neither of the two runs.",
    ]
    assert "Press again to confirm." in response.content.decode()
    assert Engagement.objects.count() == 1


def test_overlap_is_told_in_days(client, contract):
    page = shown(client, contract, starts_on="2027-05-31")

    response = client.post(url_of(contract), page)

    assert response.context["warnings"] == ["On 1 day both of them run, and are paid."]


def test_second_press_drafts_the_successor_and_leads_to_it(client, contract, manager):
    response = confirmed(
        client,
        contract,
        new_contractor_name="Aisha Novak",
        role="Desk lead",
        rate="640",
    )

    successor = Assignment._default_manager.get(predecessor=contract)
    assert response.headers["Location"] == page_of(successor)
    assert (successor.contractor.full_name, successor.role) == (
        "Aisha Novak",
        "Desk lead",
    )
    assert successor.contractor.vendor == contract.vendor
    assert successor.rate_terms.get().rate == Decimal(640)
    assert stored(contract).status == "active"
    told = Event.objects.filter(event_type="engagement.converted")
    assert [event.actor for event in told] == [manager, manager]
    html = client.get(page_of(successor), follow=True).content.decode()
    assert f"{contract.reference} runs on until you end it" in html


def test_what_the_page_opened_with_is_confirmed_by_one_press(client, assignment):
    response = client.post(url_of(assignment), shown(client, assignment))

    successor = ManagedContract._default_manager.get(predecessor=assignment)
    assert response.headers["Location"] == page_of(successor)
    assert successor.starts_on == date(2027, 4, 1)


def test_double_submit_leaves_one_successor_and_says_so(client, contract):
    page = shown(client, contract)

    first = client.post(url_of(contract), page)
    second = client.post(url_of(contract), page, follow=True)

    assert first.status_code == 302
    assert f"{contract.reference} has a successor already" in second.content.decode()
    assert Engagement.objects.filter(predecessor=contract).count() == 1


def test_change_by_somebody_else_shows_the_meaning_anew(client, contract):
    page = shown(client, contract)
    change_record(
        record=ManagedContract._default_manager.get(pk=contract.pk), actor=None
    )
    ManagedContract._default_manager.filter(pk=contract.pk).update(version=9)

    response = client.post(url_of(contract), page)

    assert "Press again to confirm." in response.content.decode()
    assert Engagement.objects.count() == 1


def test_vendor_not_cleared_is_refused_beside_its_field(client, contract, vendor):
    vendor.standing = Standing.BLOCKED
    change_record(record=vendor, actor=None)

    refused = confirmed(client, contract, new_contractor_name="Aisha Novak")
    other = make_vendor(legal_name="Tarnwell Ltd")
    taken = confirmed(client, contract, vendor=str(other.pk))

    assert refused.context["form"].errors == {
        "vendor": ["Northwind IT Ltd is blocked: choose another vendor."]
    }
    assert not Contractor.objects.exists()
    assert taken.status_code == 302
    assert Engagement.objects.get(predecessor=contract).vendor == other


def test_contractor_of_another_vendor_is_refused(client, contract):
    person = Contractor.objects.create(full_name="Jo", vendor=make_vendor())

    response = confirmed(client, contract, contractor=str(person.pk))

    assert response.context["form"].errors == {
        "contractor": ["Jo comes from another vendor: choose that one above."]
    }


@pytest.mark.parametrize(("action", "status"), [("block", 200), ("warn", 302)])
def test_tenure_policy_blocks_or_warns(client, contract, vendor, action, status):
    person = Contractor.objects.create(
        full_name="Aisha Novak", vendor=vendor, jurisdiction="GB"
    )
    make_assignment(
        vendor=vendor,
        contractor=person,
        department=contract.department,
        starts_on=date(2025, 12, 1),
        ends_on=date(2027, 5, 31),
    )
    TenurePolicy.objects.create(
        name="House rule",
        maximum_months=18,
        action=action,
        source="handbook",
        checked_on=date(2026, 1, 1),
    )

    response = confirmed(client, contract, contractor=str(person.pk))

    told = "Aisha Novak has served the limit of 18 months before this starts"
    assert response.status_code == status
    if status == 200:
        assert response.context["form"].errors["contractor"][0].startswith(told)
    else:
        page = client.get(response.headers["Location"], follow=True)
        assert told in page.content.decode()


@pytest.mark.parametrize(
    "typed",
    [
        {"starts_on": "0001-01-01"},
        {"starts_on": "9999-12-31"},
        {"starts_on": ""},
        {"ends_on": "2027-05-31", "starts_on": "2027-06-01"},
        {"rate": "NaN"},
        {"rate": "1e400"},
        {"rate": "-1"},
        {"planned_weekly_hours": "169"},
        {"vendor": "9" * 30},
        {"new_contractor_name": "a\x00b"},
        {"contractor": "x"},
    ],
)
def test_nonsense_is_refused_or_shown_never_an_error(client, contract, typed):
    response = client.post(url_of(contract), shown(client, contract, **typed))

    assert response.status_code == 200
    assert Engagement.objects.count() == 1


@pytest.mark.parametrize("status", ["draft", "pending_approval", "cancelled"])
def test_drafts_are_not_converted(client, contract, status):
    Engagement.objects.filter(pk=contract.pk).update(status=status)

    html = client.get(page_of(contract), follow=True).content.decode()

    assert url_of(contract) not in html
    assert client.get(url_of(contract)).status_code == 403


@pytest.mark.parametrize(
    "roles", [[Role.HR_INTEGRATION], [Role.FINANCE], [Role.AUDITOR], [Role.MANAGER]]
)
def test_conversion_is_for_those_who_run_the_engagement(contract, roles):
    browser = logged_in(*roles, department=make_department())

    assert browser.get(url_of(contract)).status_code == 403
    assert (
        browser.post(url_of(contract), {"starts_on": "2027-06-01"}).status_code == 403
    )
    assert Engagement.objects.count() == 1


def test_role_without_money_sees_no_figure_even_with_the_permission(contract):
    both = logged_in(Role.MANAGER, Role.HR_INTEGRATION, department=make_department())
    hr = logged_in(Role.HR_INTEGRATION, username="hana")
    from engagements.models import User

    User.objects.get(username="hana").user_permissions.add(
        *Permission.objects.filter(
            codename__in=["change_managedcontract", "add_assignment"]
        )
    )

    for browser in (both, hr):
        response = browser.get(url_of(contract))
        assert response.status_code == 403
        assert "31,000" not in response.content.decode()


def test_dropdowns_refuse_what_is_out_of_scope(client, contract):
    other = make_assignment(department=make_department(), title="Zanzibar")

    page = shown(client, contract, contractor=str(other.contractor_id))
    response = client.post(url_of(contract), page)

    assert list(response.context["form"].errors) == ["contractor"]


def test_lineage_is_told_on_both_pages_and_counts_what_is_hidden(
    client, contract, department
):
    confirmed(client, contract)
    successor = Engagement.objects.get(predecessor=contract)

    def line(engagement: Engagement) -> list[tuple[str, int]]:
        response = client.get(page_of(engagement), follow=True)
        return [(s.reference, s.hidden) for s in response.context["lineage"]]

    both = [(contract.reference, 0), (successor.reference, 0)]
    assert line(contract) == line(successor) == both
    Engagement.objects.filter(pk=contract.pk).update(
        manager=None, department=make_department(), title="Zanzibar"
    )
    assert line(successor) == [("", 1), (successor.reference, 0)]
    html = client.get(page_of(successor), follow=True).content.decode()
    assert "an engagement that you may not see" in html
    assert "Zanzibar" not in html


def make_flag(engagement: Engagement, state: str, leaning: str = "augmented") -> Flag:
    return Flag.objects.create(
        engagement_id=engagement.pk,
        state=state,
        raised_on=date(2027, 1, 1),
        opposition=0.9,
        leaning=leaning,
        sentence="steady",
        snoozed_until=date(2027, 2, 1) if state == "snoozed" else None,
    )


def test_accepted_flag_leads_to_the_conversion_and_is_converted_by_it(client, contract):
    flag = make_flag(contract, "accepted")
    flag_page = reverse("admin:tracker_flag_change", args=[flag.pk])
    step = reverse("admin:tracker_flag_convert", args=[flag.pk])

    assert step in client.get(flag_page).content.decode()
    assert client.get(step).headers["Location"] == url_of(contract)
    confirmed(client, contract)

    flag.refresh_from_db()
    assert flag.state == "converted"
    event = Event.objects.get(event_type="model_flag.converted")
    assert event.changes == {"state": ["accepted", "converted"]}
    assert step not in client.get(flag_page).content.decode()


@pytest.mark.parametrize("state", ["open", "acknowledged", "snoozed", "dismissed"])
def test_flag_not_accepted_offers_no_conversion(client, contract, state):
    flag = make_flag(contract, state)

    step = reverse("admin:tracker_flag_convert", args=[flag.pk])

    assert client.get(step).status_code == 403


@pytest.mark.parametrize(
    ("state", "leaning", "after"),
    [
        ("open", "augmented", "converted"),
        ("snoozed", "augmented", "converted"),
        ("open", "managed", "open"),
        ("dismissed", "augmented", "dismissed"),
    ],
)
def test_conversion_settles_the_live_flag_that_asked_for_it(
    client, contract, state, leaning, after
):
    flag = make_flag(contract, state, leaning)

    confirmed(client, contract)

    flag.refresh_from_db()
    assert (flag.state, flag.snoozed_until) == (after, None)

"""The life of an engagement in plain sentences, within what its reader may see."""

from datetime import date
from decimal import Decimal

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from engagements import events
from engagements.admin.timeline import PER_PAGE, coming, page_of_past
from engagements.choices import EndReason, NoticeUnit, Renewal, Role
from engagements.models import ChangeOrder, Engagement, FeeTerm
from engagements.services.change_orders import record_change_order
from engagements.services.commitment import refresh_commitments
from engagements.services.engagements import change_engagement
from engagements.services.lifecycle import end_engagement, start_engagement
from engagements.services.renewal import renew_engagement
from engagements.services.terms import amend_fee
from tests.admin.conftest import logged_in
from tests.factories import make_assignment, make_contract, make_user, settle
from tracker.fit.models import Flag
from tracker.spend.models import Invoice, InvoiceLine, WorkLog
from tracker.spend.services import log_work_lines, post_invoice

TODAY = date(2027, 1, 15)


@pytest.fixture(autouse=True)
def _today():
    with time_machine.travel(TODAY, tick=False):
        yield


@pytest.fixture
def contract(manager, department):
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
        actor=manager,
    )
    start_engagement(engagement=found, actor=manager)
    return found


def told(moments) -> list[tuple[date, str]]:
    return [(moment.day, moment.sentence) for moment in moments]


def url_of(engagement) -> str:
    name = engagement._meta.model_name
    return reverse(f"admin:engagements_{name}_timeline", args=[engagement.pk])


def test_what_lies_ahead_is_told_nearest_first(contract, manager):
    amend_fee(
        term=FeeTerm(
            contract=contract, starts_on=date(2027, 3, 1), monthly_fee=Decimal(32_000)
        ),
        actor=manager,
    )

    assert told(coming(contract, manager)) == [
        (date(2027, 2, 28), "Last day to give notice: 44 days left."),
        (date(2027, 3, 1), "New price: £32,000.00 a month."),
        (
            date(2027, 5, 31),
            "The term ends and renews by itself for 12 months.",
        ),
    ]


def test_past_the_deadline_the_next_commitment_is_told(contract, manager):
    with time_machine.travel(date(2027, 3, 15), tick=False):
        refresh_commitments(today=date(2027, 3, 15))
        contract.refresh_from_db()
        found = told(coming(contract, manager))

    assert found == [
        (date(2027, 5, 31), "The term ends and renews by itself for 12 months."),
        (date(2028, 5, 31), "Earliest day on which it can be left now."),
    ]


def test_what_has_been_is_told_newest_first(contract, manager):
    amend_fee(
        term=FeeTerm(
            contract=contract, starts_on=date(2026, 12, 1), monthly_fee=Decimal(30_000)
        ),
        actor=manager,
    )
    record_change_order(
        change_order=ChangeOrder(
            engagement=contract,
            effective_on=date(2026, 9, 1),
            value_change=Decimal(5000),
            reason="More sites",
        ),
        actor=manager,
    )

    assert told(page_of_past(contract, manager).moments) == [
        (TODAY, "Change order recorded: Change order 1"),
        (TODAY, "Engagement started"),
        (TODAY, "Engagement logged"),
        (
            date(2026, 12, 1),
            "Price changed from £31,000.00 a month to £30,000.00 a month.",
        ),
        (date(2026, 9, 1), "Change order 1 (+£5,000.00): More sites"),
        (date(2026, 6, 1), "Price: £31,000.00 a month."),
        (date(2026, 6, 1), "First day of the engagement."),
    ]


def test_changes_are_told_with_before_and_after_and_by_whom(contract, manager):
    fresh = type(contract).objects.get(pk=contract.pk)
    fresh.title = "Renamed"
    change_engagement(engagement=fresh, actor=manager)

    newest = page_of_past(fresh, manager).moments[0]

    assert (newest.sentence, newest.who) == ("Engagement changed", "Maya Osei")
    assert list(map(str, newest.changes)) == ["Title: Service desk → Renamed"]


def test_renewal_and_end_are_told(contract, manager):
    renew_engagement(
        engagement=contract,
        renewed_on=TODAY,
        months=6,
        expected_version=contract.version,
        actor=manager,
    )
    with time_machine.travel(date(2027, 6, 30), tick=False):
        settle(contract, manager)
        end_engagement(
            engagement=Engagement.objects.get(pk=contract.pk),
            ended_on=date(2027, 6, 30),
            reason=EndReason.BUDGET,
            actor=manager,
        )
        ended = type(contract).objects.get(pk=contract.pk)
        found = {
            sentence: day
            for day, sentence in told(page_of_past(ended, manager).moments)
        }
        ahead = coming(ended, manager)

    assert found["Engagement renewed"] == TODAY
    assert found["Last day of the engagement: budget."] == date(2027, 6, 30)
    assert ahead == []


def test_work_and_money_are_told_by_month(contract, manager):
    log_work_lines(
        lines=[
            WorkLog(
                engagement=contract, worked_on=date(2026, 11, day), hours=Decimal(7)
            )
            for day in (2, 3)
        ],
        actor=manager,
    )
    bill(contract, manager)

    found = told(page_of_past(contract, manager).moments)

    assert (
        date(2026, 11, 30),
        "November 2026: £31,000.00 billed or paid, 14 hours logged.",
    ) in found


def bill(contract, manager) -> None:
    post_invoice(
        invoice=Invoice(
            vendor=contract.vendor,
            number="N-1",
            issued_on=date(2026, 12, 1),
            currency="GBP",
            total=Decimal(31_000),
        ),
        lines=[
            InvoiceLine(
                engagement=contract,
                charge_kind="recurring",
                amount=Decimal(31_000),
                period_from=date(2026, 11, 1),
                period_to=date(2026, 11, 30),
            )
        ],
        actor=manager,
    )


def test_flag_is_told_with_a_link(contract, manager):
    flag = Flag.objects.create(
        engagement=contract,
        raised_on=date(2027, 1, 4),
        opposition=0.92,
        leaning="augmented",
        sentence="steady",
    )

    (moment,) = [
        m for m in page_of_past(contract, manager).moments if "Flag" in m.sentence
    ]

    assert moment.sentence == "Flag: augmented contractor would fit better (92 %)."
    assert moment.link == reverse("admin:tracker_flag_change", args=[flag.pk])


def test_lineage_is_told_where_it_is_seen(contract, manager, department):
    after = make_assignment(
        title="In their place",
        manager=manager,
        department=department,
        starts_on=date(2027, 6, 1),
        predecessor=contract,
    )

    (ahead,) = [m for m in coming(contract, manager) if "Continued" in m.sentence]
    behind = coming(after, manager)

    assert (ahead.day, ahead.sentence) == (
        date(2027, 6, 1),
        "Continued as In their place.",
    )
    assert ahead.link_text == after.reference
    assert "Follows Service desk." in [m.sentence for m in behind]


def test_lineage_out_of_scope_is_not_told(contract, manager):
    make_assignment(title="Secret", starts_on=date(2026, 12, 1), predecessor=contract)

    everything = told(page_of_past(contract, manager).moments) + told(
        coming(contract, manager)
    )

    assert "Secret" not in str(everything)


def test_pages_tell_everything_once(contract, manager):
    for number in range(3 * PER_PAGE):
        moment = date(2026, 6, 2).toordinal() + number // 2
        with time_machine.travel(date.fromordinal(moment), tick=False):
            fresh = type(contract).objects.get(pk=contract.pk)
            fresh.title = f"Title {number}"
            change_engagement(engagement=fresh, actor=manager)

    seen, before = [], None
    for _page in range(10):
        page = page_of_past(contract, manager, before)
        seen += told(page.moments)
        before = page.before
        if before is None:
            break

    changed = [day for day, sentence in seen if sentence == "Engagement changed"]
    assert len(changed) == 3 * PER_PAGE
    assert [day for day, _sentence in seen] == sorted(
        (day for day, _sentence in seen), reverse=True
    )
    assert [s for _d, s in seen].count("First day of the engagement.") == 1
    assert before is None


def test_page_shows_both_parts_and_pages(client, contract):
    response = client.get(url_of(contract))

    html = response.content.decode()
    assert response.status_code == 200
    assert "Last day to give notice: 44 days left." in html
    assert "Engagement started" in html
    assert client.get(url_of(contract), {"before": "2026-06-01"}).status_code == 200
    assert client.get(url_of(contract), {"before": "nonsense"}).status_code == 200
    assert client.get(url_of(contract), {"before": "2026-02-31"}).status_code == 200


def test_engagement_page_leads_to_its_timeline(client, contract):
    page = reverse("admin:engagements_managedcontract_change", args=[contract.pk])

    assert f'href="{url_of(contract)}"' in client.get(page).content.decode()


def test_timeline_of_another_department_is_not_there(contract):
    stranger = logged_in(Role.MANAGER)

    assert stranger.get(url_of(contract)).status_code == 404
    assert Client().get(url_of(contract)).status_code == 302


def test_without_sight_of_money_no_amount_is_told(contract, manager, department):
    bill(contract, manager)
    clerk = make_user(Role.HR_INTEGRATION, department=department)

    everything = page_of_past(contract, clerk).moments + coming(contract, clerk)

    assert everything != []
    assert "£" not in str(everything)


def test_of_others_engagements_a_manager_with_hr_duty_sees_no_amount(contract):
    both = make_user(Role.MANAGER, Role.HR_INTEGRATION)
    fresh = type(contract).objects.get(pk=contract.pk)

    everything = page_of_past(fresh, both).moments + coming(fresh, both)

    assert "£" not in str(everything)
    assert "31000" not in str(everything)


@pytest.mark.parametrize("changes", [1, 3, 300])
def test_timeline_asks_as_many_queries_however_long_the_life(
    client, contract, manager, django_assert_num_queries, changes
):
    client.get(url_of(contract))
    events.record_all(
        events.draft(
            event_type="engagement.changed",
            subject=contract,
            changes={"title": [f"Title {number}", f"Title {number + 1}"]},
            actor=manager,
        )
        for number in range(changes)
    )

    with django_assert_num_queries(24):
        client.get(url_of(contract))

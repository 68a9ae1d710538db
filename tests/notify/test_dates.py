"""Documents that expire and tenure limits, beside the engagement's own dates."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.core import mail
from django.urls import reverse
from django.utils import timezone

from engagements.choices import EndReason, Role
from engagements.models import Contractor, Document, Engagement, TenurePolicy
from engagements.services.lifecycle import end_engagement, start_engagement
from tests.factories import (
    make_assignment,
    make_contract,
    make_department,
    make_user,
    make_vendor,
    settle,
    stored,
)
from tests.notify.agreements import make_running
from tests.notify.test_calendar import address_of, events_of, told
from tracker.notify.models import Reminder
from tracker.notify.services.reminders import Sent, send_reminders

pytestmark = pytest.mark.django_db

EXPIRES_ON = date(2026, 11, 30)
FAR = date(2028, 11, 30)


def before(days: int, day: date = EXPIRES_ON) -> date:
    return day - timedelta(days=days)


def make_manager(name: str = "owner", **fields: Any):
    return make_user(Role.MANAGER, username=name, email=f"{name}@example.org", **fields)


def make_document(engagement: Engagement, **fields: Any) -> Document:
    values = {
        "document_type": "insurance",
        "title": "Liability certificate",
        "expires_on": EXPIRES_ON,
        "file": "documents/2026/01/certificate.pdf",
        "size": 1,
        "sha256": f"{Document.objects.count():064d}",
        "uploaded_by": make_user(),
    }
    return Document.objects.create(engagement=engagement, **(values | fields))


def make_limited(*, name: str = "Ada Quill", **fields: Any) -> Engagement:
    """Return an open-ended assignment that reaches 12 months on 14 January 2027."""
    vendor = make_vendor()
    assignment = make_assignment(
        vendor=vendor,
        contractor=Contractor.objects.create(full_name=name, vendor=vendor),
        **({"starts_on": date(2026, 1, 15)} | fields),
    )
    start_engagement(engagement=assignment, actor=None)
    return stored(assignment)


LIMIT_ON = date(2027, 1, 14)


@pytest.fixture
def policy() -> TenurePolicy:
    return TenurePolicy.objects.create(
        name="A year at most",
        maximum_months=12,
        source="company rule",
        checked_on=date(2026, 1, 1),
    )


def test_owner_is_told_of_a_document_that_expires():
    engagement = make_running(manager=make_manager(), notice_by=None, ends_on=FAR)
    make_document(engagement)

    sent = send_reminders(today=before(30))

    assert sent == Sent(mails=1, reminders=1)
    (message,) = mail.outbox
    assert message.subject == "1 document expiry within 30 days, on 30 Nov"
    assert "DOCUMENTS THAT EXPIRE" in message.body
    assert "Liability certificate" in message.body
    assert "Expires on 30 Nov 2026." in message.body


def test_document_is_reminded_of_at_each_threshold_once():
    make_document(make_running(manager=make_manager(), notice_by=None, ends_on=FAR))

    sent = [send_reminders(today=before(days)).mails for days in range(95, -3, -1)]

    assert sum(sent) == 4


def test_documents_of_one_day_are_each_told_of():
    engagement = make_running(manager=make_manager(), notice_by=None, ends_on=FAR)
    for title in ("Liability", "Indemnity"):
        make_document(engagement, title=title)

    assert send_reminders(today=before(30)) == Sent(mails=1, reminders=2)


def test_document_whose_day_moves_is_reminded_of_anew():
    document = make_document(
        make_running(manager=make_manager(), notice_by=None, ends_on=FAR)
    )
    send_reminders(today=before(30))
    Document.objects.filter(pk=document.pk).update(expires_on=before(-1))

    assert send_reminders(today=before(29)).reminders == 1
    assert send_reminders(today=before(28)).reminders == 0


def test_documents_of_drafts_are_told_of_and_of_closed_engagements_not():
    owner = make_manager()
    closed = make_running(manager=owner, notice_by=None, ends_on=FAR)
    make_document(closed)
    settle(closed, owner)
    end_engagement(
        engagement=closed,
        ended_on=date(2026, 10, 1),
        reason=EndReason.COMPLETED,
        actor=None,
    )
    make_document(make_contract(manager=owner, title="Draft"))

    send_reminders(today=before(30))

    (row,) = Reminder.objects.all()
    assert (row.kind, row.engagement.title) == ("document", "Draft")


def test_document_is_told_of_after_notice_was_given():
    engagement = make_running(manager=make_manager(), notice_by=None, ends_on=FAR)
    Engagement.objects.filter(pk=engagement.pk).update(notice_given_on=before(60))
    make_document(engagement)

    assert send_reminders(today=before(30)).reminders == 1


def test_owner_is_told_of_a_tenure_limit_with_the_name(policy):
    make_limited(manager=make_manager())

    sent = send_reminders(today=before(30, LIMIT_ON))

    assert sent == Sent(mails=1, reminders=1)
    (message,) = mail.outbox
    assert message.subject == "1 tenure limit within 30 days, on 14 Jan 2027"
    assert "Ada Quill: A year at most" in message.body
    assert "Ada Quill" not in message.subject


def test_contractor_is_not_named_to_who_may_not_see_contractors(policy):
    owner = make_manager()
    owner.groups.get().permissions.filter(codename="view_contractor").delete()
    make_limited(manager=owner)

    send_reminders(today=before(30, LIMIT_ON))

    (message,) = mail.outbox
    assert "A year at most" in message.body
    assert "Ada Quill" not in message.body + message.alternatives[0].content


def test_work_that_ends_before_the_limit_is_told_of_by_its_end_alone(policy):
    make_limited(manager=make_manager(), ends_on=before(1, LIMIT_ON))

    send_reminders(today=before(30, LIMIT_ON))

    kinds = Reminder.objects.values_list("kind", flat=True)
    assert list(kinds) == ["term_end"]


def test_policy_of_another_department_is_not_told_of(policy):
    mine, theirs = make_department(), make_department()
    TenurePolicy.objects.update(department=theirs)
    make_limited(manager=make_manager(), department=mine)

    assert send_reminders(today=before(30, LIMIT_ON)) == Sent()


def test_policy_of_a_department_above_is_told_of(policy):
    above = make_department()
    TenurePolicy.objects.update(department=above)
    make_limited(manager=make_manager(), department=make_department(parent=above))

    assert send_reminders(today=before(30, LIMIT_ON)).reminders == 1


@pytest.mark.parametrize("kind", ["document", "tenure"])
def test_unanswered_date_is_told_to_the_owners_manager_at_7_days(kind, policy):
    boss = make_manager("boss")
    owner = make_manager("owner", manager=boss)
    department = make_department(head=boss)
    if kind == "document":
        day = EXPIRES_ON
        fields = {"manager": owner, "department": department}
        make_document(make_running(**fields, notice_by=None, ends_on=FAR))
    else:
        day = LIMIT_ON
        make_limited(manager=owner, department=department)

    send_reminders(today=before(7, day))

    assert sorted(message.to[0] for message in mail.outbox) == [
        "boss@example.org",
        "owner@example.org",
    ]


def test_digest_sets_each_kind_under_its_own_heading(policy):
    owner = make_manager()
    engagement = make_running(
        manager=owner, notice_by=EXPIRES_ON, ends_on=date(2026, 12, 10)
    )
    make_document(engagement)
    make_limited(manager=owner)

    send_reminders(today=before(1))

    (message,) = mail.outbox
    assert message.subject == (
        "1 notice deadline within 7 days, on 30 Nov, 1 term end, 1 document expiry,"
        " and 1 tenure limit"
    )
    found = [
        line for line in message.body.splitlines() if line and line == line.upper()
    ]
    assert found == [
        "NOTICE DEADLINES",
        "TERM ENDS",
        "DOCUMENTS THAT EXPIRE",
        "TENURE LIMITS",
    ]


def test_feed_holds_documents_and_limits_and_names_nobody(client, policy):
    contract = make_running(notice_by=None, ends_on=FAR, title="Network")
    document = make_document(contract)
    limited = make_limited(title="Data engineer")

    events = events_of(client, address_of(make_user(Role.FINANCE)))

    assert told(events) == {
        f"Document expires: Liability certificate, {contract.reference} · Network": (
            EXPIRES_ON
        ),
        f"Tenure limit: A year at most, {limited.reference} · Data engineer": LIMIT_ON,
        f"Term ends: {contract.reference} · Network": FAR,
    }
    assert [str(each["UID"]) for each in events] == [
        f"{contract.public_id}-document-{document.pk}@engagement-tracker",
        f"{limited.public_id}-tenure-{policy.pk}@engagement-tracker",
        f"{contract.public_id}-term_end@engagement-tracker",
    ]


def test_nothing_of_another_department_is_in_feed_page_or_mail(client, policy):
    mine, theirs = make_department(), make_department()
    manager = make_manager(department=mine)
    make_document(
        make_running(department=theirs, notice_by=None, ends_on=FAR, title="Canary"),
        title="Canary certificate",
    )
    make_limited(department=theirs, name="Canary Quill", title="Canary")
    make_document(
        make_running(manager=manager, department=mine, notice_by=None, ends_on=FAR)
    )
    client.force_login(manager)

    send_reminders(today=before(30))

    assert len(events_of(client, address_of(manager))) == 2
    page = client.get("/calendar/").content.decode()
    assert "Canary" not in page
    assert "Canary" not in "".join(message.body for message in mail.outbox)
    assert len(mail.outbox) == 1


def test_calendar_page_lists_the_coming_dates(client):
    manager = make_manager(department=make_department())
    soon = timezone.localdate() + timedelta(days=20)
    engagement = make_running(
        manager=manager, department=manager.department, notice_by=None, ends_on=FAR
    )
    make_document(engagement, expires_on=soon)
    make_document(engagement, title="Later", expires_on=soon + timedelta(days=90))
    client.force_login(manager)

    lines = client.get(reverse("tracker:calendar")).context["dates"]

    assert [(line.kind_name, line.about) for line in lines] == [
        ("document expiry", "Liability certificate")
    ]


@pytest.mark.parametrize("rows", [1, 3, 30])
def test_feed_costs_the_same_however_many_dates(
    client, policy, django_assert_num_queries, rows
):
    user = make_user(Role.FINANCE)
    for number in range(rows):
        make_document(make_running(notice_by=None, ends_on=FAR))
        make_limited(name=f"Person {number}")
    address = address_of(user)

    with django_assert_num_queries(8):
        response = client.get(address)

    assert response.content.count(b"BEGIN:VEVENT") == 3 * rows

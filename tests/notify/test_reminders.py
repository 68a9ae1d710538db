from datetime import date, timedelta
from smtplib import SMTPServerDisconnected
from threading import Barrier, Thread

import pytest
import time_machine
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.db import connection

from engagements.choices import EndReason, Renewal, Role
from engagements.models import Engagement
from engagements.services.lifecycle import end_engagement
from tests.factories import make_contract, make_department, make_user, make_vendor
from tests.fit.records import TODAY, body_shop_under_a_fee, team_bought_by_the_hour
from tests.notify.agreements import make_running
from tracker.fit.models import Assessment, Flag
from tracker.fit.services import assess
from tracker.jobs.models import JobRun
from tracker.notify.flag_lines import flag_lines
from tracker.notify.models import Reminder
from tracker.notify.pattern_lines import pattern_lines
from tracker.notify.services import reminders
from tracker.notify.services.reminders import MailNotSentError, Sent, send_reminders
from tracker.tasks import send_reminders as send_reminders_task

pytestmark = pytest.mark.django_db

DEADLINE = date(2026, 11, 30)
# Far enough that the term's own reminders have not begun.
ENDS_ON = date(2027, 11, 30)


def before(days: int) -> date:
    return DEADLINE - timedelta(days=days)


def make_manager(name: str = "owner", **fields):
    return make_user(Role.MANAGER, username=name, email=f"{name}@example.org", **fields)


def sent_mails():
    return [(message.to, message.subject) for message in mail.outbox]


def test_owner_gets_one_digest_of_all_dates():
    owner = make_manager()
    for _ in range(3):
        make_running(manager=owner, notice_by=DEADLINE, ends_on=ENDS_ON)

    sent = send_reminders(today=before(30))

    assert sent == Sent(mails=1, reminders=3)
    assert sent_mails() == [
        (
            ["owner@example.org"],
            "3 notice deadlines within 30 days, the first on 30 Nov",
        )
    ]


def test_reminder_is_sent_once_per_threshold():
    make_running(manager=make_manager(), notice_by=DEADLINE, ends_on=ENDS_ON)

    sent = [send_reminders(today=before(days)).mails for days in range(95, -3, -1)]

    assert sum(sent) == 4
    rows = Reminder.objects.order_by("id").values_list("threshold_days", flat=True)
    assert list(rows) == [90, 60, 30, 7]


def test_missed_days_are_made_up_by_one_mail():
    make_running(manager=make_manager(), notice_by=DEADLINE, ends_on=ENDS_ON)

    assert send_reminders(today=before(85)).reminders == 1
    assert send_reminders(today=before(21)).reminders == 1
    assert send_reminders(today=before(19)).reminders == 0


def test_date_that_moves_is_reminded_of_anew():
    engagement = make_running(
        manager=make_manager(), notice_by=DEADLINE, ends_on=ENDS_ON
    )
    send_reminders(today=before(30))
    Engagement.objects.filter(pk=engagement.pk).update(
        notice_deadline_on=DEADLINE + timedelta(days=3)
    )

    assert send_reminders(today=before(27)).reminders == 1
    assert send_reminders(today=before(26)).reminders == 0


def test_term_end_is_reminded_of():
    make_running(manager=make_manager(), notice_by=None, ends_on=DEADLINE)

    send_reminders(today=before(60))

    assert [subject for _, subject in sent_mails()] == [
        "1 term end within 60 days, on 30 Nov"
    ]


def test_closed_given_notice_and_drafted_engagements_are_left_alone():
    owner = make_manager()
    dates = {"notice_by": DEADLINE, "ends_on": DEADLINE + timedelta(days=20)}
    closed = make_running(manager=owner, fee=None, **dates)
    end_engagement(
        engagement=closed,
        ended_on=date(2026, 11, 1),
        reason=EndReason.COMPLETED,
        actor=None,
    )
    given = make_running(manager=owner, **dates)
    Engagement.objects.filter(pk=given.pk).update(notice_given_on=before(40))
    make_contract(
        manager=owner, starts_on=date(2024, 1, 1), ends_on=DEADLINE, notice_period=0
    )

    assert send_reminders(today=before(30)) == Sent()
    assert mail.outbox == []


def test_reminder_goes_to_the_current_owner():
    first, second = make_manager("first"), make_manager("second")
    engagement = make_running(manager=first, notice_by=DEADLINE, ends_on=ENDS_ON)
    send_reminders(today=before(30))
    Engagement.objects.filter(pk=engagement.pk).update(manager=second)

    send_reminders(today=before(29))
    send_reminders(today=before(28))

    assert [to for to, _ in sent_mails()] == [
        ["first@example.org"],
        ["second@example.org"],
    ]


@pytest.mark.parametrize("lack", [{"is_active": False}, {"email": ""}])
def test_owner_who_cannot_be_told_is_stood_in_for_by_the_head(lack):
    owner, head = make_manager("owner"), make_manager("head")
    type(owner).objects.filter(pk=owner.pk).update(**lack)
    make_running(
        manager=owner,
        department=make_department(head=head),
        notice_by=DEADLINE,
        ends_on=ENDS_ON,
    )

    send_reminders(today=before(30))

    assert [to for to, _ in sent_mails()] == [["head@example.org"]]


def test_nobody_is_told_of_what_they_may_not_see():
    owner = make_user(email="owner@example.org")
    make_running(manager=owner, notice_by=DEADLINE, ends_on=ENDS_ON)

    assert send_reminders(today=before(30)) == Sent(without_recipient=1)


def test_date_without_anybody_to_tell_is_counted():
    make_running(notice_by=DEADLINE, ends_on=ENDS_ON)

    assert send_reminders(today=before(30)) == Sent(without_recipient=1)


def make_pair():
    """Return an owner and the owner's manager, who sees the owner's department."""
    boss = make_manager("boss")
    department = make_department(head=boss)
    return make_manager("owner", manager=boss), department


def test_unanswered_notice_deadline_is_told_to_the_owners_manager_at_7_days():
    owner, department = make_pair()
    make_running(
        manager=owner, department=department, notice_by=DEADLINE, ends_on=ENDS_ON
    )

    send_reminders(today=before(30))
    send_reminders(today=before(7))
    send_reminders(today=before(6))

    week = "1 notice deadline within 7 days, on 30 Nov"
    assert sent_mails() == [
        (["owner@example.org"], "1 notice deadline within 30 days, on 30 Nov"),
        (["owner@example.org"], week),
        (["boss@example.org"], f"Unanswered: {week}"),
    ]
    assert "Owner: owner, who was told" in mail.outbox[2].body


def test_notice_deadline_is_not_escalated_when_somebody_worked_on_the_record():
    owner, department = make_pair()
    with time_machine.travel(before(40)):
        make_running(
            manager=owner,
            department=department,
            notice_by=DEADLINE,
            ends_on=ENDS_ON,
            actor=owner,
        )

    send_reminders(today=before(7))

    assert [to for to, _ in sent_mails()] == [["owner@example.org"]]


def test_manager_who_may_not_see_the_engagement_gets_no_escalation():
    boss = make_manager("boss")
    owner = make_manager("owner", manager=boss)
    make_running(manager=owner, notice_by=DEADLINE, ends_on=ENDS_ON)

    send_reminders(today=before(7))

    assert [to for to, _ in sent_mails()] == [["owner@example.org"]]


@pytest.fixture
def failing_server(monkeypatch):
    """Mail to `broken@example.org` fails, as long as it is in the returned set."""
    broken = {"broken@example.org"}
    deliver = EmailMultiAlternatives.send

    def send(self, fail_silently=False):
        if broken & set(self.to):
            raise SMTPServerDisconnected("the server hung up")
        return deliver(self, fail_silently)

    monkeypatch.setattr(EmailMultiAlternatives, "send", send)
    return broken


def test_failed_mail_is_tried_again_by_the_next_run(failing_server):
    for name in ("broken", "whole"):
        make_running(manager=make_manager(name), notice_by=DEADLINE, ends_on=ENDS_ON)

    with pytest.raises(MailNotSentError, match=r"^1 of 2 mails could not be sent"):
        send_reminders(today=before(30))
    assert [to for to, _ in sent_mails()] == [["whole@example.org"]]
    failing_server.clear()
    again = send_reminders(today=before(29))

    assert again == Sent(mails=1, reminders=1)
    assert mail.outbox[1].to == ["broken@example.org"]
    assert Reminder.objects.filter(sent_at=None).count() == 0


def test_reminder_that_another_process_is_sending_is_left_to_it(monkeypatch):
    make_running(manager=make_manager(), notice_by=DEADLINE, ends_on=ENDS_ON)
    inner: list[Sent] = []
    render = reminders.digest

    def meanwhile(**given):
        if not inner:
            inner.append(Sent())
            inner.append(send_reminders(today=before(30)))
        return render(**given)

    monkeypatch.setattr(reminders, "digest", meanwhile)

    outer = send_reminders(today=before(30))

    assert (outer.mails, inner[1].mails, len(mail.outbox)) == (1, 0, 1)


@time_machine.travel("2026-11-01 07:00+00:00", tick=False)
def test_reminder_of_a_process_that_died_is_sent_when_its_lease_has_passed():
    owner = make_manager()
    engagement = make_running(manager=owner, notice_by=DEADLINE, ends_on=ENDS_ON)
    Reminder.objects.create(
        engagement=engagement,
        kind="notice",
        falls_on=DEADLINE,
        threshold_days=30,
        recipient=owner,
    )
    Reminder.objects.update(leased_until="2026-11-01 07:10+00:00")

    assert send_reminders(today=date(2026, 11, 1)).mails == 0
    with time_machine.travel("2026-11-01 07:11+00:00", tick=False):
        assert send_reminders(today=date(2026, 11, 1)).mails == 1


@pytest.mark.django_db(transaction=True)
def test_two_processes_at_once_send_one_mail():
    make_running(manager=make_manager(), notice_by=DEADLINE, ends_on=ENDS_ON)
    together, sent = Barrier(2), []

    def run():
        together.wait()
        try:
            sent.append(send_reminders(today=before(30)).mails)
        finally:
            connection.close()

    threads = [Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (sorted(sent), len(mail.outbox)) == ([0, 1], 1)


def test_mail_escapes_what_people_typed(settings):
    settings.PUBLIC_URL = "https://tracker.example.org"
    engagement = make_running(
        manager=make_manager(),
        notice_by=DEADLINE,
        ends_on=ENDS_ON,
        title="<script>alert(1)</script> & more",
        vendor=make_vendor(legal_name="<b>Bold</b> Ltd"),
        renewal=Renewal.AUTO,
        renewal_term_months=12,
    )

    send_reminders(today=before(30))

    (message,) = mail.outbox
    html = message.alternatives[0].content
    assert "<script>" not in html
    assert "<b>" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; more" in html
    assert f"{engagement.reference} · <script>alert(1)</script> & more" in message.body
    assert "Renews by itself for 12 months after 30 Nov 2027." in message.body
    page = f"/admin/engagements/engagement/{engagement.pk}/change/"
    assert f'href="https://tracker.example.org{page}"' in html
    assert message.extra_headers["Auto-Submitted"] == "auto-generated"


def test_mail_has_no_links_where_the_product_does_not_know_its_address(settings):
    settings.PUBLIC_URL = ""
    make_running(manager=make_manager(), notice_by=DEADLINE, ends_on=ENDS_ON)

    send_reminders(today=before(30))

    assert "href" not in mail.outbox[0].alternatives[0].content


# Rows are written in batches, of some 70 on SQLite.
@pytest.mark.parametrize("rows", [1, 3, 60])
def test_run_costs_the_same_however_many_engagements(rows, django_assert_num_queries):
    owner, vendor = make_manager(), make_vendor()
    for _ in range(rows):
        make_running(manager=owner, vendor=vendor, notice_by=DEADLINE, ends_on=ENDS_ON)

    with django_assert_num_queries(21):
        sent = send_reminders(today=before(30))

    assert sent == Sent(mails=1, reminders=rows)


def test_task_runs_once_an_hour():
    make_running(manager=make_manager(), notice_by=DEADLINE, ends_on=ENDS_ON)

    with time_machine.travel("2026-10-31 07:00+00:00", tick=False):
        send_reminders_task()
        send_reminders_task()

    run = JobRun.objects.get()
    assert (run.name, run.key, run.attempts) == (
        "send reminders",
        "2026-10-31 07:00 UTC",
        1,
    )
    assert run.result == {
        "mails": 1,
        "reminders": 1,
        "held_back": 0,
        "without_recipient": 0,
    }


@time_machine.travel("2026-10-31 07:00+00:00", tick=False)
def test_task_is_tried_again_in_the_day_while_mails_fail(failing_server):
    make_running(manager=make_manager("broken"), notice_by=DEADLINE, ends_on=ENDS_ON)
    with pytest.raises(MailNotSentError):
        send_reminders_task()
    failing_server.clear()

    send_reminders_task()

    assert (JobRun.objects.get().status, len(mail.outbox)) == ("done", 1)


def test_digest_tells_flags_with_their_points_and_what_would_change_them(settings):
    settings.PUBLIC_URL = "https://tracker.example.org"
    owner = make_manager()
    flagged = body_shop_under_a_fee(manager=owner)
    assess(as_of=TODAY, actor=None)
    Engagement.objects.filter(pk=flagged.pk).update(
        notice_deadline_on=TODAY + timedelta(days=30), term_ends_on=ENDS_ON
    )
    flag = Flag.objects.get(engagement=flagged)
    found = Assessment.objects.get(engagement=flagged, as_of=TODAY)

    send_reminders(today=TODAY)

    (message,) = mail.outbox
    text, html = message.body, str(message.alternatives[0][0])
    lines = flag_lines(person=owner, engagements=[], today=TODAY)
    for body in (text, html):
        assert "would fit better" in body
        assert f"/admin/tracker/flag/{flag.pk}/change/" in body
        assert lines[0].changes[0] in body
    told = [points for points, _sentence in lines[0].points] + [lines[0].rest]
    total = sum(float(each.replace("\N{MINUS SIGN}", "-")) for each in told)
    assert total == pytest.approx(round(found.margin, 2), abs=1e-9)
    assert f"{abs(found.margin):.2f}" in text


def test_digest_tells_no_flags_to_who_sees_none():
    owner = make_manager()
    flagged = body_shop_under_a_fee(manager=owner)
    assess(as_of=TODAY, actor=None)
    other = make_manager("other", department=make_department())

    assert flag_lines(person=other, engagements=[flagged.pk], today=TODAY) == []
    hr = make_user(Role.HR_INTEGRATION)
    assert flag_lines(person=hr, engagements=[flagged.pk], today=TODAY) == []


def test_digest_tells_patterns_of_the_owner_and_to_nobody_else():
    owner = make_manager()
    engagement = team_bought_by_the_hour(manager=owner)
    Engagement.objects.filter(pk=engagement.pk).update(
        notice_deadline_on=TODAY + timedelta(days=30), term_ends_on=ENDS_ON
    )
    assess(as_of=TODAY, actor=None)

    send_reminders(today=TODAY)

    (message,) = mail.outbox
    for body in (message.body, str(message.alternatives[0][0])):
        assert "Steady work paid by the hour" in body
        assert "Over 11 months the hours vary by 0 %. Ask for a fixed price" in body
    other = make_manager("other", department=make_department())
    for person in (other, make_user(Role.HR_INTEGRATION)):
        assert pattern_lines(person=person, engagements=[engagement.pk]) == []

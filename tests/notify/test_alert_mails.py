"""Alerts by mail: at once, once, never lost, and never in a request's way."""

import time
from datetime import date, timedelta
from decimal import Decimal
from smtplib import SMTPServerDisconnected
from threading import Barrier, Thread

import pytest
import time_machine
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from engagements.choices import Role
from engagements.models import Engagement, Event, User
from engagements.services.records import change_record
from tests.factories import make_department, make_user
from tests.notify.agreements import make_running
from tests.notify.test_alerts import (
    ask_approval,
    make_approver,
    make_engagement,
    make_manager,
    page_of,
    record,
)
from tracker.notify.alert_text import alerts_of, in_words
from tracker.notify.models import Alert
from tracker.notify.queries import failed_mails
from tracker.notify.services import (
    alert_mails,
    retry_mail,
    send_alert_mails,
    send_reminders,
    set_preferences,
    tell_events,
)
from tracker.notify.services.alert_mails import Mailed

pytestmark = pytest.mark.django_db


@pytest.fixture
def department():
    return make_department()


@pytest.fixture
def approver(department):
    return make_approver(department=department)


def ask(department, **fields):
    asker = User.objects.filter(username="asker").first()
    asker = asker or make_manager("asker", department=department)
    engagement = make_engagement(None, department=department, **fields)
    return ask_approval(engagement, asker, amount=Decimal(120_000))


def deliver() -> Mailed:
    tell_events()
    return send_alert_mails()


@pytest.fixture
def server(monkeypatch):
    """The mail server; it hangs up while the returned set says so."""
    faults: set[str] = set()
    send = EmailMultiAlternatives.send

    def answer(self, fail_silently=False):
        if "down" in faults:
            raise SMTPServerDisconnected("the server hung up")
        return send(self, fail_silently)

    monkeypatch.setattr(EmailMultiAlternatives, "send", answer)
    return faults


def test_approval_is_mailed_at_once_with_status_and_figure(
    department, approver, settings
):
    settings.PUBLIC_URL = "https://tracker.example.org"
    ask(department)

    assert deliver() == Mailed(sent=1)

    (message,) = mail.outbox
    assert message.to == ["approver@example.org"]
    assert message.subject == "Approval waiting: Service desk, 120,000 GBP"
    html = message.alternatives[0].content
    assert "120,000 GBP (value of the term)" in message.body
    assert "value of the term" in html
    assert "https://tracker.example.org/admin/engagements/engagement/" in html
    assert "https://tracker.example.org/admin/engagements/engagement/" in message.body
    assert "/admin/tracker/alert/own/preferences/" in html
    headers = message.extra_headers
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_figure_is_in_no_mail_to_who_does_not_see_money(department):
    blind = make_user(Role.HR_INTEGRATION, username="blind", email="b@example.org")
    approval = ask(department)
    tell_events()
    event = Event.objects.get(event_type="approval.asked")
    Alert.objects.create(
        recipient=blind, event=event, engagement=approval.engagement, is_mailed=True
    )

    send_alert_mails()

    (message,) = mail.outbox
    assert message.subject == "Approval waiting: Service desk"
    assert "GBP" not in message.body + message.alternatives[0].content


def test_mail_is_sent_once(department, approver):
    ask(department)

    assert [deliver().sent for _ in range(3)] == [1, 0, 0]


@pytest.mark.parametrize(
    "wishes", [{"channel": "in_product"}, {"mailed_topics": ["tasks"]}]
)
def test_who_wants_no_mail_is_alerted_alone(department, approver, wishes):
    set_preferences(user=approver, values=wishes, actor=approver)
    ask(department)

    assert deliver() == Mailed()
    assert Alert.objects.get().is_mailed is False


def test_changes_of_engagements_are_mailed_to_who_chose_it():
    owner = make_manager()
    set_preferences(user=owner, values={"mailed_topics": ["engagements"]}, actor=owner)
    record("engagement.ended", make_engagement(owner))

    deliver()

    assert [message.subject for message in mail.outbox] == ["Ended: Service desk"]


def test_who_has_no_address_is_alerted_alone(department):
    make_approver(department=department)
    User.objects.filter(username="approver").update(email="")
    ask(department)

    assert deliver() == Mailed()
    assert Alert.objects.count() == 1


def test_failed_mail_is_kept_counted_and_tried_again(department, approver, server):
    server.add("down")
    ask(department)

    with time_machine.travel(timezone.now(), tick=False) as clock:
        first = deliver()
        row = Alert.objects.get()
        waiting = deliver()
        failed = failed_mails(timezone.localdate())
        server.clear()
        clock.shift(timedelta(minutes=1))
        later = deliver()

    assert (first, waiting, later) == (Mailed(failed=1), Mailed(), Mailed(sent=1))
    assert (row.attempts, row.error, failed) == (1, "SMTPServerDisconnected", 1)
    assert failed_mails(timezone.localdate()) == 0


def test_mail_is_not_given_up_after_days_of_failing(department, approver, server):
    server.add("down")
    ask(department)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for _ in range(60):
            deliver()
            clock.shift(timedelta(hours=1))
        server.clear()

        assert deliver() == Mailed(sent=1)
    assert Alert.objects.get().attempts == 61


def test_failed_mail_is_tried_at_once_when_an_administrator_says_so(
    department, approver, server
):
    server.add("down")
    ask(department)
    deliver()
    server.clear()

    retry_mail(alert=Alert.objects.get(), actor=None)

    assert send_alert_mails() == Mailed(sent=1)


def test_one_mail_that_fails_holds_up_no_other(department, approver, monkeypatch):
    make_approver("second", department=department)
    send = EmailMultiAlternatives.send

    def answer(self, fail_silently=False):
        if self.to == ["approver@example.org"]:
            raise ValueError("an address that no server takes")
        return send(self, fail_silently)

    monkeypatch.setattr(EmailMultiAlternatives, "send", answer)
    ask(department)

    assert deliver() == Mailed(sent=1, failed=1)


def test_slow_server_does_not_keep_the_worker(department, approver, monkeypatch):
    for number in range(3):
        make_approver(f"more{number}", department=department)
    monkeypatch.setattr(
        EmailMultiAlternatives, "send", lambda self, **_: time.sleep(0.2) or 1
    )
    ask(department)
    tell_events()

    sent = send_alert_mails(seconds=0.3).sent

    assert sent == 2
    assert send_alert_mails().sent == 2


def test_request_neither_waits_for_mail_nor_fails_with_it(
    department, approver, server, monkeypatch
):
    """What is written in a request is told by a worker; no mail is sent in it."""
    tried: list[str] = []
    monkeypatch.setattr(
        EmailMultiAlternatives, "send", lambda self, **_: tried.append("mail")
    )

    approval = ask(department)
    page = page_of(approver)

    assert approval.pk is not None
    assert "Alerts: none unread" in page
    assert tried == []


@pytest.mark.parametrize("gone", ["deactivated", "moved"])
def test_mail_that_waits_is_dropped_when_its_reader_may_not_read_it(
    department, approver, gone
):
    approval = ask(department)
    tell_events()
    if gone == "deactivated":
        User.objects.filter(pk=approver.pk).update(is_active=False)
    else:
        Engagement.objects.filter(pk=approval.engagement_id).update(
            department=make_department()
        )

    assert send_alert_mails() == Mailed(dropped=1)
    assert mail.outbox == []


def test_approval_that_was_decided_meanwhile_is_not_asked_for(department, approver):
    approval = ask(department)
    tell_events()
    approval.outcome, approval.decided_by = "approved", make_user()
    approval.decided_at = timezone.now()
    approval.save()

    assert send_alert_mails() == Mailed(dropped=1)
    (text,) = in_words(alerts_of(approver), approver)
    assert text.status == "Approval no longer waiting"


def test_nothing_of_another_department_is_mailed(department, approver):
    elsewhere = make_department()
    make_approver("elsewhere", department=elsewhere)
    ask(department, title="Canary")

    deliver()

    assert [message.to for message in mail.outbox] == [["approver@example.org"]]


def test_mail_of_a_process_that_died_is_sent_when_its_lease_has_passed(
    department, approver
):
    ask(department)
    tell_events()
    with time_machine.travel(timezone.now(), tick=False) as clock:
        alert_mails._claim()

        early = send_alert_mails()
        clock.shift(alert_mails.LEASE)

        assert (early, send_alert_mails()) == (Mailed(), Mailed(sent=1))


@pytest.mark.django_db(transaction=True)
def test_two_processes_at_once_send_one_mail_each(department, approver):
    for number in range(3):
        make_approver(f"more{number}", department=department)
    ask(department)
    tell_events()
    together, sent = Barrier(2), []

    def run():
        together.wait()
        try:
            sent.append(send_alert_mails().sent)
        finally:
            connection.close()

    threads = [Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(sent) == len(mail.outbox) == 4
    assert len({message.to[0] for message in mail.outbox}) == 4


def test_what_people_typed_reaches_no_header_but_as_one_line(department, approver):
    engagement = make_engagement(None, department=department)
    title = "Desk\r\nBcc: all@example.org\u202e\x00" + "long " * 30
    Engagement.objects.filter(pk=engagement.pk).update(title=title.replace("\x00", ""))
    ask_approval(engagement, make_manager("asker", department=department))

    deliver()

    (message,) = mail.outbox
    assert message.subject.startswith("Approval waiting: Desk Bcc: all@example.org")
    assert "\n" not in message.subject
    assert len(message.subject) <= 160
    assert message.message()["Bcc"] is None


def test_mail_escapes_what_people_typed(department, approver):
    ask(department, title="<script>alert(1)</script>")

    deliver()

    html = mail.outbox[0].alternatives[0].content
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


def test_owner_who_was_replaced_before_the_mail_is_not_mailed():
    first = make_manager("first")
    second = make_manager("second")
    for each in (first, second):
        set_preferences(
            user=each, values={"mailed_topics": ["engagements"]}, actor=each
        )
    engagement = make_engagement(first)
    record("engagement.term_rolled", engagement)
    tell_events()
    with transaction.atomic():
        engagement.manager = second
        change_record(record=engagement, actor=None)

    assert send_alert_mails() == Mailed(dropped=1)


def listed(path: str, *roles: Role, **post: str):
    browser = Client()
    browser.force_login(make_user(*roles))
    return browser.post(path, post) if post else browser.get(path)


def test_administrator_sees_failed_mails_and_tries_them_again(
    department, approver, server
):
    server.add("down")
    ask(department)
    deliver()
    server.clear()
    alert = Alert.objects.get()
    path = "/admin/tracker/alert/"

    page = listed(f"{path}?mail=failed", Role.ADMINISTRATOR).content.decode()
    answer = listed(
        path, Role.ADMINISTRATOR, action="try_again", _selected_action=str(alert.pk)
    )

    assert "Failed, tried again" in page
    assert answer.status_code == 302
    assert send_alert_mails() == Mailed(sent=1)


def test_auditor_sees_what_was_sent_and_tries_nothing_again(department, approver):
    ask(department)
    deliver()

    page = listed("/admin/tracker/alert/?mail=sent", Role.AUDITOR).content.decode()

    assert "Approval waiting" in page
    assert "try_again" not in page


def test_reminders_that_were_sent_are_listed(department):
    owner = make_manager()
    engagement = make_running(
        manager=owner, notice_by=date(2026, 11, 30), ends_on=date(2027, 11, 30)
    )
    send_reminders(today=date(2026, 10, 31))

    response = listed("/admin/tracker/reminder/?mail=sent", Role.AUDITOR)
    page = response.content.decode()

    assert response.context["cl"].result_count == 1
    assert engagement.reference in page
    assert "Notice deadline" in page


@pytest.mark.parametrize("path", ["/admin/tracker/reminder/", "/admin/tracker/alert/"])
@pytest.mark.parametrize("role", [Role.MANAGER, Role.FINANCE, Role.HR_INTEGRATION])
def test_lists_of_what_was_sent_are_for_nobody_else(db, path, role):
    assert listed(path, role).status_code == 403

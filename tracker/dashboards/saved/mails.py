"""Saved pages by mail: to each person once a due day, with that person's own scope."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from engagements.models import User
from tracker.dashboards.downloads import xlsx_file
from tracker.dashboards.filters import read_filters
from tracker.dashboards.models import Every, FileKind, PageMail, SavedPage
from tracker.dashboards.pages import (
    EmptyPage,
    as_of,
    finance_page,
    finance_paper,
    report_paper,
)
from tracker.dashboards.paper.printing import NoPrinterError
from tracker.dashboards.report import BadPageError, Report, all_reports
from tracker.dashboards.reports.months import SpendByMonth
from tracker.dashboards.saved.due import due_day
from tracker.dashboards.saved.services import asked_of
from tracker.dashboards.scope import Scope
from tracker.dashboards.tables import written
from tracker.notify.mails import site_address, written_mail
from tracker.notify.recipients import is_address
from tracker.notify.unsubscribing import Mailing

# Longer than a file takes to make and a mail server may keep us waiting.
LEASE = timedelta(minutes=30)
FIGURES_TOLD = 6
TYPES = {
    FileKind.PDF: "application/pdf",
    FileKind.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

log = logging.getLogger(__name__)


class PageNotMailedError(Exception):
    """Some pages could not be mailed; the next run tries them again."""


@dataclass(frozen=True)
class Mailed:
    """What a run did; `left_out` counts who may not open the page any more."""

    sent: int = 0
    left_out: int = 0


@dataclass(frozen=True)
class Told:
    """What a mail says before its file is opened."""

    headline: str
    as_of: str
    figures: Sequence[tuple[str, str]]


def mail_saved_pages(*, today: date) -> Mailed:
    """Mail what is due to whom may see it, each for its due day once.

    Each mail stands on its own: raises PageNotMailedError at the end if any failed,
    when all were tried.
    """
    counts = {"sent": 0, "left_out": 0}
    failed = 0
    tried: set[int] = set()
    while (claimed := _claim(today, tried)) is not None:
        mail, due = claimed
        tried.add(mail.pk)
        try:
            is_sent = _deal_with(mail)
        except BadPageError:
            # Too many rows by now for the order that it is saved with.
            is_sent = False
        except (OSError, ValueError, NoPrinterError):
            # Of SMTP and of the network, or of an address that no server takes.
            log.exception("Saved page %s could not be mailed", mail.saved_page_id)
            PageMail.objects.filter(pk=mail.pk).update(leased_until=None)
            failed += 1
            continue
        PageMail.objects.filter(pk=mail.pk).update(sent_for=due, leased_until=None)
        counts["sent" if is_sent else "left_out"] += 1
    if failed:
        raise PageNotMailedError(f"{failed} of {len(tried)} pages could not be mailed")
    return Mailed(**counts)


@transaction.atomic
def _claim(today: date, tried: set[int]) -> tuple[PageMail, date] | None:
    """Return a mail that is due and that no other process is sending."""
    now = timezone.now()
    due = {every: due_day(every, today) for every in Every.values}
    is_due = Q(sent_for=None)
    for every, day in due.items():
        is_due |= Q(every=every, sent_for__lt=day)
    row = (
        PageMail.objects.filter(is_due, Q(leased_until=None) | Q(leased_until__lte=now))
        .exclude(pk__in=tried)
        .select_for_update(skip_locked=True, of=("self",))
        .select_related("saved_page", "person")
        .order_by("pk")
        .first()
    )
    if row is None:
        return None
    row.leased_until = now + LEASE
    row.save(update_fields=["leased_until"])
    return row, due[row.every]


def _deal_with(mail: PageMail) -> bool:
    """Send the mail; False where the person may not have it, or not any more."""
    person, page = mail.person, mail.saved_page
    if not person.is_active or not is_address(person.email):
        return False
    if not SavedPage.objects.visible_to(person).filter(pk=page.pk).exists():
        return False
    filters = read_filters(person, asked_of(page))
    if filters.scope is None:
        return False
    _page_mail(mail, filters.scope).send()
    return True


def _page_mail(mail: PageMail, scope: Scope) -> EmailMultiAlternatives:
    page, person = mail.saved_page, mail.person
    report = _report(page, scope)
    told = _told(report, scope)
    message = written_mail(
        person=person,
        subject=f"{page.name}: {told.headline}",
        template="saved_page",
        context={
            "told": told,
            "page": page,
            "owner": page.owner,
            "address": site_address(_address(page)),
            "saved_pages": site_address(reverse("tracker:saved-pages")),
        },
        mailing=Mailing.PAGES,
    )
    content = _file(mail.file_kind, report, scope)
    name = f"{page.page or 'overview'}.{mail.file_kind}"
    message.attach(name, content, TYPES[FileKind(mail.file_kind)])
    return message


def _report(page: SavedPage, scope: Scope) -> Report | None:
    """Return the page's report; None is the overview."""
    return all_reports()[page.page](scope) if page.page else None


def _told(report: Report | None, scope: Scope) -> Told:
    if report is None:
        page = finance_page(scope)
        if isinstance(page, EmptyPage):
            return Told(page.title, as_of(scope), [])
        figures = [(one.name, one.value) for one in page.figures[:FIGURES_TOLD]]
        return Told(page.title, page.as_of, figures)
    totals = [
        (str(column.title), written(total, column.kind, scope.notation))
        for column, total in zip(report.columns, report.totals(), strict=True)
        if column.is_summed and column.on_page and total is not None
    ]
    count = f"{scope.notation.count(report.row_count())} {report.noun}"
    main = dict(totals).get("Total") or (totals[-1][1] if totals else count)
    return Told(
        _("%(title)s, %(figure)s") % {"title": report.title, "figure": main},
        report.as_of() or as_of(scope),
        [(_("Rows"), count), *totals[: FIGURES_TOLD - 1]],
    )


def _file(kind: str, report: Report | None, scope: Scope) -> bytes:
    if kind == FileKind.XLSX:
        return xlsx_file(report or SpendByMonth(scope))
    return (report_paper(report) if report else finance_paper(scope)).pdf()


def _address(page: SavedPage) -> str:
    return reverse("tracker:saved-page", args=[page.public_id])


def mails_of(person: User) -> dict[int, PageMail]:
    """Return the mails that the person gets, by saved page."""
    return {mail.saved_page_id: mail for mail in PageMail.objects.filter(person=person)}

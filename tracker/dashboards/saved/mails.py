"""Saved pages by mail: to each person once a due day, with that person's own scope."""

import logging
from dataclasses import dataclass
from datetime import date, timedelta

from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from engagements.models import User
from tracker.dashboards.downloads import xlsx_file
from tracker.dashboards.filters import read_filters
from tracker.dashboards.models import Every, FileKind, PageMail, SavedPage
from tracker.dashboards.paper.printing import NoPrinterError
from tracker.dashboards.places import Place, place_of
from tracker.dashboards.report import BadPageError
from tracker.dashboards.saved.due import due_day
from tracker.dashboards.saved.services import asked_of, may_have
from tracker.dashboards.scope import Scope
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
    place = place_of(page.page)
    if place is None or not may_have(person, page, place):
        return False
    filters = read_filters(person, asked_of(page), place.part.asking)
    if filters.scope is None:
        return False
    _page_mail(mail, place, filters.scope).send()
    return True


def _page_mail(mail: PageMail, place: Place, scope: Scope) -> EmailMultiAlternatives:
    page, person = mail.saved_page, mail.person
    told = place.told(scope)
    message = written_mail(
        person=person,
        subject=f"{page.name}: {told.headline}",
        template="saved_page",
        context={
            "told": told,
            "figures": told.figures[:FIGURES_TOLD],
            "page": page,
            "owner": page.owner,
            "address": site_address(_address(page)),
            "saved_pages": site_address(reverse("tracker:saved-pages")),
        },
        mailing=Mailing.PAGES,
    )
    content = _file(mail.file_kind, place, scope)
    stem = place.report.slug if place.report else place.part.file_stem
    name = f"{stem}.{mail.file_kind}"
    message.attach(name, content, TYPES[FileKind(mail.file_kind)])
    return message


def _file(kind: str, place: Place, scope: Scope) -> bytes:
    if kind == FileKind.XLSX:
        return xlsx_file(place.workbook(scope))
    return place.paper(scope).pdf()


def _address(page: SavedPage) -> str:
    return reverse("tracker:saved-page", args=[page.public_id])


def mails_of(person: User) -> dict[int, PageMail]:
    """Return the mails that the person gets, by saved page."""
    return {mail.saved_page_id: mail for mail in PageMail.objects.filter(person=person)}

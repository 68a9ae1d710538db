"""Saving pages, sharing them, and saying who is mailed them."""

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from engagements.errors import NotAllowedError
from engagements.models import User
from engagements.services.records import change_record, create_record, delete_record
from tracker.dashboards.filters import CLOSED_PERIODS, read_filters
from tracker.dashboards.models import FileKind, PageMail, SavedPage, Sharing
from tracker.dashboards.places import Place, place_of
from tracker.dashboards.report import sortable
from tracker.dashboards.saved.due import due_day
from tracker.notify.services import ends_mailing
from tracker.notify.unsubscribing import Mailing

MOST_PAGES = 200


@transaction.atomic
def save_page(*, page: SavedPage, actor: User) -> SavedPage:
    """Store a new saved page of the actor's; raises ValidationError by field."""
    page.owner = actor
    place = _place(page)
    page.query = kept_query(page.query, place)
    _check(page, place)
    if SavedPage.objects.filter(owner=actor).count() >= MOST_PAGES:
        raise ValidationError(
            _("You have %(most)d saved pages; delete one first.") % {"most": MOST_PAGES}
        )
    return create_record(record=page, actor=actor)


@transaction.atomic
def change_page(*, page: SavedPage, actor: User) -> SavedPage:
    """Store another name or other readers; raises NotAllowedError, ValidationError.

    Who may not open it any more is mailed it no more, from the next mail on.
    """
    _check_owner(page, actor)
    _check(page, _place(page))
    return change_record(record=page, actor=actor)


@transaction.atomic
def delete_page(*, page: SavedPage, actor: User) -> None:
    """Delete the page with its mails; raises NotAllowedError."""
    _check_owner(page, actor)
    delete_record(record=page, actor=actor)


@transaction.atomic
def mail_page(*, mail: PageMail, actor: User) -> PageMail:
    """Have a page mailed to a person who may open it, from the next due day on.

    People choose for themselves; the owner may for others. Said again, it changes how
    often and as what. Raises NotAllowedError and ValidationError.
    """
    page = mail.saved_page
    if actor != mail.person:
        _check_owner(page, actor)
    place = _place(page)
    if not may_have(mail.person, page, place):
        raise ValidationError(
            {
                "person": _("%(person)s may not open this page.")
                % {"person": mail.person}
            }
        )
    if mail.file_kind == FileKind.XLSX and not place.has_xlsx:
        raise ValidationError(
            {"file_kind": _("This page may be too long for XLSX; choose PDF.")}
        )
    known = PageMail.objects.filter(saved_page=page, person=mail.person).first()
    if known is None:
        mail.sent_for = due_day(mail.every, timezone.localdate())
        return create_record(record=mail, actor=actor)
    known.every, known.file_kind = mail.every, mail.file_kind
    known.sent_for = due_day(mail.every, timezone.localdate())
    return change_record(record=known, actor=actor)


@transaction.atomic
def stop_mail(*, page: SavedPage, person: User, actor: User) -> None:
    """Mail the page to the person no more; repeating has no effect."""
    if actor != person:
        _check_owner(page, actor)
    for mail in PageMail.objects.filter(saved_page=page, person=person):
        delete_record(record=mail, actor=actor)


@transaction.atomic
def stop_all_mails(*, person: User, actor: User | None) -> None:
    """Mail the person no saved page any more; repeating has no effect."""
    for mail in PageMail.objects.filter(person=person):
        delete_record(record=mail, actor=actor)


def may_have(person: User, page: SavedPage, place: Place) -> bool:
    """Tell whether the page is shared with the person, who may open such pages."""
    shared = SavedPage.objects.visible_to(person).filter(pk=page.pk)
    return place.may_open(person) and shared.exists()


def kept_query(query: str, place: Place) -> str:
    """Return the filters of an address that the page knows, in one order."""
    given = dict(parse_qsl(query))
    known = place.part.asking.parameters
    return urlencode({name: given[name] for name in known if given.get(name)})


def asked_of(page: SavedPage) -> Mapping[str, str]:
    return dict(parse_qsl(page.query))


def _place(page: SavedPage) -> Place:
    place = place_of(page.page)
    if place is None:
        raise ValidationError({"page": _("There is no such page.")})
    return place


def _check(page: SavedPage, place: Place) -> None:
    if not place.may_open(page.owner):
        raise ValidationError({"page": _("There is no such page.")})
    if page.shared_with != Sharing.ROLE:
        page.role = ""
    found = read_filters(page.owner, asked_of(page), place.part.asking)
    if found.scope is None:
        raise ValidationError({"query": list(found.errors)})
    report = place.report
    if report is None:
        return
    if report.compares and not found.scope.period.is_closed:
        raise ValidationError({"query": CLOSED_PERIODS})
    sort = found.scope.sort.removeprefix("-")
    if sort and sort not in sortable(report.columns):
        raise ValidationError({"query": _("This page can't be sorted by that.")})


def _check_owner(page: SavedPage, actor: User) -> None:
    if page.owner != actor:
        raise NotAllowedError(_("Only its owner may change a saved page."))


ends_mailing(Mailing.PAGES, stop_all_mails)

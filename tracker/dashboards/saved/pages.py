"""The list of saved pages, as one reader sees it."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.urls import reverse

from engagements.choices import Role
from engagements.models import User
from tracker.dashboards.filters import label_of
from tracker.dashboards.models import Every, FileKind, PageMail, SavedPage, Sharing
from tracker.dashboards.periods import preset_titles
from tracker.dashboards.places import place_of
from tracker.dashboards.saved.forms import shared_choices
from tracker.dashboards.saved.mails import mails_of
from tracker.dashboards.saved.services import asked_of

# Ids that say nothing to a reader; the page itself shows what they are.
OF_RECORDS = ("vendor", "engagement", "service")


@dataclass(frozen=True)
class MailTold:
    """Who is mailed a page, how often and as what."""

    person: str
    username: str
    how: str


@dataclass(frozen=True)
class SavedCard:
    public_id: str
    name: str
    of_page: str
    filters: str
    owner: str
    shared: str
    shared_choice: str
    href: str
    is_own: bool
    own_mail: PageMail | None
    others: Sequence[MailTold]


@dataclass(frozen=True)
class SavedList:
    cards: Sequence[SavedCard]
    shared_choices: Sequence[tuple[str, str]]
    every: Sequence[tuple[str, str]]
    kinds: Sequence[tuple[str, str]]


def saved_list(user: User) -> SavedList:
    """Return the pages that the user may open; a fixed number of queries."""
    pages = SavedPage.objects.visible_to(user).select_related("owner")
    own_mails = mails_of(user)
    others: dict[int, list[MailTold]] = {}
    rows = PageMail.objects.filter(saved_page__owner=user).exclude(person=user)
    for mail in rows.select_related("person"):
        told = MailTold(str(mail.person), mail.person.get_username(), _how(mail))
        others.setdefault(mail.saved_page_id, []).append(told)
    return SavedList(
        cards=[
            _card(page, user, own_mails.get(page.pk), others.get(page.pk, []))
            for page in pages
        ],
        shared_choices=shared_choices(),
        every=[(str(value), str(label)) for value, label in Every.choices],
        kinds=[(str(value), str(label)) for value, label in FileKind.choices],
    )


def _card(
    page: SavedPage, user: User, own: PageMail | None, others: Sequence[MailTold]
) -> SavedCard:
    is_own = page.owner_id == user.pk
    return SavedCard(
        public_id=str(page.public_id),
        name=page.name,
        of_page=_title(page.page),
        filters=_filters(page),
        owner=str(page.owner),
        shared=_shared(page),
        shared_choice=f"role:{page.role}" if page.role else page.shared_with,
        href=reverse("tracker:saved-page", args=[page.public_id]),
        is_own=is_own,
        own_mail=own,
        others=others if is_own else [],
    )


def _title(slug: str) -> str:
    place = place_of(slug)
    return place.title if place else slug


def _filters(page: SavedPage) -> str:
    """Return the filters in words, but for the ids of records."""
    titles = preset_titles(settings.FISCAL_YEAR_START_MONTH)
    return " · ".join(
        f"{label_of(name)}: {titles.get(value, value)}"
        for name, value in asked_of(page).items()
        if name not in OF_RECORDS
    )


def _shared(page: SavedPage) -> str:
    if page.shared_with == Sharing.ROLE:
        return str(Role(page.role).label)
    return str(Sharing(page.shared_with).label)


def _how(mail: PageMail) -> str:
    return f"{Every(mail.every).label}, {FileKind(mail.file_kind).label}"

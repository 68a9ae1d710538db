"""Pages that people of the company keep, share and are mailed."""

from dataclasses import dataclass

from engagements.choices import Role
from tracker.dashboards.models import Every, FileKind, PageMail, SavedPage, Sharing
from tracker.dashboards.saved.services import mail_page, save_page
from tracker.demo.founding import Cast


@dataclass(frozen=True)
class _Kept:
    """A page of one person's; `mailed` are who gets it, how often and as what."""

    owner: str
    name: str
    page: str
    query: str = ""
    shared_with: str = Sharing.NOBODY
    role: str = ""
    mailed: tuple[tuple[str, str, str], ...] = ()


KEPT = (
    _Kept(
        "finance",
        "Month-end overview",
        "",
        "period=this-fiscal-year",
        Sharing.EVERYONE,
        mailed=(
            ("finance", Every.MONTH, FileKind.PDF),
            ("auditor", Every.MONTH, FileKind.PDF),
        ),
    ),
    _Kept(
        "finance",
        "Cost centres against budget",
        "cost-centres",
        "period=this-fiscal-year&compare=budget",
        Sharing.ROLE,
        Role.MANAGER,
        mailed=(
            ("finance", Every.WEEK, FileKind.XLSX),
            ("manager", Every.MONTH, FileKind.XLSX),
        ),
    ),
    _Kept("finance", "Vendors, all years", "vendors_page", "period=all"),
    _Kept(
        "manager",
        "Service levels, last 12 months",
        "service-levels_page",
        mailed=(("manager", Every.WEEK, FileKind.PDF),),
    ),
)


def keep_pages(cast: Cast) -> None:
    """Save the pages as their owners do, and have them mailed."""
    for kept in KEPT:
        owner = cast.people[kept.owner]
        page = SavedPage(
            name=kept.name,
            page=kept.page,
            query=kept.query,
            shared_with=kept.shared_with,
            role=kept.role,
        )
        save_page(page=page, actor=owner)
        for person, every, kind in kept.mailed:
            mail = PageMail(
                saved_page=page,
                person=cast.people[person],
                every=every,
                file_kind=kind,
            )
            mail_page(mail=mail, actor=owner)

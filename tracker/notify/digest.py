"""One mail to one person: HTML and text of the same lines."""

from collections.abc import Sequence
from datetime import date

from django.core.mail import EmailMultiAlternatives
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from engagements.choices import Renewal
from engagements.models import Engagement, User
from tracker.notify.due import Deadline, DeadlineKind
from tracker.notify.flag_lines import FlagLine
from tracker.notify.mails import page_address, written_mail
from tracker.notify.pattern_lines import PatternLine
from tracker.notify.unsubscribing import Mailing
from tracker.notify.wording import Line, full_day, sections, subject


def digest_line(
    engagement: Engagement,
    deadline: Deadline,
    *,
    today: date,
    is_escalation: bool,
    names_people: bool,
) -> Line:
    """Return the line; a contractor is named only where `names_people`."""
    return Line(
        kind=deadline.kind,
        falls_on=deadline.falls_on,
        days_left=(deadline.falls_on - today).days,
        reference=engagement.reference,
        title=engagement.title,
        vendor=engagement.vendor.legal_name,
        about=about(deadline, names_people=names_people),
        outcome=consequence(engagement, deadline),
        address=page_address("admin:engagements_engagement_change", engagement.pk),
        owner=str(engagement.manager) if is_escalation else "",
        engagement_id=engagement.pk,
    )


def about(deadline: Deadline, *, names_people: bool) -> str:
    """Say which document or limit it is; empty for the engagement's own dates."""
    if deadline.kind is DeadlineKind.TENURE and names_people:
        return f"{deadline.person}: {deadline.name}"
    return deadline.name


def consequence(engagement: Engagement, deadline: Deadline) -> str:
    """Say what the day means if nobody does anything."""
    match deadline.kind:
        case DeadlineKind.DOCUMENT:
            return _("Expires on %(day)s.") % {"day": full_day(deadline.falls_on)}
        case DeadlineKind.TENURE:
            return _("The agreed work reaches the limit on this day.")
        case DeadlineKind.CLAIM:
            return _("What is not claimed by this day is lost.")
        case _:
            return outcome(engagement)


def outcome(engagement: Engagement) -> str:
    """Say what happens at the term's end if nobody does anything."""
    if engagement.term_ends_on is None:
        return ""
    day = full_day(engagement.term_ends_on)
    if engagement.renewal == Renewal.AUTO:
        months = engagement.renewal_term_months or 0
        return ngettext(
            "Renews by itself for %(n)d month after %(day)s.",
            "Renews by itself for %(n)d months after %(day)s.",
            months,
        ) % {"n": months, "day": day}
    return _("Its term ends on %(day)s.") % {"day": day}


def digest(
    *,
    person: User,
    lines: Sequence[Line],
    today: date,
    flags: Sequence[FlagLine] = (),
    patterns: Sequence[PatternLine] = (),
    can_be_turned_off: bool = True,
) -> EmailMultiAlternatives:
    """Return the mail, unsent."""
    return written_mail(
        person=person,
        subject=subject(lines, today),
        template="digest",
        context={
            "sections": sections(lines),
            "flags": flags,
            "patterns": patterns,
            "calendar": page_address("tracker:calendar"),
            "can_be_turned_off": can_be_turned_off,
        },
        mailing=Mailing.DIGEST if can_be_turned_off else None,
    )

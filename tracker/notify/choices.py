"""Words with labels: what a person can choose of mails and alerts."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Channel(models.TextChoices):
    MAIL = "mail", _("By mail and in the product")
    IN_PRODUCT = "in_product", _("In the product only")


class Frequency(models.TextChoices):
    AT_ONCE = "at_once", _("At once, by day")
    DAILY = "daily", _("Once a day")
    WEEKLY = "weekly", _("Once a week")
    NEVER = "never", _("Never")


class Weekday(models.IntegerChoices):
    MONDAY = 0, _("Monday")
    TUESDAY = 1, _("Tuesday")
    WEDNESDAY = 2, _("Wednesday")
    THURSDAY = 3, _("Thursday")
    FRIDAY = 4, _("Friday")
    SATURDAY = 5, _("Saturday")
    SUNDAY = 6, _("Sunday")


class DateKind(models.TextChoices):
    """The kinds of deadline, by the words of `due.DeadlineKind`."""

    NOTICE = "notice", _("Notice deadlines")
    TERM_END = "term_end", _("Term ends")
    DOCUMENT = "document", _("Documents that expire")
    TENURE = "tenure", _("Tenure limits")
    CLAIM = "claim", _("Claims of service credits")


class Topic(models.TextChoices):
    """What alerts are about; each person chooses which also come as mails."""

    APPROVALS = "approvals", _("Approvals that wait for me")
    DECISIONS = "decisions", _("Decisions on what I asked for")
    TASKS = "tasks", _("Tasks given to me, and overdue ones")
    ENGAGEMENTS = "engagements", _("Changes of my engagements")
    FLAGS = "flags", _("Flags on my engagements")
    IMPORTS = "imports", _("My imports with refused lines")
    JOBS = "jobs", _("Background jobs that fail")


# What somebody who chose nothing is mailed about. Tasks come by the dozen, where an
# engagement starts or ends.
MAILED_TOPICS = (Topic.APPROVALS, Topic.DECISIONS, Topic.JOBS)

import shutil
from datetime import timedelta

from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from engagements.choices import Role
from tracker.admin.home.sections import Asked, Cell, Column, Section, home_section
from tracker.jobs.models import JobRun

# The nightly jobs leave a run a day; a day and two hours without one is a day missed.
SILENCE = timedelta(hours=26)
# Below this share the disk is called nearly full.
LEAST_FREE = 0.1
GIGABYTE = 10**9


@home_section(410, Role.ADMINISTRATOR)
def health(asked: Asked) -> Section:
    """What readiness probes ask, and what they don't: the jobs and the disk."""
    return Section(
        title=_("Health"),
        columns=(Column(_("Part")), Column(_("State"))),
        rows=[*_readiness(), _worker(), _disk()],
        is_narrow=True,
    )


def _readiness() -> list[tuple[str, Cell]]:
    checks: dict[str, str] = import_string(settings.READINESS)()
    names = {"database": _("Database"), "migrations": _("Migrations")}
    return [
        (
            str(names.get(part, part)),
            Cell(answer, colour="success" if answer == "ok" else "danger"),
        )
        for part, answer in checks.items()
    ]


def _worker() -> tuple[str, Cell]:
    name = _("Background jobs")
    finished = JobRun.objects.order_by("-finished_at").exclude(finished_at=None)
    last = finished.values_list("finished_at", flat=True).first()
    if last is None:
        return name, Cell(_("no run yet"), colour="warning")
    is_silent = timezone.now() - last > SILENCE
    return name, Cell(
        _("silent") if is_silent else _("ok"),
        note=_("last run %(moment)s")
        % {"moment": date_format(timezone.localtime(last), "j M, H:i")},
        colour="danger" if is_silent else "success",
    )


def _disk() -> tuple[str, Cell]:
    usage = shutil.disk_usage(settings.DATA_DIR)
    share = usage.free / usage.total
    return _("Disk"), Cell(
        _("%(n)s %% free") % {"n": round(100 * share)},
        note=_("%(n)s GB") % {"n": round(usage.free / GIGABYTE, 1)},
        colour="success" if share >= LEAST_FREE else "danger",
    )

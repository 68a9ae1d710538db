from collections.abc import Iterator, Sequence
from datetime import date
from functools import cached_property
from typing import Any, ClassVar

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from tracker.dashboards.report import MONTHS, POSTED, Column, ColumnKind, Report, Row
from tracker.spend.benchmarking import (
    Comparison,
    Comparisons,
    Published,
    comparisons,
)
from tracker.spend.percentiles import FEWEST
from tracker.spend.uncounted import in_words

PRICE = ColumnKind.PRICE


class RatesAgainstBenchmark(Report):
    """What contractors at work cost an hour, beside peers and published rates."""

    slug = "rates-against-benchmark"
    title = "Rates against benchmark"
    noun = "comparisons"
    unheeded: ClassVar[frozenset[str]] = MONTHS | POSTED
    columns: ClassVar[Sequence[Column]] = (
        Column("Reference"),
        Column("Contractor", rank=2),
        Column("Role"),
        Column("Level", on_page=False),
        Column("Place", on_page=False),
        Column("Hourly rate", PRICE),
        Column("Percentile", ColumnKind.SHARE, rank=2),
        Column("Our rates", rank=2),
        Column("Our 25th percentile", PRICE, on_page=False),
        Column("Our median", PRICE, on_page=False),
        Column("Our 75th percentile", PRICE, on_page=False),
        Column("Our 90th percentile", PRICE, on_page=False),
        Column("Published median", PRICE, in_file=False, rank=2),
        Column("To its middle half", in_file=False, rank=2),
        # Never gives way: no published rate is shown without its year.
        Column("Benchmark", in_file=False, wraps=True),
        Column("Benchmark set", on_page=False),
        Column("Year", on_page=False),
        Column("Source", on_page=False),
        Column("Licence", on_page=False),
        Column("Labour category", on_page=False),
        Column("Published 25th percentile", PRICE, on_page=False),
        Column("Published median", PRICE, on_page=False),
        Column("Published 75th percentile", PRICE, on_page=False),
        Column("To its middle half", on_page=False),
        Column("Currency", on_page=False),
        Column("As of", ColumnKind.DAY, on_page=False),
    )

    @cached_property
    def day(self) -> date:
        return timezone.localdate()

    @cached_property
    def compared(self) -> Comparisons:
        return comparisons(
            self.scope.user, on=self.day, narrowed=_narrowed(self.scope.where)
        )

    @cached_property
    def pairs(self) -> list[tuple[Comparison, Published | None]]:
        """Each contractor with each rate that the role is compared with, or none."""
        return [
            (one, published)
            for one in self.compared.rows
            for published in (one.published or (None,))
        ]

    def rows(self) -> Iterator[Row]:
        return (self._row(one, published) for one, published in self.pairs)

    def row_count(self) -> int:
        return len(self.pairs)

    def note(self) -> str:
        notation = self.scope.notation
        said = _(
            "Per hour in %(currency)s, as of %(day)s, of contractors at work whatever"
            " the period. Our own percentiles are of the rates that you may see, from"
            " %(fewest)d of one role, level and place on."
        ) % {
            "currency": notation.currency,
            "day": notation.day(self.day),
            "fewest": FEWEST,
        }
        return f"{said} {in_words(self.compared.uncounted)}".strip()

    def _row(self, one: Comparison, published: Published | None) -> Row:
        assignment, own = one.hourly.assignment, one.own
        sees_names = self.scope.user.has_perm("engagements.view_contractor")
        person = assignment.contractor if sees_names else None
        of = published.benchmark_set if published else None
        values = (
            assignment.reference,
            person.full_name if person else "",
            assignment.role,
            str(assignment.get_level_display()),
            str(assignment.get_place_display()),
            one.hourly.amount,
            one.part_below,
            _("median %(median)s of %(count)d")
            % {"median": self.scope.notation.price(own.p50), "count": own.count}
            if own
            else _("not enough"),
            own.p25 if own else None,
            own.p50 if own else None,
            own.p75 if own else None,
            own.p90 if own else None,
            published.p50 if published else None,
            published.position(one.hourly.amount) if published else "",
            _benchmark(published),
            of.name if of else "",
            str(of.year) if of else "",
            of.source if of else "",
            of.licence if of else "",
            str(published.rate) if published else "",
            published.p25 if published else None,
            published.p50 if published else None,
            published.p75 if published else None,
            published.position(one.hourly.amount) if published else "",
            self.scope.notation.currency,
            self.day,
        )
        href = self.scope.report_url(
            "ledger-entries", engagement=str(assignment.public_id)
        )
        return Row(values, href)


def _benchmark(published: Published | None) -> str:
    """Return what it is compared with; never without its year, source and licence."""
    if published is None:
        return _("not compared")
    of = published.benchmark_set
    return _("%(category)s: %(name)s, prices of %(year)d (%(source)s; %(licence)s)") % {
        "category": published.rate,
        "name": of.name,
        "year": of.year,
        "source": of.source,
        "licence": of.licence,
    }


def _narrowed(where: Any) -> Q:
    limits: dict[str, Any] = {
        "vendor_id": where.vendor_id,
        "pk": where.engagement_id,
        "kind": where.kind or None,
        "service_id": where.service_id,
    }
    if where.department_ids is not None:
        limits["department_id__in"] = sorted(where.department_ids)
    return Q(**{name: value for name, value in limits.items() if value is not None})

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import ClassVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from engagements.choices import Kind
from tracker.dashboards.charts.bridge import NARROW, WIDE, Frame, Step, bridge
from tracker.dashboards.charts.svg import Svg
from tracker.dashboards.report import Column, ColumnKind, Report, Row
from tracker.dashboards.spend_series import Drawing
from tracker.spend.comparison import Compared, Months, compare, in_currency
from tracker.spend.variance import Parts

MONEY = ColumnKind.MONEY


@dataclass
class _Sum:
    """What one vendor, role, cost centre or engagement comes to."""

    name: str
    href: str
    before: Decimal = Decimal(0)
    after: Decimal = Decimal(0)
    parts: Parts = field(default_factory=Parts)

    def add(self, line: Compared) -> None:
        self.before += line.before
        self.after += line.after
        self.parts += line.parts

    @property
    def change(self) -> Decimal:
        return self.after - self.before


class Variances(Report):
    """Why spend of one period differs from another's; parts sum to the cent."""

    slug = "variances"
    title = "Variances"
    noun = "lines"
    compares = True
    is_wide = True
    divides: ClassVar[bool] = True
    columns: ClassVar[Sequence[Column]] = (
        Column("Name"),
        Column("Before", MONEY, is_summed=True, rank=2),
        Column("Price", MONEY, is_summed=True, rank=2),
        Column("Volume", MONEY, is_summed=True, rank=2),
        Column("Mix", MONEY, is_summed=True, rank=2),
        Column("FX", MONEY, is_summed=True, rank=2),
        Column("New", MONEY, is_summed=True, rank=2),
        Column("Ended", MONEY, is_summed=True, rank=2),
        Column("Change", MONEY, is_summed=True),
        Column("After", MONEY, is_summed=True, rank=2),
        Column("Currency", on_page=False),
        Column("Before from", ColumnKind.MONTH, on_page=False),
        Column("Before to", ColumnKind.MONTH, on_page=False),
        Column("After from", ColumnKind.MONTH, on_page=False),
        Column("After to", ColumnKind.MONTH, on_page=False),
    )

    @cached_property
    def new(self) -> Months:
        # Filters refuse an open period for a report that compares.
        period = self.scope.period
        if period.first is None or period.last is None:
            raise ValueError("Two open periods can't be compared.")
        return Months(period.first, period.last)

    @cached_property
    def base(self) -> Months:
        period = self.scope.base
        if period is None or period.first is None or period.last is None:
            return self.new.before
        return Months(period.first, period.last)

    @cached_property
    def sums(self) -> list[_Sum]:
        """The lines grouped as asked, the largest change first."""
        name, href = _GROUPINGS[self.scope.by or BY_VENDOR]
        found: dict[str, _Sum] = {}
        lines = compare(self.scope.user, self.scope.where, base=self.base, new=self.new)
        for line in lines:
            called = name(line)
            if called not in found:
                opens = href(line)
                found[called] = _Sum(
                    called, self.scope.report_url(self.slug, **opens) if opens else ""
                )
            found[called].add(line)
        return sorted(found.values(), key=lambda one: (-abs(one.change), one.name))

    @cached_property
    def whole(self) -> Parts:
        return sum((one.parts for one in self.sums), Parts())

    def rows(self) -> Iterator[Row]:
        return (self._row(one) for one in self.sums)

    def row_count(self) -> int:
        return len(self.sums)

    def picture(self) -> Drawing | None:
        if not self.sums:
            return None
        return Drawing([], self._bridge(WIDE), self._bridge(NARROW))

    def choices(self) -> list[tuple[str, str, bool]]:
        asked = self.scope.by or BY_VENDOR
        return [
            (str(title), self.scope.report_url(self.slug, by=by), by == asked)
            for by, title in BY.items()
        ]

    def note(self) -> str:
        notation = self.scope.notation
        return _("%(new)s against %(base)s") % {
            "new": _named(self.new, notation.month),
            "base": _named(self.base, notation.month),
        }

    def _row(self, one: _Sum) -> Row:
        parts = one.parts
        figures = (parts.price, parts.volume, parts.mix, parts.fx, parts.new)
        return Row(
            (
                one.name,
                one.before,
                *(in_currency(figure) for figure in figures),
                in_currency(parts.ended),
                one.change,
                one.after,
                self.scope.notation.currency,
                self.base.first,
                self.base.last,
                self.new.first,
                self.new.last,
            ),
            one.href,
        )

    def _bridge(self, frame: Frame) -> Svg:
        parts = self.whole
        before = sum((one.before for one in self.sums), Decimal(0))
        after = sum((one.after for one in self.sums), Decimal(0))
        steps = [
            self._step(_("Before"), before, is_whole=True),
            self._step(_("Price"), in_currency(parts.price)),
            self._step(_("Volume"), in_currency(parts.volume)),
            self._step(_("Mix"), in_currency(parts.mix)),
            self._step(_("FX"), in_currency(parts.fx)),
            self._step(_("New"), in_currency(parts.new)),
            self._step(_("Ended"), in_currency(parts.ended)),
            self._step(_("After"), after, is_whole=True),
        ]
        return bridge(
            steps,
            summary=_("From %(base)s to %(new)s; the table below has the same figures")
            % {"base": self._written(before), "new": self._written(after)},
            short_amount=self.scope.notation.short,
            frame=frame,
        )

    def _step(self, label: str, value: Decimal, *, is_whole: bool = False) -> Step:
        return Step(label, value, f"{label}: {self._written(value)}", is_whole)

    def _written(self, amount: Decimal) -> str:
        return self.scope.notation.money(amount)


def _named(months: Months, month: Callable[..., str]) -> str:
    if months.first == months.last:
        return month(months.first)
    return f"{month(months.first)} \N{EN DASH} {month(months.last)}"


BY_VENDOR = "vendor"
BY: Mapping[str, object] = {
    BY_VENDOR: gettext_lazy("By vendor"),
    "role": gettext_lazy("By role"),
    "cost-centre": gettext_lazy("By cost centre"),
    "engagement": gettext_lazy("By engagement"),
}

_Opens = dict[str, str]


def _vendor(line: Compared) -> str:
    return line.vendor


def _role(line: Compared) -> str:
    if line.kind == Kind.MANAGED:
        return str(_("Managed services"))
    return line.role or str(_("No role recorded"))


def _centre(line: Compared) -> str:
    return line.cost_centre


def _engagement(line: Compared) -> str:
    return f"{line.reference} · {line.title}"


def _to_nowhere(line: Compared) -> _Opens:
    return {}


def _to_vendor(line: Compared) -> _Opens:
    return {"vendor": line.vendor_id, "by": "engagement"}


def _to_centre(line: Compared) -> _Opens:
    return {"cost_centre": line.cost_centre_code, "by": "engagement"}


def _to_engagement(line: Compared) -> _Opens:
    return {"engagement": line.public_id, "by": "cost-centre"}


_GROUPINGS: Mapping[
    str, tuple[Callable[[Compared], str], Callable[[Compared], _Opens]]
] = {
    BY_VENDOR: (_vendor, _to_vendor),
    "role": (_role, _to_nowhere),
    "cost-centre": (_centre, _to_centre),
    "engagement": (_engagement, _to_engagement),
}

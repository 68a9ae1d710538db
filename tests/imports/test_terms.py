from datetime import date
from decimal import Decimal

import pytest

from engagements.choices import Role
from engagements.models import CostSplit, Event, FeeTerm, RateTerm
from tests.factories import (
    make_assignment,
    make_contract,
    make_cost_centre,
    make_user,
    stored,
)
from tests.imports.records import bring_in, counts, export, exported_rows, told

__all__ = ["bring_in"]

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk():
    return make_contract(reference="C-1", external_id="CLM-1", fee=Decimal(100))


@pytest.fixture
def ada():
    return make_assignment(reference="A-1", rate=Decimal(600))


@pytest.fixture
def centres():
    return [make_cost_centre(code=code, name=f"Centre {code}") for code in "XYZ"]


def fee(reference, start, amount, **more):
    return {
        "Engagement": reference,
        "Term": "fee",
        "From": start,
        "Amount": amount,
        **more,
    }


def share(reference, start, centre, percent):
    return {
        "Engagement": reference,
        "Term": "cost split",
        "From": start,
        "Cost centre": centre,
        "Percent": percent,
    }


def test_fees_rates_and_splits_run_from_their_day(bring_in, desk, ada, centres):
    actor = make_user(Role.ADMINISTRATOR)
    rate = {
        "Engagement": "A-1",
        "Term": "rate",
        "From": "2026-07-01",
        "Amount": "80.5",
        "Per": "hour",
        "Overtime multiplier": "1.5",
    }

    report = bring_in(
        "terms",
        [
            fee("C-1", "2026-07-01", "120.00", Currency="GBP"),
            rate,
            share("CLM-1", "2026-07-01", "X", "66.6667"),
            share("C-1", "2026-07-01", "Centre Y", "33.3333"),
        ],
        actor=actor,
    )

    assert (told(report), counts(report)) == ([], (4, 0, 0, 0))
    assert [(term.starts_on, term.monthly_fee) for term in FeeTerm.objects.all()] == [
        (date(2026, 1, 1), 100),
        (date(2026, 7, 1), 120),
    ]
    term = RateTerm.objects.get(starts_on=date(2026, 7, 1))
    assert (term.rate, term.unit, term.hours_per_day, term.overtime_multiplier) == (
        Decimal("80.5"),
        "hour",
        Decimal("7.5"),
        Decimal("1.5"),
    )
    split = CostSplit.objects.get(starts_on=date(2026, 7, 1))
    assert [(s.cost_centre.code, s.percent) for s in split.shares.all()] == [
        ("X", Decimal("66.6667")),
        ("Y", Decimal("33.3333")),
    ]
    types = Event.objects.filter(actor=actor).values_list("event_type", flat=True)
    assert {
        "engagement.terms_amended",
        "engagement.rate_changed",
        "engagement.cost_split_set",
    } <= set(types)


def test_same_file_again_changes_nothing(bring_in, desk, centres):
    rows = [
        fee("C-1", "2026-07-01", "120"),
        share("C-1", "2026-07-01", "X", "50"),
        share("C-1", "2026-07-01", "Y", "50"),
    ]
    bring_in("terms", rows)

    again = bring_in("terms", rows)

    assert (told(again), counts(again)) == ([], (0, 0, 3, 0))
    assert FeeTerm.objects.count() == 2


def test_another_amount_or_share_of_the_same_day_is_a_change(bring_in, desk, centres):
    before = stored(desk).version
    bring_in("terms", [share("C-1", "2026-01-01", "X", "100")])

    report = bring_in(
        "terms",
        [
            fee("C-1", "2026-01-01", "90"),
            share("C-1", "2026-01-01", "Y", "40"),
            share("C-1", "2026-01-01", "Z", "60"),
        ],
    )

    assert counts(report) == (0, 3, 0, 0)
    assert FeeTerm.objects.get().monthly_fee == 90
    shares = CostSplit.objects.get().shares.all()
    assert [(s.cost_centre.code, s.percent) for s in shares] == [("Y", 40), ("Z", 60)]
    assert stored(desk).version == before + 1
    assert [str(note) for note in report.notes] == [
        "line 2: C-1, fee from 2026-01-01: Amount “100.0000” → “90.0000”",
        "line 3: C-1, cost split from 2026-01-01 changes",
    ]


def test_every_error_of_every_line_is_told(bring_in, desk, ada, centres):
    centres[2].is_open = False
    centres[2].save()

    report = bring_in(
        "terms",
        [
            fee("X-9", "2026-07-01", "ten"),
            fee("A-1", "2026-07-01", "5", Currency="EUR", Per="day"),
            fee("C-1", "2026-08-01", ""),
            fee("C-1", "2026-09-01", "-5"),
            fee("C-1", "2026-10-01", "5"),
            fee("C-1", "2026-10-01", "6"),
            {"Engagement": "C-1", "Term": "bonus"},
        ],
    )

    assert told(report) == [
        (2, "amount", "is no amount that can be read"),
        (2, "engagement", "is no recorded engagement"),
        (3, "unit", "means nothing on a fee"),
        (3, "term", "is of managed services; A-1 is of augmented contractors"),
        (3, "currency", "differs from the engagement's (GBP)"),
        (4, "amount", "is blank on a fee"),
        (5, "amount", "is negative"),
        (7, "starts_on", "is that of line 6 again"),
        (8, "term", "is no word for this"),
        (8, "starts_on", "is blank, and a new record needs it"),
    ]
    assert FeeTerm.objects.count() == 1


def test_split_holds_only_as_a_whole(bring_in, desk, ada, centres):
    report = bring_in(
        "terms",
        [
            share("C-1", "2026-07-01", "X", "50"),
            share("C-1", "2026-07-01", "Y", "40"),
            share("C-1", "2026-08-01", "X", "50"),
            share("C-1", "2026-08-01", "Q", "50"),
            share("A-1", "2026-08-01", "X", "50"),
            share("A-1", "2026-08-01", "X", "50"),
            share("A-1", "2026-09-01", "Y", "100"),
        ],
        is_per_line=True,
    )

    assert told(report) == [
        (
            2,
            "percent",
            "makes 90 with the lines of the same engagement and day (2, 3)",
        ),
        (
            3,
            "percent",
            "makes 90 with the lines of the same engagement and day (2, 3)",
        ),
        (4, "line", "belongs to a cost split that is refused with line 5"),
        (5, "cost_centre", "is no recorded cost centre"),
        (6, "line", "belongs to a cost split that is refused with line 7"),
        (7, "starts_on", "is that of line 6 again"),
    ]
    assert counts(report) == (1, 0, 0, 6)
    assert CostSplit.objects.get().starts_on == date(2026, 9, 1)


def test_closed_cost_centre_takes_no_new_share(bring_in, desk, centres):
    centres[0].is_open = False
    centres[0].save()

    report = bring_in("terms", [share("C-1", "2026-07-01", "X", "100")])

    assert told(report) == [(2, "cost_centre", "is closed for new splits")]


@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
def test_export_changes_nothing_when_it_comes_back(
    bring_in, desk, ada, centres, file_format
):
    bring_in(
        "terms",
        [
            fee("C-1", "2026-07-01", "120.1234"),
            share("C-1", "2026-07-01", "X", "0.0001"),
            share("C-1", "2026-07-01", "Y", "99.9999"),
        ],
    )

    content = export("terms", [desk, ada], make_user(Role.ADMINISTRATOR), file_format)
    report = bring_in("terms", content, file_format=file_format)

    assert (told(report), counts(report)) == ([], (0, 0, 5, 0))


def test_export_holds_terms_whose_money_the_user_sees(desk, ada):
    both = make_user(Role.MANAGER, Role.HR_INTEGRATION)
    desk.manager = both
    desk.save()

    rows = exported_rows(export("terms", [desk, ada], both))

    assert [(row["Engagement"], row["Term"], row["Amount"]) for row in rows] == [
        ("C-1", "fee", "100.00")
    ]


def test_references_are_looked_up_at_once(bring_in, desk, django_assert_num_queries):
    def unchanged(count):
        rows = [fee("C-1", f"2027-01-{n + 1:02}", "5") for n in range(count)]
        bring_in("terms", rows)
        # Engagements twice, cost centres twice, fees, rates and splits; a savepoint
        # opened, rolled back and released.
        with django_assert_num_queries(10):
            report = bring_in("terms", rows, is_dry_run=True)
        assert report.already_recorded == count

    unchanged(1)
    unchanged(30)

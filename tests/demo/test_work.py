from datetime import date
from decimal import Decimal

from tracker.demo.stories import Shape, Work
from tracker.demo.work import Stint, stints
from tracker.spend.models import Activity

JUNE = (date(2026, 6, 1), date(2026, 6, 30))
SKILLS = (("Testing", 60), ("Reporting", 40))


def month_of_work(work: Work, *, title: str = "Testing", month: int = 6) -> list[Stint]:
    last = {5: 31, 6: 30, 8: 31}[month]
    return list(
        stints(
            work,
            title=title,
            country="GB",
            first=date(2026, month, 1),
            last=date(2026, month, last),
        )
    )


def test_stints_are_the_same_for_the_same_story() -> None:
    work = Work(skills=SKILLS, client_directed=0.5, core=0.5, teaching=0.3)

    assert month_of_work(work) == month_of_work(work)


def test_stints_of_another_story_differ() -> None:
    work = Work(skills=SKILLS, client_directed=0.5, core=0.5, teaching=0.3)

    assert month_of_work(work) != month_of_work(work, title="Other testing")


def test_stints_leave_what_nobody_records_unknown() -> None:
    told = month_of_work(Work())

    assert {
        (one.skill, one.assigned_by, one.is_core, one.is_out_of_hours) for one in told
    } == {(None, "", None, None)}


def test_stints_keep_public_holidays_and_weekends_free() -> None:
    days = {one.day for one in month_of_work(Work(), month=5)}

    # 2026: early May bank holiday on the 4th, spring bank holiday on the 25th.
    assert not days & {date(2026, 5, 4), date(2026, 5, 25)}
    assert max(day.weekday() for day in days) == 4


def test_stints_take_leave_in_august() -> None:
    days = {one.day.day for one in month_of_work(Work(), month=8)}

    assert not days & set(range(8, 20))


def test_rota_of_a_team_covers_every_day_in_two_lines() -> None:
    told = month_of_work(Work(skills=SKILLS, hours=24, shape=Shape.ROTA))

    assert len(told) == 60
    assert {one.hours for one in told} == {Decimal(12)}


def test_rota_of_a_person_takes_five_days_of_seven() -> None:
    work = Work(skills=SKILLS, hours=8, shape=Shape.ROTA, people=("A", "B"))

    told = month_of_work(work)

    days = {
        person: {one.day for one in told if one.person == person} for person in "AB"
    }
    assert days["A"] != days["B"]
    assert {len(found) for found in days.values()} <= {20, 21, 22}


def test_rota_counts_every_weekend_as_out_of_hours() -> None:
    told = month_of_work(Work(hours=24, shape=Shape.ROTA, out_of_hours=0.3))

    weekend = {one.is_out_of_hours for one in told if one.day.weekday() >= 5}
    assert weekend == {True}


def test_swinging_work_is_bought_as_needed() -> None:
    work = Work(shape=Shape.SWINGS)

    counts = {len(month_of_work(work, month=month)) for month in (5, 6, 8)}

    assert len(counts) == 3


def test_advice_is_spread_over_the_quarter() -> None:
    work = Work(skills=SKILLS, advice_per_quarter=2)

    advice = [
        sum(one.activity == Activity.ADVISORY for one in month_of_work(work, month=m))
        for m in (5, 6, 8)
    ]

    # April and May, July and August carry one each; June and September none.
    assert advice == [1, 0, 1]

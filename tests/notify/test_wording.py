from datetime import date

import pytest

from tracker.notify.due import DeadlineKind
from tracker.notify.wording import Line, sections, subject

TODAY = date(2026, 11, 22)
NOTICE, TERM_END = DeadlineKind.NOTICE, DeadlineKind.TERM_END


def line(
    kind: DeadlineKind, falls_on: date, *, owner: str = "", number: int = 1
) -> Line:
    return Line(
        kind=kind,
        falls_on=falls_on,
        days_left=(falls_on - TODAY).days,
        reference=f"E-{number}",
        title="Service desk",
        vendor="Vendor Ltd",
        outcome="",
        owner=owner,
    )


NOV_30, DEC_20, JAN_15 = date(2026, 11, 30), date(2026, 12, 20), date(2027, 1, 15)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (
            [line(NOTICE, DEC_20), line(NOTICE, NOV_30), line(NOTICE, NOV_30)],
            "3 notice deadlines within 30 days, the first on 30 Nov",
        ),
        ([line(NOTICE, TODAY)], "1 notice deadline within 7 days, on 22 Nov"),
        ([line(TERM_END, JAN_15)], "1 term end within 60 days, on 15 Jan 2027"),
        (
            [line(TERM_END, JAN_15), line(TERM_END, JAN_15), line(NOTICE, NOV_30)],
            "1 notice deadline within 30 days, on 30 Nov, and 2 term ends",
        ),
        (
            [line(NOTICE, NOV_30, owner="Ada")],
            "Unanswered: 1 notice deadline within 30 days, on 30 Nov",
        ),
    ],
)
def test_subject_says_status_and_figure(lines, expected):
    assert subject(lines, TODAY) == expected


def test_sections_order_by_date_and_set_the_unanswered_apart():
    found = sections(
        [
            line(TERM_END, JAN_15, number=1),
            line(NOTICE, NOV_30, owner="Ada", number=2),
            line(NOTICE, DEC_20, number=3),
            line(NOTICE, NOV_30, number=4),
        ]
    )

    assert [
        (section.title, [each.reference for each in section.lines]) for section in found
    ] == [
        ("Notice deadlines", ["E-4", "E-3"]),
        ("Term ends", ["E-1"]),
        ("Unanswered by their owner", ["E-2"]),
    ]


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (TODAY, "today"),
        (date(2026, 11, 23), "1 day left"),
        (date(2026, 11, 24), "2 days left"),
    ],
)
def test_line_says_the_days_left(day, expected):
    assert line(NOTICE, day).left == expected

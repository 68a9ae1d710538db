"""Conversions of several into one and of one into several, and what they save."""

from datetime import date
from decimal import Decimal
from uuid import uuid4

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.utils import timezone

from engagements.choices import EndReason, Role, Status
from engagements.models import Engagement
from tests.factories import make_department, make_user, make_vendor
from tests.fit.records import (
    TODAY,
    make_service,
    plant_spend,
    plant_work,
    running_assignment,
    running_contract,
)
from tests.spend.bills import bill_lines, credit_note, fee
from tracker.fit.conversions import (
    Converted,
    Hidden,
    conversions,
    groups_converted,
)
from tracker.fit.models import Assessment, Flag
from tracker.fit.services import accept_flag, assess, thin_assessments
from tracker.spend.models import Saving, SavingKind, SavingStatus
from tracker.spend.services import (
    bring_savings_up,
    claim_saving,
    withdraw_saving,
)

pytestmark = pytest.mark.django_db

SINCE = date(2026, 12, 1)
LATER = date(2027, 4, 10)
PRICE = Decimal(9_000)


@pytest.fixture
def vendor():
    return make_vendor()


def hired(vendor, *, price=PRICE, service="Payroll platform", **fields):
    """Return a contractor's assignment of a year of work and bills."""
    one = running_assignment(
        vendor=vendor, service=make_service(service), title="By the hour", **fields
    )
    plant_work(one, ours=0.1)
    plant_spend(one, amount=price, months=12, until=date(2026, 10, 15))
    return one


def run_as_a_service(vendor, before, *, starts_on=SINCE, **fields):
    after = running_contract(
        vendor=vendor,
        service=make_service("Payroll platform"),
        title="As a service",
        starts_on=starts_on,
        **fields,
    )
    link(before, after)
    return after


def link(before, after):
    Engagement.objects.filter(pk=after.pk).update(predecessor=before)


def end(engagement, reason, on=date(2026, 11, 30)):
    Engagement.objects.filter(pk=engagement.pk).update(
        status=Status.ENDED, ends_on=on, end_reason=reason
    )


def told() -> list[Converted]:
    with time_machine.travel(f"{LATER}T09:00Z", tick=False):
        return conversions(make_user(Role.FINANCE))


def only() -> Converted:
    (one,) = told()
    return one


def brought_up() -> list[tuple[str, Decimal, Decimal]]:
    with time_machine.travel(f"{LATER}T09:00Z", tick=False):
        bring_savings_up()
    rows = Saving.objects.with_realised().filter(kind=SavingKind.CONVERSION)
    return [(one.status, one.claimed_amount, one.realised) for one in rows]


def money_of(engagement, as_of=TODAY):
    return Assessment.objects.get(engagement=engagement, as_of=as_of).money


def cheapened(one, amount="100"):
    """Let the prediction of the day be a saving of so much a month, give or take."""
    for assessment in Assessment.objects.filter(engagement=one, as_of=TODAY):
        assessment.money["saving"] = {"p10": "-50", "p50": amount, "p90": "300"}
        assessment.save(update_fields=["money"])


def converted(vendor, count=1, *, reason=EndReason.CONVERTED, amount=Decimal(20_000)):
    """Three whole months of a service that `count` contractors were converted into."""
    people = [hired(vendor) for _number in range(count)]
    assess(as_of=TODAY, actor=None)
    for one in people:
        cheapened(one)
    after = run_as_a_service(vendor, people[0])
    end(people[0], EndReason.CONVERTED)
    for one in people[1:]:
        end(one, reason)
    plant_spend(after, amount=amount, months=4, until=date(2027, 3, 15))
    assess(as_of=LATER, actor=None)
    return people, after


def test_several_converted_into_one_are_one_line(vendor):
    people, after = converted(vendor, 3)

    found = only()

    assert (len(found.before), len(found.after)) == (3, 1)
    assert found.outcome.predicted == (-150, 300, 900)
    cost = sum(Decimal(money_of(one)["present"]["p50"]) for one in people)
    now = Decimal(money_of(after, LATER)["present"]["p50"])
    assert found.outcome.realised == cost - now
    assert list(found.outcome.months) == [
        date(2026, 12, 1),
        *(date(2027, month, 1) for month in (1, 2, 3)),
    ]


def test_what_runs_on_beside_the_successor_is_no_saving_yet(vendor):
    people, _after = converted(vendor, 2)
    with_one_left = only().outcome.months[SINCE]

    plant_spend(people[1], amount=Decimal(4_000), months=1, until=date(2026, 12, 15))

    assert only().outcome.months[SINCE] == with_one_left - 4_000


def test_one_that_ended_for_no_told_reason_hides_what_came_of_it(vendor):
    people, _after = converted(vendor, 2, reason="")

    found = only()
    assert (found.outcome.hidden, found.untold) == (Hidden.UNTOLD_ENDS, 1)
    assert (found.outcome.realised, found.outcome.predicted) == (None, (-50, 100, 300))
    assert brought_up() == [(SavingStatus.CLAIMED, 1200, 0)]

    end(people[1], EndReason.CONVERTED)
    assert only().outcome.predicted == (-100, 200, 600)
    ((_status, claimed, realised),) = brought_up()
    assert (claimed, realised) == (2400, sum(only().outcome.months.values()))


@pytest.mark.parametrize(
    "fields",
    [
        {"end_reason": EndReason.LEFT},
        {"ends_on": date(2026, 5, 31), "end_reason": EndReason.CONVERTED},
    ],
)
def test_others_that_left_or_ended_long_before_have_no_part_in_it(vendor, fields):
    people, _after = converted(vendor, 2)
    Engagement.objects.filter(pk=people[1].pk).update(**fields)

    found = only()

    assert (len(found.before), found.untold) == (1, 0)


def test_another_service_or_vendor_has_no_part_in_it(vendor):
    for one in (hired(vendor, service="Tills"), hired(make_vendor())):
        end(one, EndReason.CONVERTED)
    converted(vendor)

    assert len(only().before) == 1


def test_one_converted_into_several_is_one_line(vendor):
    service = make_service("Payroll platform")
    before = running_contract(vendor=vendor, service=service, title="As a service")
    plant_spend(before, amount=PRICE, months=12, until=date(2026, 10, 15))
    assess(as_of=TODAY, actor=None)
    cheapened(before)
    people = [
        running_assignment(vendor=vendor, service=service, starts_on=day)
        for day in (SINCE, date(2026, 12, 15))
    ]
    link(before, people[0])
    end(before, EndReason.CONVERTED)
    for one in people:
        plant_spend(one, amount=Decimal(4_000), months=4, until=date(2027, 3, 15))
    assess(as_of=LATER, actor=None)

    found = only()

    assert (len(found.before), len(found.after)) == (1, 2)
    costs = [Decimal(money_of(one, LATER)["present"]["p50"]) for one in people]
    spared = Decimal(money_of(before)["present"]["p50"]) - sum(costs)
    assert found.outcome.realised == spared
    assert len(brought_up()) == 1


def test_two_converted_within_a_quarter_are_claimed_once(vendor):
    people, after = converted(vendor, 2)
    alone = {group.successor.pk for group in groups_converted()}
    assert brought_up()[0][1] == 2400

    other = run_as_a_service(vendor, people[1], starts_on=date(2027, 1, 1))
    plant_spend(other, amount=Decimal(500), months=3, until=date(2027, 3, 15))
    Assessment.objects.filter(as_of=LATER).delete()
    assess(as_of=LATER, actor=None)

    (group,) = groups_converted()
    assert {group.successor.pk} == alone == {after.pk}
    assert (len(group.before), len(group.after)) == (2, 2)
    assert [claimed for _status, claimed, _realised in brought_up()] == [2400]


def test_saving_is_claimed_for_a_year_and_realised_by_the_ledger(vendor):
    people, after = converted(vendor)

    ((status, claimed, realised),) = brought_up()
    again = brought_up()

    found = only()
    assert (found.claimed, found.saved) == (claimed, realised)
    assert claimed == 100 * 12
    assert realised == sum(found.outcome.months.values())
    assert again == [(status, claimed, realised)]
    saving = Saving.objects.get()
    assert (saving.source_key, saving.engagement_id) == (
        f"conversion:{after.pk}",
        after.pk,
    )
    assert (saving.claimed_on, saving.until) == (SINCE, date(2027, 11, 30))
    assert people[0].reference in saving.title


def test_claim_names_nobody_of_another_department(vendor):
    people, after = converted(vendor, 5)
    other = make_department()
    Engagement.objects.filter(pk=people[0].pk).update(department=other)

    brought_up()

    named = ", ".join(one.reference for one in people[1:4])
    assert Saving.objects.get().title == (
        f"Conversion of {named}, 2 more into {after.reference}"
    )


def test_months_that_cost_more_are_told_as_they_are(vendor):
    converted(vendor, amount=Decimal(12_000))

    ((status, _claimed, realised),) = brought_up()

    assert status == SavingStatus.CLAIMED
    assert realised < 0


def test_bill_credited_in_full_takes_its_month_back(vendor):
    _people, after = converted(vendor, amount=Decimal(1_000))
    bill = bill_lines(fee(after, "1000", date(2027, 3, 1)))
    before = brought_up()[0]
    march = only().outcome.months[date(2027, 3, 1)]

    credit_note(bill, "-1000")
    assert only().outcome.months[date(2027, 3, 1)] == march + 1000

    # What else was posted of March is taken back too: March costs nothing by now.
    plant_spend(after, amount=Decimal(-1_000), months=1, until=date(2027, 3, 15))
    assert before[0] == SavingStatus.REALISED
    assert brought_up()[0][2] == before[2] - march
    assert date(2027, 3, 1) not in only().outcome.months


def test_saving_that_is_no_longer_whole_is_claimed_again(vendor):
    _people, after = converted(vendor, amount=Decimal(1_000))
    assert brought_up()[0][0] == SavingStatus.REALISED

    plant_spend(after, amount=Decimal(99_000), months=1, until=date(2027, 3, 15))

    assert brought_up()[0][0] == SavingStatus.CLAIMED


def test_who_decided_on_the_flag_owns_the_claim(vendor):
    people, _after = converted(vendor)
    manager = make_user(Role.MANAGER, first_name="Mia", last_name="Grant")
    flag, _is_new = Flag.objects.get_or_create(
        engagement=people[0],
        defaults={"raised_on": TODAY, "opposition": 0.9, "leaning": "managed"},
    )
    Flag.objects.filter(pk=flag.pk).update(state="open")
    accept_flag(flag=flag, actor=manager)
    Flag.objects.filter(pk=flag.pk).update(state="converted")

    brought_up()

    saving = Saving.objects.get()
    assert saving.owner == manager
    assert str(manager) in saving.note


def test_what_a_person_withdrew_stays_withdrawn(vendor):
    converted(vendor)
    brought_up()
    finance = make_user(Role.FINANCE)
    withdraw_saving(saving=Saving.objects.get(), reason="Not ours", actor=finance)

    ((status, _claimed, _realised),) = brought_up()

    assert status == SavingStatus.WITHDRAWN
    assert only().claimed is None


def test_conversion_is_claimed_once_whoever_claims_it(vendor):
    _people, after = converted(vendor)
    brought_up()

    with pytest.raises(ValidationError, match="claimed already"):
        claim_saving(
            saving=Saving(
                kind=SavingKind.CONVERSION,
                title="By hand",
                engagement_id=after.pk,
                claimed_amount=Decimal(1),
                claimed_on=SINCE,
            ),
            actor=None,
        )


def test_claim_by_a_person_is_not_made_again_by_records(vendor):
    _people, after = converted(vendor)
    claim_saving(
        saving=Saving(
            kind=SavingKind.CONVERSION,
            title="By hand",
            engagement_id=after.pk,
            claimed_amount=Decimal(1),
            claimed_on=SINCE,
        ),
        actor=None,
    )

    assert [claimed for _status, claimed, _realised in brought_up()] == [1]


def test_what_was_to_save_nothing_is_not_claimed(vendor):
    people, _after = converted(vendor)
    cheapened(people[0], "-20")

    assert brought_up() == []
    assert only().outcome.predicted == (-50, -20, 300)
    assert only().outcome.realised is not None


def test_without_money_before_nothing_is_told(vendor):
    people, _after = converted(vendor)
    Assessment.objects.filter(engagement=people[0]).update(money=None)

    assert (only().outcome.hidden, only().outcome.predicted) == (
        Hidden.NOT_ASSESSED,
        None,
    )


def test_different_currencies_are_not_compared(vendor):
    _people, after = converted(vendor)
    Engagement.objects.filter(pk=after.pk).update(currency="EUR")

    assert only().outcome.hidden == Hidden.CURRENCIES


def test_what_was_predicted_is_kept_when_assessments_are_thinned(vendor):
    people, _after = converted(vendor)
    later = Assessment.objects.get(engagement=people[0], as_of=TODAY)
    later.pk, later.public_id = None, uuid4()
    later.as_of = date(2026, 11, 28)
    later.money = {**later.money, "saving": {"p10": "0", "p50": "7", "p90": "9"}}
    later.save()
    Engagement.objects.filter(pk__in=[one.pk for one in people]).update(
        ends_on=date(2026, 11, 20)
    )
    predicted = only().outcome.predicted

    thin_assessments(today=date(2027, 6, 1))

    assert only().outcome.predicted == predicted == (-50, 100, 300)


@pytest.mark.parametrize("count", [1, 3])
def test_conversions_are_read_in_a_fixed_number_of_queries(
    vendor, count, django_assert_num_queries
):
    for _number in range(count):
        converted(make_vendor())
    user = make_user(Role.FINANCE)
    with (
        time_machine.travel(f"{LATER}T09:00Z", tick=False),
        django_assert_num_queries(8),
    ):
        found = conversions(user)
    assert len(found) == count
    assert timezone.localdate() != LATER

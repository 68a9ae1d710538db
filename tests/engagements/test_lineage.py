"""What came before an engagement and what followed, whoever asks."""

import pytest
from django.core.exceptions import ValidationError

from engagements.choices import Role
from engagements.models import Engagement
from engagements.queries import lineage, lineage_ids
from engagements.services.engagements import change_engagement
from tests.factories import make_contract, make_department, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def finance():
    return make_user(Role.FINANCE)


def line_of(length: int, **fields) -> list[Engagement]:
    found: list[Engagement] = []
    for _number in range(length):
        before = Engagement.objects.get(pk=found[-1].pk) if found else None
        found.append(make_contract(predecessor=before, **fields))
    return found


def told(engagement, user) -> list[str | None]:
    links = lineage(engagement, user)
    return [link.engagement.reference if link.engagement else None for link in links]


def test_line_is_told_in_order_from_wherever_one_asks(finance):
    line = line_of(4)
    make_contract()

    for position, engagement in enumerate(line):
        links = lineage(engagement, finance)
        assert [link.engagement.pk for link in links] == [one.pk for one in line]
        assert [link.is_asked_for for link in links].index(True) == position


@pytest.mark.parametrize("length", [1, 2, 30])
def test_line_of_any_length_takes_the_same_queries(
    finance, length, django_assert_num_queries
):
    line = line_of(length)
    told(line[0], finance)

    with django_assert_num_queries(1 if length == 1 else 2):
        assert len(lineage(line[length // 2], finance)) == length


def test_engagements_out_of_scope_are_counted_not_named():
    own = make_department()
    manager = make_user(Role.MANAGER, department=own)
    _first, second, _third = line_of(3, department=make_department())
    Engagement.objects.filter(pk=second.pk).update(department=own)

    assert told(second, manager) == [None, second.reference, None]


def test_predecessor_that_comes_later_is_refused():
    first, _second, third = line_of(3)
    first.predecessor = Engagement.objects.get(pk=third.pk)

    with pytest.raises(ValidationError) as caught:
        change_engagement(engagement=first, actor=None)

    assert caught.value.message_dict == {
        "predecessor": ["It comes after this engagement, so it can't come before it."]
    }


def test_circle_made_by_raw_sql_is_told_once_and_ends(finance):
    line = line_of(3)
    Engagement.objects.filter(pk=line[0].pk).update(predecessor=line[2].pk)

    before, after = lineage_ids(line[1].pk)

    assert sorted([*before, line[1].pk, *after]) == sorted(one.pk for one in line)
    assert len(lineage(line[1], finance)) == 3

"""Many keys as one value, on both databases."""

import pytest

from engagements.models import Department
from engagements.models.among import Among
from tests.factories import make_department

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("count", [0, 1, 3])
def test_rows_of_the_keys_are_kept_by_one_parameter(count):
    departments = [make_department() for _ in range(4)]
    keys = [department.pk for department in departments[:count]]

    found = Department.objects.filter(Among("id", keys)).order_by("id")

    assert list(found) == departments[:count]
    _sql, parameters = found.query.sql_with_params()
    assert len(parameters) == 1


def test_rows_of_more_keys_than_a_statement_has_parameters_are_kept():
    department = make_department()

    found = Department.objects.filter(Among("parent_id", range(300_000)))

    assert list(found) == []
    assert list(Department.objects.filter(Among("id", range(300_000)))) == [department]

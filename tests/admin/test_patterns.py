"""Patterns on the pages of assessments and flags, and what is behind them."""

from django.test import Client
from django.urls import reverse

from engagements.models import Engagement, User
from tests.factories import make_department, make_vendor
from tests.fit.records import TODAY, make_service, plant_work, running_assignment
from tracker.fit.models import Assessment
from tracker.fit.services import assess


def team(manager: User, **others: object) -> list[Engagement]:
    vendor, service = make_vendor(), make_service("Payroll")
    members: list[Engagement] = []
    for number in range(3):
        fields = others if number == 2 else {"department": manager.department}
        one = running_assignment(vendor=vendor, service=service, **fields)
        plant_work(one, ours=0.3, monthly_hours=(60, 160, 20, 150))
        members.append(one)
    return members


def page_of(client: Client, engagement: Engagement) -> str:
    assess(as_of=TODAY, actor=None)
    assessment = Assessment.objects.get(engagement=engagement.pk, as_of=TODAY)
    address = reverse("admin:tracker_assessment_change", args=[assessment.pk])
    return client.get(address).content.decode()


def test_assessment_shows_a_pattern_with_what_is_behind(
    client: Client, manager: User
) -> None:
    first, second, third = team(manager, department=manager.department)
    page = page_of(client, first)
    assert "A managed service in all but name" in page
    assert "3 contractors of one vendor work for one service" in page
    assert second.reference in page
    assert third.reference in page


def test_assessment_hides_what_its_reader_may_not_see(
    client: Client, manager: User
) -> None:
    first, second, third = team(manager, department=make_department())
    page = page_of(client, first)
    assert second.reference in page
    assert third.reference not in page
    assert "<li>one that you may not see</li>" in page


def test_assessment_without_patterns_has_no_card(client: Client, manager: User) -> None:
    alone = running_assignment(department=manager.department)
    assert "<h2>Patterns</h2>" not in page_of(client, alone)

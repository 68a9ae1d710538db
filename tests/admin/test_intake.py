"""Which model should this be? Asked, answered, logged, and compared."""

from datetime import date
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from engagements.choices import Role
from engagements.models import Assignment, Engagement, ManagedContract, Service
from tests.admin.conftest import logged_in
from tests.admin.forms import fields_on
from tests.admin.test_scope import CANARY, make_assessment
from tests.factories import make_contract, make_department, make_user
from tracker.fit.models import Advice
from tracker.fit.questions import QUESTIONS
from tracker.fit.services import Planned, give_advice, keep_advice

ASK = "/admin/tracker/advice/add/"
LIST = "/admin/tracker/advice/"
ANSWERS = {f"answer_{q.code}": q.choices[0].code for q in QUESTIONS}


def ask(client: Client, **typed: Any) -> Any:
    return client.post(ASK, {"title": "Night desk", **ANSWERS, **typed})


def advised(actor: Any, title: str = "Night desk", **planned: Any) -> Advice:
    answers = {q.code: q.choices[0].code for q in QUESTIONS}
    given = {"title": title, "currency": "GBP", "answers": answers}
    return give_advice(planned=Planned(**given | planned), actor=actor)


def page_of(advice: Advice) -> str:
    return reverse("admin:tracker_advice_change", args=[advice.pk])


def add_page(model: str, advice: Advice) -> str:
    return reverse(f"admin:engagements_{model}_add") + f"?advice={advice.public_id}"


@pytest.fixture
def stranger(db: None) -> Any:
    return make_user(
        Role.MANAGER,
        username=CANARY,
        first_name=CANARY,
        department=make_department(name=f"{CANARY} department"),
    )


def test_page_asks_five_questions_in_plain_words(client):
    page = client.get(ASK).content.decode()

    for question in QUESTIONS:
        assert question.text in page
        for choice in question.all_choices:
            assert f'value="{choice.code}"' in page


def test_answer_tells_verdict_share_points_missing_and_money(client, manager):
    answer = ask(client, weekly_hours="37.5", rate="600", months="12")

    advice = Advice.objects.get()
    assert answer.url == page_of(advice)
    assert (advice.asked_by, advice.verdict) == (manager, "managed_fits")
    page = client.get(answer.url).content.decode()
    for text in (
        "A managed service would fit much better",
        "It is not the probability of being right",
        "What speaks for which model",
        "Not known, most telling first",
        "Work on core systems",
        "What would change it",
        "Managed less augmented",
        "Over all 12 months",
        "Vendors&#x27; published claims",
        "Log it as managed service",
        "Log it as augmented contractor",
    ):
        assert text in page, text


def test_i_dont_know_is_an_answer(client):
    unknown = dict.fromkeys(ANSWERS, "unknown")

    page = client.get(ask(client, **unknown).url).content.decode()

    assert Advice.objects.get().verdict == "not_enough_evidence"
    assert "Answer more of the questions" in page
    assert "Not enough evidence: less than 1 % of it is known." in page
    # Only what runs already has performed.
    assert "Performance so far" not in page
    assert "No price is known" in page


def test_percentages_are_typed_as_such(client):
    ask(client, fact_core_work="20")

    (fact,) = (p for p in Advice.objects.get().points if p["code"] == "core_work")
    assert fact["value"] == "20 %"


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"title": ""}, "title"),
        ({"answer_skills": "shallow"}, "answer_skills"),
        ({"fact_core_work": "120"}, "fact_core_work"),
        ({"fact_in_house_team": "7"}, "fact_in_house_team"),
        ({"currency": "XXQ"}, "currency"),
        ({"rate": "-1"}, "rate"),
        ({"rate": "1e400"}, "rate"),
        ({"months": "0"}, "months"),
        ({"weekly_hours": "NaN"}, "weekly_hours"),
        ({"service": "999999999999999999999"}, "service"),
        ({"starts_on": "0000-13-01"}, "starts_on"),
    ],
)
def test_what_cannot_be_is_refused_beside_its_field(client, typed, field):
    answer = ask(client, **typed)

    assert answer.status_code == 200
    assert set(answer.context["form"].errors) == {field}
    assert not Advice.objects.exists()


def test_a_service_out_of_scope_is_neither_offered_nor_taken(client, stranger):
    service = Service.objects.create(
        name=f"{CANARY} service", department=stranger.department
    )

    assert CANARY not in client.get(ASK).content.decode()
    answer = ask(client, service=service.pk)
    assert set(answer.context["form"].errors) == {"service"}


def post_draft(client: Client, url: str, vendor: Any, **typed: Any) -> Any:
    return client.post(url, fields_on(client, url) | {"vendor": vendor.pk, **typed})


@time_machine.travel("2026-11-15 12:00")
def test_managed_draft_is_filled_in_and_keeps_the_advice(
    client, manager, vendor, department, cost_centre
):
    service = Service.objects.create(name="Desk", department=department)
    advice = advised(
        manager, service=service, starts_on=date(2027, 1, 31), months=13, fee=9000
    )
    url = add_page("managedcontract", advice)

    fields = fields_on(client, url)
    assert {n: fields[n] for n in ("title", "service", "starts_on", "ends_on")} == {
        "title": "Night desk",
        "service": str(service.pk),
        "starts_on": "31/01/2027",
        "ends_on": "28/02/2028",
    }
    assert (fields["monthly_fee"], fields["currency"]) == ("9000.00", "GBP")
    assert post_draft(client, url, vendor).status_code == 302

    contract = ManagedContract.objects.get()
    advice.refresh_from_db()
    assert advice.engagement_id == contract.pk
    page = client.get(
        reverse("admin:engagements_managedcontract_change", args=[contract.pk])
    ).content.decode()
    assert "Advice and outcome" in page
    assert "Followed" in page
    assert "not judged yet" in page


def test_going_against_the_advice_is_allowed_and_told(client, manager, vendor):
    advice = advised(manager, weekly_hours=30, rate=600)
    url = add_page("assignment", advice)

    page = client.get(url).content.decode()
    assert "against the advice" in page
    assert fields_on(client, url)["planned_weekly_hours"] == "30"
    assert post_draft(client, url, vendor).status_code == 302

    assignment = Assignment.objects.get()
    assert Advice.objects.get().engagement_id == assignment.pk
    page = client.get(page_of(advice)).content.decode()
    assert "Not followed" in page
    assert "Log it as" not in page


def test_hours_of_several_people_are_not_one_persons(client, manager):
    advice = advised(manager, weekly_hours=112)

    fields = fields_on(client, add_page("assignment", advice))
    assert fields["planned_weekly_hours"] == "37.5"


def test_panel_sets_the_latest_assessment_beside(client, manager, department):
    contract = make_contract(manager=manager, department=department)
    keep_advice(advice=advised(manager), engagement=contract, actor=manager)
    assessment = make_assessment(contract)
    assessment.verdict = "current_model_fits"
    assessment.save()

    page = client.get(
        reverse("admin:engagements_managedcontract_change", args=[contract.pk])
    ).content.decode()
    assert "The records since bear the advice out." in page


@pytest.mark.parametrize("key", ["", "1", "x" * 40, "\x00", "{}"])
def test_what_is_no_advice_begins_nothing(client, key):
    page = client.get(reverse("admin:engagements_managedcontract_add"), {"advice": key})
    assert page.status_code == 200
    assert list(page.context["beginnings"]) == []


def test_another_ones_advice_neither_fills_in_nor_is_kept(client, stranger, vendor):
    advice = advised(stranger, f"{CANARY} desk")
    url = add_page("managedcontract", advice)

    assert CANARY not in client.get(url).content.decode()
    assert post_draft(client, url, vendor, title="Mine").status_code == 302
    assert ManagedContract.objects.get().title == "Mine"
    advice.refresh_from_db()
    assert advice.engagement is None


def test_a_service_that_left_ones_scope_is_not_filled_in(client, manager, stranger):
    service = Service.objects.create(name=CANARY, department=manager.department)
    advice = advised(manager, service=service)
    service.department = stranger.department
    service.save()

    assert CANARY not in client.get(page_of(advice)).content.decode()
    fields = fields_on(client, add_page("managedcontract", advice))
    assert fields.get("service", "") == ""


def test_advice_kept_already_is_not_kept_again(client, manager, vendor):
    advice = advised(manager)
    url = add_page("managedcontract", advice)
    first = make_contract(manager=manager)
    typed = fields_on(client, url) | {"vendor": vendor.pk}
    keep_advice(advice=advice, engagement=first, actor=manager)

    answer = client.post(url, typed, follow=True)

    assert Advice.objects.get().engagement_id == first.pk
    assert Engagement.objects.count() == 2
    told = [str(message) for message in answer.context["messages"]]
    assert any("kept with another engagement already" in text for text in told)


def test_list_and_pages_show_ones_own_and_those_in_scope(
    client, manager, stranger, department
):
    hidden = advised(stranger, f"{CANARY} hidden")
    shared = advised(stranger, "Shared")
    contract = make_contract(department=department)
    keep_advice(advice=shared, engagement=contract, actor=stranger)
    advised(manager, "Own")

    rows = client.get(LIST).context["cl"].queryset
    assert {row.title for row in rows} == {"Shared", "Own"}
    assert client.get(page_of(shared)).status_code == 200
    # As the admin answers for what is not there.
    assert client.get(page_of(hidden)).status_code == 302
    assert client.get(LIST, {"q": CANARY}).context["cl"].result_count == 0


def test_an_engagement_out_of_scope_is_not_named_on_ones_advice(
    client, manager, stranger
):
    contract = make_contract(title=f"{CANARY} desk", department=stranger.department)
    advice = advised(manager)
    keep_advice(advice=advice, engagement=contract, actor=manager)

    assert CANARY not in client.get(LIST).content.decode()
    assert CANARY not in client.get(page_of(advice)).content.decode()


def titles(client: Client, followed: str) -> set[str]:
    rows = client.get(LIST, {"followed": followed}).context["cl"].queryset
    return {row.title for row in rows}


def test_list_filters_by_what_followed(client, manager, department):
    kinds = {"Followed": "managed_fits", "Against": "augmented_fits", "Open": "mixed"}
    for title, verdict in kinds.items():
        advice = advised(manager, title)
        Advice.objects.filter(pk=advice.pk).update(verdict=verdict)
        contract = make_contract(department=department)
        keep_advice(advice=advice, engagement=contract, actor=manager)
    advised(manager, "Idea")

    assert titles(client, "followed") == {"Followed"}
    assert titles(client, "not_followed") == {"Against"}
    assert titles(client, "left_open") == {"Open"}
    assert titles(client, "no_draft") == {"Idea"}
    assert titles(client, "nonsense") == {*kinds, "Idea"}


def test_list_reads_a_fixed_number_of_times(client, manager, department):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            client.get(LIST)
        return len(captured)

    def add() -> None:
        contract = make_contract(department=department)
        keep_advice(advice=advised(manager), engagement=contract, actor=manager)

    add()
    client.get(LIST)
    one = queries()
    add()
    add()
    assert (one, queries()) == (11, 11)


@pytest.mark.parametrize(
    ("role", "sees", "asks", "stores"),
    [
        (Role.MANAGER, 200, 200, 302),
        (Role.ADMINISTRATOR, 200, 200, 302),
        (Role.FINANCE, 200, 403, 403),
        (Role.AUDITOR, 200, 403, 403),
        (Role.HR_INTEGRATION, 403, 403, 403),
    ],
)
def test_roles_see_and_ask_as_they_may(db, role, sees, asks, stores):
    person = logged_in(role)

    assert person.get(LIST).status_code == sees
    assert person.get(ASK).status_code == asks
    assert person.post(ASK, {"title": "x"}).status_code == stores
    home = person.get("/admin/").content.decode()
    assert (ASK in home) is (asks == 200)


def test_advice_is_neither_changed_nor_deleted(db, manager):
    advice = advised(manager)
    administrator = logged_in(Role.ADMINISTRATOR)

    assert administrator.post(page_of(advice), {"title": "x"}).status_code == 403
    delete = reverse("admin:tracker_advice_delete", args=[advice.pk])
    assert administrator.post(delete, {"post": "yes"}).status_code == 403
    advice.refresh_from_db()
    assert advice.title == "Night desk"


def test_auditors_see_amounts_of_all_advice(db, manager):
    advice = advised(manager, fee=9000)

    page = logged_in(Role.AUDITOR).get(page_of(advice)).content.decode()
    assert "Expected monthly fee" in page
    assert "Managed less augmented" in page


def test_amounts_of_others_are_hidden_from_the_hr_integration_of_a_manager(
    db, manager, department
):
    advice = advised(manager, fee=9000)
    contract = make_contract(department=department)
    keep_advice(advice=advice, engagement=contract, actor=manager)
    both = logged_in(Role.MANAGER, Role.HR_INTEGRATION, department=make_department())

    page = both.get(page_of(advice))
    assert page.status_code == 200
    assert "9,000" not in page.content.decode()
    assert "Managed less augmented" not in page.content.decode()


def test_hostile_text_is_shown_as_text(client):
    hostile = "<script>alert(1)</script>"

    page = client.get(ask(client, title=hostile).url).content.decode()
    assert hostile not in page
    assert "&lt;script&gt;" in page

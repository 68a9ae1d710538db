import pytest
from django.utils import timezone

from engagements.choices import Role
from engagements.models import Contractor, Event, Skill
from tests.factories import make_user, make_vendor
from tests.imports.records import bring_in, counts, export, told

__all__ = ["bring_in"]

pytestmark = pytest.mark.django_db

ADA = {
    "Full name": "Ada Byron",
    "Agency": "ACME limited",
    "E-mail": "ada@example.com",
    "Worker number": "W-1",
    "Jurisdiction": "de",
    "Employment type": "freelance",
    "Skills": "Python; Go",
    "External id": "HR-1",
}


@pytest.fixture
def acme():
    return make_vendor(legal_name="Acme Ltd", external_id="S-1")


@pytest.fixture
def skills():
    return [Skill.objects.create(name=name) for name in ("Go", "Python", "a;b")]


def person(vendor, **fields):
    return Contractor.objects.create(vendor=vendor, **fields)


def test_contractors_are_recorded_with_vendor_and_skills(bring_in, acme, skills):
    actor = make_user(Role.ADMINISTRATOR)

    report = bring_in("contractors", [ADA], actor=actor)

    assert (told(report), counts(report)) == ([], (1, 0, 0, 0))
    ada = Contractor.objects.get()
    assert (ada.full_name, ada.vendor, ada.work_email) == (
        "Ada Byron",
        acme,
        "ada@example.com",
    )
    assert (ada.worker_number, ada.jurisdiction, ada.employment_type) == (
        "W-1",
        "DE",
        "freelance",
    )
    assert sorted(skill.name for skill in ada.skills.all()) == ["Go", "Python"]
    created = Event.objects.get(event_type="contractor.created")
    assert (created.actor, created.changes["full_name"]) == (
        actor,
        ["(personal)", "(personal)"],
    )


def test_same_file_again_changes_nothing(bring_in, acme, skills):
    rows = [ADA, {"Full name": "Grace Hopper", "Agency": "S-1"}]
    bring_in("contractors", rows)

    assert counts(bring_in("contractors", rows)) == (0, 0, 2, 0)
    assert Contractor.objects.count() == 2


def test_change_goes_through_the_service_and_keeps_names_out_of_the_report(
    bring_in, acme, skills
):
    ada = person(acme, full_name="Ada Byron", external_id="HR-1")

    report = bring_in("contractors", [ADA])

    ada.refresh_from_db()
    assert (counts(report), ada.work_email) == ((0, 1, 0, 0), "ada@example.com")
    assert Event.objects.filter(event_type="contractor.skills_set").count() == 1
    text = str(report.notes[0])
    assert text == (
        "line 2: contractor HR-1: Work e-mail changes, Worker number “” → “W-1”,"
        " Jurisdiction “GB” → “DE”, Employment type “contractor” → “freelance”,"
        " Skills “” → “Python; Go”"
    )


def test_people_of_one_name_are_told_apart_by_their_numbers(bring_in, acme):
    first = person(acme, full_name="Jo Smith", worker_number="1")

    other = bring_in(
        "contractors",
        [{"Full name": "Jo Smith", "Vendor": "Acme", "Worker number": "2"}],
    )
    assert told(other) == [(2, "vendor", "is no recorded vendor")]

    other = bring_in(
        "contractors",
        [{"Full name": "Jo Smith", "Vendor": "Acme Ltd", "Worker number": "2"}],
    )
    unclear = bring_in("contractors", [{"Full name": "Jo Smith", "Vendor": "Acme Ltd"}])

    assert counts(other) == (1, 0, 0, 0)
    assert Contractor.objects.filter(full_name="Jo Smith").count() == 2
    assert told(unclear) == [(2, "full_name", "fits 2 recorded contractors")]
    first.refresh_from_db()
    assert first.worker_number == "1"


def test_every_error_of_every_line_is_told(bring_in, acme, skills):
    report = bring_in(
        "contractors",
        [
            {"Full name": "A", "Vendor": "Nobody Ltd", "Skills": "Cobol; Go; Ada"},
            {"Full name": "", "Vendor": "Acme Ltd", "Work e-mail": "not one"},
            {"Full name": "B", "Vendor": "Acme Ltd", "Work e-mail": "not one"},
            {"Full name": "b", "Vendor": "Acme Ltd"},
            {"Full name": "C", "Vendor": "", "Employment type": "employee"},
        ],
    )

    assert told(report) == [
        (2, "vendor", "is no recorded vendor"),
        (2, "skills", "“Cobol” is no recorded skill"),
        (2, "skills", "“Ada” is no recorded skill"),
        (3, "full_name", "is blank, and a new record needs it"),
        (4, "work_email", "Enter a valid email address"),
        (5, "full_name", "is the contractor of line 4 again"),
        (6, "employment_type", "is no word for this"),
        (6, "vendor", "is blank, and a new record needs it"),
    ]
    assert Contractor.objects.count() == 0


def test_erased_person_is_not_filled_in_again(bring_in, acme):
    person(acme, full_name="Erased 1", external_id="HR-1", erased_at=timezone.now())

    report = bring_in("contractors", [{"Full name": "Ada", "External id": "HR-1"}])

    assert told(report) == [
        (2, "full_name", "names somebody whose personal data was erased")
    ]


@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
def test_export_changes_nothing_when_it_comes_back(bring_in, acme, skills, file_format):
    people = [
        person(acme, full_name="Jo Smith", work_email="jo@example.com"),
        person(acme, full_name="Jo Smith"),
        person(acme, full_name="-Mad- Max", worker_number="007", external_id="=1"),
    ]
    people[0].skills.set(skills)

    content = export("contractors", people, make_user(Role.ADMINISTRATOR), file_format)
    report = bring_in("contractors", content, file_format=file_format)

    assert (told(report), counts(report)) == ([], (0, 0, 3, 0))


def test_references_are_looked_up_at_once(
    bring_in, acme, skills, django_assert_num_queries
):
    def unchanged(count):
        rows = [
            {"Full name": f"Person {n}", "Vendor": "Acme Ltd", "Skills": "Go"}
            for n in range(count)
        ]
        bring_in("contractors", rows)
        # Vendors, skills, everybody, the records with their skills; a savepoint opened,
        # rolled back and released.
        with django_assert_num_queries(8):
            report = bring_in("contractors", rows, is_dry_run=True)
        assert report.already_recorded == count

    unchanged(1)
    unchanged(30)

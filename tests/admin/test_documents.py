"""Documents in the admin: added, shown, served as attachments, taken away."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from engagements.choices import DocumentType, Role
from engagements.models import Document, Engagement, Event
from engagements.services.documents import attach_document, remove_document
from tests.admin.conftest import logged_in
from tests.admin.forms import errors_on, fields_on
from tests.engagements.files import PDF, TEXT, docx, upload
from tests.factories import make_assignment, make_contract, make_department

ADD = reverse("admin:engagements_document_add")
LIST = reverse("admin:engagements_document_changelist")
EXPIRING = [-1, 0, 90, 91, None]


@pytest.fixture(autouse=True)
def media(settings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def contract(manager, department):
    return make_contract(manager=manager, department=department)


def attach(engagement, actor, *, name="contract.pdf", content=PDF, **fields):
    replaces = fields.pop("replaces", None)
    values = {"document_type": DocumentType.CONTRACT, "title": "Contract"} | fields
    return attach_document(
        document=Document(engagement_id=engagement.pk, **values),
        upload=upload(name, content),
        replaces=replaces,
        actor=actor,
    )


def file_url(document: Document) -> str:
    return reverse("admin:engagements_document_file", args=[document.pk])


def page_of(document: Document, page: str = "change") -> str:
    return reverse(f"admin:engagements_document_{page}", args=[document.pk])


def posted(client, contract, file, **fields) -> dict[str, Any]:
    page = fields_on(client, f"{ADD}?engagement={contract.pk}")
    return page | {"document_type": "contract", "upload": file} | fields


def test_adding_from_the_engagements_page_leads_back_to_its_tab(
    client, manager, contract
):
    response = client.post(ADD, posted(client, contract, upload("Signed 2026.pdf")))

    document = Document.objects.get()
    assert response.headers["Location"] == (
        reverse("admin:engagements_engagement_change", args=[contract.pk])
        + "#documents"
    )
    assert (document.title, document.uploaded_by) == ("Signed 2026", manager)
    assert document.content_type == "application/pdf"


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.pdf", TEXT, "The content isn't what the name says."),
        ("a.svg", b"<svg/>", "Files of this kind aren't kept."),
        ("a.docx", docx({"word/vbaProject.bin": b"x"}), "The file holds macros"),
        ("a.pdf", b"", "The submitted file is empty."),
    ],
)
def test_refused_file_is_told_beside_its_field(
    client, contract, media, name, content, sentence
):
    page = posted(client, contract, upload(name, content), title="Kept as typed")

    response = client.post(ADD, page)

    assert list(errors_on(response)) == ["upload"]
    assert errors_on(response)["upload"][0].startswith(sentence)
    assert "Kept as typed" in response.content.decode()
    assert not Document.objects.exists()
    assert [path for path in media.rglob("*") if path.is_file()] == []


def test_new_version_starts_from_what_it_replaces(client, manager, contract):
    first = attach(contract, manager, document_type="insurance", title="Liability")
    client.get(page_of(first, "new_version"))
    page = fields_on(client, f"{ADD}?replaces={first.pk}")
    assert (page["engagement"], page["title"]) == (str(contract.pk), "Liability")

    client.post(ADD, page | {"upload": upload("new.pdf", PDF + b"\n")})

    newer = Document.objects.get(replaces=first)
    assert list(Document.objects.current()) == [newer]
    again = client.post(ADD, page | {"upload": upload("newest.pdf", PDF + b"\n\n")})
    assert errors_on(again)["__all__"] == [
        "A newer version of Liability is attached already: replace that one."
    ]


@pytest.mark.parametrize("make", [make_contract, make_assignment])
def test_tab_shows_current_documents_and_what_they_replaced(
    client, manager, department, make
):
    engagement = make(manager=manager, department=department)
    first = attach(engagement, manager, title="First signing")
    second = attach(
        engagement,
        manager,
        title="Second <b>signing</b>",
        content=PDF + b"\n",
        replaces=first,
        expires_on=timezone.localdate() + timedelta(days=20),
    )
    third = attach(engagement, manager, title="Mistake", content=PDF + b"\n\n")
    remove_document(document=third, reason="Another vendor's", actor=manager)
    name = engagement._meta.model_name
    url = reverse(f"admin:engagements_{name}_change", args=[engagement.pk])

    html = client.get(url).content.decode()

    assert "Second &lt;b&gt;signing&lt;/b&gt;" in html
    assert "20 days left" in html
    assert "Earlier versions and removed</summary>" not in html
    assert "Earlier versions and removed (2)" in html
    assert "Another vendor&#x27;s" in html
    assert [file_url(one) in html for one in (first, second, third)] == [
        True,
        True,
        False,
    ]
    assert f"{ADD}?engagement={engagement.pk}" in html


def test_engagement_is_saved_from_the_page_that_shows_documents(
    client, manager, contract
):
    attach(contract, manager)
    url = reverse("admin:engagements_managedcontract_change", args=[contract.pk])

    response = client.post(url, fields_on(client, url) | {"title": "Renamed"})

    assert response.status_code == 302
    assert Engagement.objects.get(pk=contract.pk).title == "Renamed"
    assert Document.objects.get().version == 1


def test_file_is_served_as_an_attachment_and_told_of(client, manager, contract):
    document = attach(contract, manager, name='Müller & "Söhne";\r\n x=1.pdf')

    response = client.get(file_url(document))

    assert b"".join(response.streaming_content) == PDF
    assert response.headers["Content-Type"] == "application/pdf"
    assert response.headers["Content-Disposition"] == (
        "attachment; filename*=utf-8''"
        "M%C3%BCller%20%26%20%22S%C3%B6hne%22%3B%20x%3D1.pdf"
    )
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"].startswith("private, no-store")
    assert response.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    event = Event.objects.get(event_type="document.downloaded")
    assert (event.actor, event.subject_id) == (manager, document.pk)
    assert event.engagement_id == contract.pk


@pytest.mark.parametrize("method", ["post", "head", "put", "delete"])
def test_file_is_only_ever_read(client, manager, contract, method):
    document = attach(contract, manager)

    assert getattr(client, method)(file_url(document)).status_code == 405
    assert not Event.objects.filter(event_type="document.downloaded").exists()


@pytest.mark.parametrize(
    ("roles", "status"),
    [
        ([Role.FINANCE], 200),
        ([Role.AUDITOR], 200),
        ([Role.ADMINISTRATOR], 200),
        ([Role.MANAGER], 404),
        ([Role.HR_INTEGRATION], 404),
        ([Role.MANAGER, Role.HR_INTEGRATION], 404),
        ([], 404),
    ],
)
def test_file_goes_to_those_who_see_its_engagements_money(
    manager, contract, roles, status
):
    document = attach(contract, manager)
    browser = logged_in(*roles, department=make_department())

    response = browser.get(file_url(document))
    content = b"".join(response.streaming_content) if response.streaming else b""

    assert (response.status_code, content == PDF) == (status, status == 200)
    told = Event.objects.filter(event_type="document.downloaded").exists()
    assert told is (status == 200)


def test_file_asks_outsiders_to_log_in(manager, contract):
    document = attach(contract, manager)

    response = Client().get(file_url(document))

    assert response.status_code == 302
    assert response.headers["Location"].startswith(reverse("admin:login"))


def test_removed_or_lost_file_is_not_there(client, manager, contract, media):
    removed = attach(contract, manager)
    remove_document(document=removed, reason="wrong", actor=manager)
    lost = attach(contract, manager, content=PDF + b"\n")
    (media / lost.file.name).unlink()

    assert [client.get(file_url(one)).status_code for one in (removed, lost)] == [
        404,
        404,
    ]
    assert not Event.objects.filter(event_type="document.downloaded").exists()


def test_removing_asks_why_and_leads_back(client, manager, contract):
    document = attach(contract, manager)
    url = page_of(document, "remove")

    without = client.post(url, {"_form_submitted": "on", "reason": " "})
    response = client.post(url, {"_form_submitted": "on", "reason": "Wrong vendor"})

    assert without.context["form"].errors["reason"] == ["This field is required."]
    assert response.headers["HX-Redirect"].endswith(f"/{contract.pk}/change/#documents")
    document.refresh_from_db()
    assert (document.removed_by, document.removal_reason) == (manager, "Wrong vendor")
    assert client.post(url, {"_form_submitted": "on", "reason": "x"}).status_code == 403
    assert "Wrong vendor" in client.get(page_of(document)).content.decode()


def test_type_title_and_expiry_are_changed_on_its_page(client, manager, contract):
    document = attach(contract, manager)
    url = page_of(document)

    client.post(url, fields_on(client, url) | {"title": "Countersigned"})

    document.refresh_from_db()
    assert (document.title, document.version) == ("Countersigned", 2)
    event = Event.objects.order_by("id").last()
    assert (event.event_type, event.actor) == ("document.changed", manager)


def test_auditor_reads_and_writes_nothing(manager, contract):
    document = attach(contract, manager)
    browser = logged_in(Role.AUDITOR)

    assert browser.get(page_of(document)).status_code == 200
    assert browser.get(ADD).status_code == 403
    for page in ("remove", "new_version"):
        assert browser.get(page_of(document, page)).status_code == 403
    assert browser.post(page_of(document), {"title": "x"}).status_code == 403


def test_documents_of_another_department_are_not_there(client, contract):
    other = make_department()
    stranger = make_contract(department=other)
    boss = logged_in(Role.ADMINISTRATOR, username="boss")
    boss.post(ADD, posted(boss, stranger, upload("Zanzibar.pdf"), title="Zanzibar"))
    document = Document.objects.get()

    assert client.get(file_url(document)).status_code == 404
    for page in ("download", "new_version", "remove"):
        assert client.get(page_of(document, page)).status_code == 403
    for url in (page_of(document), page_of(document, "history"), LIST):
        assert "Zanzibar" not in client.get(url, follow=True).content.decode()
    assert (
        "Zanzibar" not in client.get(f"{ADD}?replaces={document.pk}").content.decode()
    )
    fields = posted(client, contract, upload())
    refused = client.post(ADD, fields | {"engagement": stranger.pk})
    assert list(errors_on(refused)) == ["engagement"]
    fields = posted(client, contract, upload(), replaces=document.pk)
    assert list(errors_on(client.post(ADD, fields))) == ["replaces"]


def test_manager_with_an_hr_role_attaches_nothing_outside_their_money(contract):
    both = logged_in(Role.MANAGER, Role.HR_INTEGRATION, department=make_department())

    response = both.post(ADD, posted(both, contract, upload()))

    assert list(errors_on(response)) == ["engagement"]


@pytest.mark.parametrize(
    ("asked", "titles"),
    [
        ({}, ["-1", "0", "90", "91", "None"]),
        ({"expiry": "expired"}, ["-1"]),
        ({"expiry": "near"}, ["0", "90"]),
        ({"expiry": "later"}, ["91"]),
        ({"expiry": "none"}, ["None"]),
        ({"state": "removed"}, ["removed"]),
        ({"state": "all"}, ["-1", "0", "90", "91", "None", "earlier", "removed"]),
        ({"document_type__exact": "insurance"}, ["-1"]),
        ({"q": "contract90"}, ["90"]),
    ],
)
def test_list_is_filtered_by_type_expiry_and_state(
    client, manager, contract, asked, titles
):
    today = timezone.localdate()
    earlier = attach(contract, manager, title="earlier")
    removed = attach(contract, manager, title="removed", content=PDF + b"r")
    remove_document(document=removed, reason="wrong", actor=manager)
    for number, days in enumerate(EXPIRING):
        attach(
            contract,
            manager,
            name=f"contract{days}.pdf",
            content=PDF + b"\n" * (number + 1),
            title=str(days),
            document_type="insurance" if days == -1 else "contract",
            expires_on=None if days is None else today + timedelta(days=days),
            replaces=earlier if days is None else None,
        )

    response = client.get(LIST, asked)

    rows = response.context["cl"].result_list
    assert sorted(row.title for row in rows) == titles


def test_draft_with_documents_is_deleted_with_their_files(
    manager, contract, media, django_capture_on_commit_callbacks
):
    attach(contract, manager)
    browser = logged_in(is_superuser=True)
    url = reverse("admin:engagements_managedcontract_delete", args=[contract.pk])

    with django_capture_on_commit_callbacks(execute=True):
        response = browser.post(url, {"post": "yes"})

    assert response.status_code == 302
    assert not Document.objects.exists()
    assert [path for path in media.rglob("*") if path.is_file()] == []

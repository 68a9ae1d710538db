"""Documents of engagements: kept by content, replaced, removed, told of."""

import hashlib
import os
import threading
from datetime import date, timedelta
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError
from django.core.files.storage import default_storage
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from engagements import events
from engagements.choices import DocumentType, Role, Status
from engagements.errors import ConflictError, NotAllowedError, WrongStateError
from engagements.models import Document, Engagement, Event
from engagements.services.documents import (
    attach_document,
    change_document,
    delete_orphan_files,
    record_download,
    remove_document,
)
from engagements.services.engagements import delete_draft
from engagements.services.lifecycle import start_engagement
from tests.engagements.files import PDF, PNG, docx, upload, zipped
from tests.factories import make_contract, make_department, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def media(settings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def actor():
    return make_user(Role.MANAGER, username="maya")


@pytest.fixture
def contract(actor):
    return make_contract(manager=actor)


def attach(contract, actor, *, name="contract.pdf", content=PDF, **fields) -> Document:
    replaces = fields.pop("replaces", None)
    values = {"document_type": DocumentType.CONTRACT, "title": "Contract"} | fields
    return attach_document(
        document=Document(engagement_id=contract.pk, **values),
        upload=upload(name, content),
        replaces=replaces,
        actor=actor,
    )


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def refusal(caught) -> str:
    return str(caught.value.message_dict["file"][0])


def test_attached_document_keeps_the_file_under_a_name_of_ours(contract, actor, media):
    document = attach(contract, actor, name="../Müller's\r\n contract.pdf")

    stored = Document.objects.get(pk=document.pk)
    assert stored.file_name == "Müller's contract.pdf"
    assert stored.file.name == (
        f"documents/{stored.public_id.hex[:2]}/{stored.public_id.hex}"
    )
    assert stored.content_type == "application/pdf"
    assert (stored.size, stored.uploaded_by) == (len(PDF), actor)
    assert stored.sha256 == hashlib.sha256(PDF).hexdigest()
    kept = media / stored.file.name
    assert kept.read_bytes() == PDF
    assert oct(kept.stat().st_mode & 0o777) == "0o600"


def test_attaching_tells_by_whom_and_leaves_names_out(contract, actor):
    document = attach(contract, actor, title="Agreement of Jo Tarn")

    event = Event.objects.get(event_type="document.attached")
    assert (event.subject_id, event.actor) == (document.pk, actor)
    assert event.engagement_id == contract.pk
    assert event.changes["sha256"] == [None, document.sha256]
    assert event.changes["title"] == ["(personal)", "(personal)"]
    assert "Tarn" not in str(event.changes)
    assert "contract.pdf" not in str(event.changes)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.pdf", b"", "The file is empty."),
        (
            "a.svg",
            b"<svg/>",
            "Files of this kind aren't kept. Save it as PDF, DOCX, XLSX, ODT, PNG,"
            " JPEG, plain text (.txt) or e-mail (.eml).",
        ),
        (
            "a.pdf",
            PNG,
            "The content isn't what the name says. Give the file the ending of what it"
            " is, or save it anew.",
        ),
        (
            "a.docx",
            docx({"word/embeddings/run.exe": b"MZ"}),
            "run.exe: Files of this kind aren't kept. Save it as PDF, DOCX, XLSX, ODT,"
            " PNG, JPEG, plain text (.txt) or e-mail (.eml).",
        ),
        (
            "a.pdf",
            PDF + zipped({"a": b"b"}),
            "Another file hides in this one. Save it anew.",
        ),
    ],
)
def test_refused_file_is_told_why_and_leaves_nothing(
    contract, actor, media, name, content, sentence
):
    with pytest.raises(ValidationError) as caught:
        attach(contract, actor, name=name, content=content)

    assert refusal(caught) == sentence
    assert not Document.objects.exists()
    assert files_in(media) == []


def test_file_above_the_limit_is_refused_before_it_is_read(contract, actor, settings):
    settings.DOCUMENT_MAX_BYTES = 2**20
    with pytest.raises(ValidationError) as caught:
        attach(contract, actor, content=PDF + bytes(2**20))

    assert refusal(caught) == "The file has 2 MB; at most 1 are kept."


def test_same_content_twice_on_one_engagement_is_refused(contract, actor):
    attach(contract, actor, title="Signed contract")

    with pytest.raises(ValidationError) as caught:
        attach(contract, actor, name="other.pdf")

    today = timezone.localdate()
    assert refusal(caught) == (
        "The same file is attached already, as Signed contract since"
        f" {today.day} {today:%B %Y}."
    )
    attach(make_contract(manager=actor), actor)
    assert Document.objects.count() == 2


def test_database_refuses_the_same_content_twice(contract, actor):
    first = attach(contract, actor)
    second = attach(contract, actor, content=PDF + b"\n")

    with pytest.raises(IntegrityError), transaction.atomic():
        Document.objects.filter(pk=second.pk).update(sha256=first.sha256)


@pytest.mark.parametrize(
    "fields",
    [
        {"removed_at": timezone.now()},
        {"removal_reason": "wrong file"},
        {"removed_at": timezone.now(), "removal_reason": "wrong file"},
    ],
)
def test_database_refuses_half_a_removal(contract, actor, fields):
    document = attach(contract, actor)

    with pytest.raises(IntegrityError), transaction.atomic():
        Document.objects.filter(pk=document.pk).update(**fields)


def test_database_refuses_a_document_that_replaces_itself(contract, actor):
    document = attach(contract, actor)

    with pytest.raises(IntegrityError), transaction.atomic():
        Document.objects.filter(pk=document.pk).update(replaces=document.pk)


def test_newer_version_takes_the_place_of_the_earlier_one(contract, actor):
    first = attach(contract, actor, expires_on=date(2026, 1, 31))

    second = attach(contract, actor, content=PDF + b"\n", replaces=first)

    assert list(Document.objects.current()) == [second]
    assert second.replaces == first
    assert Event.objects.filter(event_type="document.replaced").count() == 1
    with pytest.raises(WrongStateError, match="A newer version of Contract"):
        attach(contract, actor, content=PDF + b"\n\n", replaces=first)


def test_version_of_another_engagements_document_is_refused(contract, actor):
    elsewhere = attach(make_contract(manager=actor), actor)

    with pytest.raises(ValidationError) as caught:
        attach(contract, actor, replaces=elsewhere)

    assert refusal(caught) == "The earlier version belongs to another engagement."


def test_changing_keeps_the_file_whatever_the_record_says(contract, actor):
    document = attach(contract, actor)
    other = make_contract()
    document.title, document.sha256, document.engagement = "Signed", "0" * 64, other

    change_document(document=document, expected_version=1, actor=actor)

    stored = Document.objects.get(pk=document.pk)
    assert (stored.title, stored.engagement_id) == ("Signed", contract.pk)
    assert stored.sha256 == hashlib.sha256(PDF).hexdigest()
    with pytest.raises(ConflictError):
        change_document(document=document, expected_version=1, actor=actor)


def test_removal_deletes_the_file_after_the_commit_and_keeps_the_row(
    contract, actor, media, django_capture_on_commit_callbacks
):
    document = attach(contract, actor)

    with django_capture_on_commit_callbacks(execute=True):
        remove_document(document=document, reason=" wrong file ", actor=actor)
        assert files_in(media) == [document.public_id.hex]

    stored = Document.objects.get(pk=document.pk)
    assert files_in(media) == []
    assert (stored.removed_by, stored.removal_reason) == (actor, "wrong file")
    event = Event.objects.get(event_type="document.removed")
    assert event.changes["removal_reason"] == ["", "wrong file"]
    assert not Document.objects.current().exists()
    attach(contract, actor)


def test_removal_that_is_rolled_back_keeps_the_file(
    contract, actor, media, django_capture_on_commit_callbacks
):
    document = attach(contract, actor)

    with django_capture_on_commit_callbacks(execute=True):
        try:
            with transaction.atomic():
                remove_document(document=document, reason="wrong", actor=actor)
                raise RuntimeError
        except RuntimeError:
            pass

    assert files_in(media) == [document.public_id.hex]
    assert Document.objects.current().get() == document


def test_removal_needs_a_reason_and_happens_once(contract, actor):
    document = attach(contract, actor)

    with pytest.raises(ValidationError) as caught:
        remove_document(document=document, reason="  ", actor=actor)
    assert caught.value.message_dict == {"reason": ["Say why the document is removed."]}
    remove_document(document=document, reason="wrong", actor=actor)
    for step in (
        lambda: remove_document(document=document, reason="again", actor=actor),
        lambda: change_document(document=document, actor=actor),
        lambda: attach(contract, actor, content=PDF + b"\n", replaces=document),
    ):
        with pytest.raises(WrongStateError, match="Contract was removed on"):
            step()


def test_earlier_version_counts_again_once_the_newer_one_is_removed(contract, actor):
    first = attach(contract, actor)
    second = attach(contract, actor, content=PDF + b"\n", replaces=first)

    remove_document(document=second, reason="wrong", actor=actor)

    assert list(Document.objects.current()) == [first]
    third = attach(contract, actor, content=PDF + b"\n", replaces=first)
    assert list(Document.objects.current()) == [third]


def test_file_is_deleted_again_where_its_record_fails(
    contract, actor, media, monkeypatch
):
    def fail(**_told: object) -> None:
        assert len(files_in(media)) == 1
        raise RuntimeError("disk full")

    monkeypatch.setattr(events, "record", fail)
    with pytest.raises(RuntimeError):
        attach(contract, actor)

    assert files_in(media) == []
    assert not Document.objects.exists()


def test_orphans_older_than_a_day_are_deleted_and_nothing_else(contract, actor, media):
    kept = attach(contract, actor)
    try:
        with transaction.atomic():
            attach(contract, actor, content=PDF + b"\n")
            raise RuntimeError
    except RuntimeError:
        pass
    assert len(files_in(media)) == 2
    assert delete_orphan_files() == 0

    two_days_ago = (timezone.now() - timedelta(days=2)).timestamp()
    for path in media.rglob("*"):
        os.utime(path, (two_days_ago, two_days_ago))

    assert delete_orphan_files() == 1
    assert files_in(media) == [kept.public_id.hex]
    assert delete_orphan_files() == 0


def test_orphans_are_looked_for_where_no_file_was_ever_kept(media):
    assert delete_orphan_files() == 0


def test_deleting_a_draft_deletes_its_documents_and_files(
    contract, actor, media, django_capture_on_commit_callbacks
):
    first = attach(contract, actor)
    attach(contract, actor, content=PDF + b"\n", replaces=first)

    with django_capture_on_commit_callbacks(execute=True):
        delete_draft(engagement=contract, actor=actor)
        assert len(files_in(media)) == 2

    assert files_in(media) == []
    assert not Engagement.objects.exists()
    assert not Document.objects.exists()


def test_only_a_draft_can_be_deleted(contract, actor):
    start_engagement(engagement=contract, actor=actor)

    with pytest.raises(WrongStateError, match="is active: only a draft"):
        delete_draft(engagement=contract, actor=actor)

    assert Engagement.objects.get().status == Status.ACTIVE


@pytest.mark.parametrize(
    ("role", "sees"),
    [
        (Role.MANAGER, False),
        (Role.FINANCE, True),
        (Role.HR_INTEGRATION, False),
        (Role.AUDITOR, True),
        (Role.ADMINISTRATOR, True),
    ],
)
def test_documents_are_seen_with_the_money_of_their_engagement(
    contract, actor, role, sees
):
    document = attach(contract, actor)
    user = make_user(role, department=make_department())

    assert Document.objects.visible_to(user).exists() is sees
    if sees:
        record_download(document=document, actor=user)
        assert Event.objects.filter(event_type="document.downloaded").count() == 1
    else:
        with pytest.raises(NotAllowedError):
            record_download(document=document, actor=user)


def test_two_roles_together_show_no_more_documents_than_each(contract, actor):
    attach(contract, actor)
    both = make_user(Role.MANAGER, Role.HR_INTEGRATION, department=make_department())

    assert Engagement.objects.visible_to(both).count() == 1
    assert not Document.objects.visible_to(both).exists()


@pytest.mark.django_db(transaction=True)
def test_same_file_sent_twice_at_once_is_kept_once(contract, actor, media):
    told: list[str] = []

    def send() -> None:
        try:
            attach(contract, actor)
            told.append("kept")
        except ValidationError:
            told.append("refused")
        finally:
            connection.close()

    both = [threading.Thread(target=send) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()

    assert sorted(told) == ["kept", "refused"]
    assert len(files_in(media)) == 1


def test_storage_has_no_address_of_its_own(contract, actor, client):
    document = attach(contract, actor)

    assert default_storage.base_url in ("", "/")
    for url in (f"/{document.file.name}", f"/media/{document.file.name}"):
        assert client.get(url).status_code == 404

"""Files of an engagement: attached, replaced, removed, and each download told of."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from engagements import events
from engagements.errors import NotAllowedError, WrongStateError
from engagements.models import Document, Engagement, User
from engagements.models.engagement import document_path
from engagements.services.records import change_record, check_version, create_record
from engagements.values.file_contents import (
    Fault,
    FileRefusedError,
    clean_file_name,
    examine,
)


@dataclass(frozen=True)
class Examined:
    """A file that may be kept, with its kind as its content tells it."""

    content: bytes
    file_name: str
    content_type: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def examine_upload(upload: File[bytes]) -> Examined:
    """Return the file read; raises ValidationError unless it may be kept."""
    content = _read(upload)
    file_name = clean_file_name(upload.name or "")
    return Examined(content, file_name, _content_type(file_name, content))


FOLDER = "documents"
# A file without a row is somebody's upload that is just being stored, until then.
ORPHAN_AFTER = timedelta(days=1)


@transaction.atomic
def attach_document(
    *,
    document: Document,
    upload: File[bytes],
    replaces: Document | None = None,
    actor: User,
) -> Document:
    """Store a new document with its file, perhaps as the newer version of another.

    Its kind is told by its content; name and content must agree. Raises
    ValidationError by field: the file is refused, or attached already.
    """
    engagement = _locked(document.engagement_id)
    if replaces is not None:
        replaces = Document.objects.select_for_update().get(pk=replaces.pk)
        _check_replaceable(replaces, engagement)
    examined = examine_upload(upload)
    document.file_name = examined.file_name
    document.content_type = examined.content_type
    document.size = len(examined.content)
    document.sha256 = examined.sha256
    _check_new_content(document)
    document.replaces = replaces
    document.uploaded_by = actor
    document.file = ContentFile(examined.content, name=document.file_name)
    with _file_goes_with_the_record(document):
        return create_record(
            record=document,
            event_type="document.replaced" if replaces else "document.attached",
            engagement=engagement,
            actor=actor,
        )


@transaction.atomic
def change_document(
    *, document: Document, expected_version: int | None = None, actor: User | None
) -> Document:
    """Store another type, title or expiry; the file itself never changes."""
    stored = Document.objects.select_for_update().get(pk=document.pk)
    _check_not_removed(stored)
    for name in _FIXED:
        setattr(document, name, getattr(stored, name))
    return change_record(
        record=document,
        engagement=stored.engagement,
        expected_version=expected_version,
        actor=actor,
    )


_FIXED = (
    "engagement_id",
    "file",
    "file_name",
    "content_type",
    "size",
    "sha256",
    "uploaded_by_id",
    "replaces_id",
)


@transaction.atomic
def remove_document(
    *,
    document: Document,
    reason: str,
    expected_version: int | None = None,
    actor: User,
) -> Document:
    """Delete the file and keep that it was there: who removed it, when and why.

    Raises ValidationError without a reason, WrongStateError where it is removed.
    """
    if not reason.strip():
        raise ValidationError({"reason": _("Say why the document is removed.")})
    stored = Document.objects.select_for_update().get(pk=document.pk)
    _check_not_removed(stored)
    check_version(stored=stored, expected_version=expected_version)
    stored.removed_at = timezone.now()
    stored.removed_by = actor
    stored.removal_reason = reason.strip()
    if not Document.objects.filter(replaces=stored).exists():
        # The version before it is the current one again.
        stored.replaces = None
    # The file goes once this is certain.
    _delete_after_commit([stored.file.name])
    return change_record(
        record=stored,
        event_type="document.removed",
        engagement=stored.engagement,
        actor=actor,
    )


@transaction.atomic
def record_download(*, document: Document, actor: User) -> None:
    """Tell that the person took the file; raises NotAllowedError out of their scope."""
    if not Document.objects.visible_to(actor).filter(pk=document.pk).exists():
        raise NotAllowedError(_("You may not see this document."))
    events.record(
        event_type="document.downloaded",
        subject=document,
        engagement=document.engagement,
        actor=actor,
    )


def delete_files_of(*, engagement: Engagement) -> None:
    """Delete the files of an engagement that is being deleted, once it is."""
    documents = Document.objects.filter(engagement=engagement.pk)
    _delete_after_commit(documents.values_list("file", flat=True))


def delete_orphan_files() -> int:
    """Delete files that no document names; return how many.

    A crash between storing a file and its record leaves one. What was stored within
    the last day stays: its record may be on its way.
    """
    if not default_storage.exists(FOLDER):
        return 0
    cutoff = timezone.now() - ORPHAN_AFTER
    deleted = 0
    for folder in default_storage.listdir(FOLDER)[0]:
        names = [
            f"{FOLDER}/{folder}/{name}"
            for name in default_storage.listdir(f"{FOLDER}/{folder}")[1]
        ]
        kept = set(
            Document.objects.filter(file__in=names, removed_at=None).values_list(
                "file", flat=True
            )
        )
        for name in names:
            if name not in kept and default_storage.get_modified_time(name) < cutoff:
                default_storage.delete(name)
                deleted += 1
    return deleted


def _locked(engagement_id: int) -> Engagement:
    return Engagement.objects.select_for_update().get(pk=engagement_id)


def _check_replaceable(replaced: Document, engagement: Engagement) -> None:
    if replaced.engagement_id != engagement.pk:
        raise ValidationError(
            {"file": _("The earlier version belongs to another engagement.")}
        )
    _check_not_removed(replaced)
    if Document.objects.filter(replaces=replaced).exists():
        raise WrongStateError(
            _("A newer version of %(title)s is attached already: replace that one.")
            % {"title": replaced}
        )


def _check_not_removed(document: Document) -> None:
    if document.removed_at is not None:
        raise WrongStateError(
            _("%(title)s was removed on %(day)s.")
            % {"title": document, "day": _day(document.removed_at)}
        )


def _read(upload: File[bytes]) -> bytes:
    if upload.size > settings.DOCUMENT_MAX_BYTES:
        raise ValidationError(
            {
                "file": _("The file has %(size)d MB; at most %(most)d are kept.")
                % {
                    "size": -(-upload.size // 2**20),
                    "most": settings.DOCUMENT_MAX_BYTES // 2**20,
                }
            }
        )
    upload.seek(0)
    content: bytes = upload.read()
    return content


def _content_type(file_name: str, content: bytes) -> str:
    try:
        return examine(file_name, content).content_type
    except FileRefusedError as refusal:
        raise ValidationError({"file": _refusal(refusal)}) from refusal


def _refusal(refusal: FileRefusedError) -> str:
    sentences = {
        Fault.EMPTY: _("The file is empty."),
        Fault.NOT_ALLOWED: _(
            "Files of this kind aren't kept. Save it as PDF, DOCX, XLSX, ODT, PNG,"
            " JPEG, plain text (.txt) or e-mail (.eml)."
        ),
        Fault.OTHER_CONTENT: _(
            "The content isn't what the name says. Give the file the ending of what it"
            " is, or save it anew."
        ),
        Fault.TWO_IN_ONE: _("Another file hides in this one. Save it anew."),
        Fault.DAMAGED: _("The file is damaged or cut short. Save it anew."),
        Fault.TOO_LARGE_INSIDE: _(
            "The file unfolds to more than can be looked at. Save it as PDF."
        ),
        Fault.PASSWORD: _(
            "The file has a password, so that its content can't be looked at. Save it"
            " without one."
        ),
        Fault.MACROS: _(
            "The file holds macros or fetches something when it is opened. Save it"
            " without them, or as PDF."
        ),
        Fault.EMBEDDED: _(
            "The file holds an embedded object that can't be looked at. Remove it, or"
            " save the file as PDF."
        ),
        Fault.MARKUP: _("The file holds a web page or a program, not plain text."),
    }
    sentence = sentences[refusal.fault]
    return f"{refusal.part}: {sentence}" if refusal.part else sentence


def _check_new_content(document: Document) -> None:
    same = Document.objects.filter(
        engagement=document.engagement_id, sha256=document.sha256, removed_at=None
    ).first()
    if same is not None:
        raise ValidationError(
            {
                "file": _(
                    "The same file is attached already, as %(title)s since %(day)s."
                )
                % {"title": same, "day": _day(same.created_at)}
            }
        )


@contextmanager
def _file_goes_with_the_record(document: Document) -> Iterator[None]:
    """Delete the file again where its record isn't stored after all."""
    try:
        yield
    except BaseException:
        default_storage.delete(document_path(document, ""))
        raise


def _delete_after_commit(names: Iterable[str | None]) -> None:
    for name in filter(None, names):
        transaction.on_commit(partial(default_storage.delete, name))


def _day(at: datetime) -> str:
    return date_format(timezone.localtime(at), "j F Y")

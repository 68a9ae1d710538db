"""Files that came with an invoice: attached, taken off a draft, and downloaded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils.translation import gettext as _

from engagements import events
from engagements.errors import NotAllowedError, WrongStateError
from engagements.models import User
from engagements.services.documents import Examined, examine_upload
from tracker.spend.models import Invoice, InvoiceAttachment, InvoiceStatus
from tracker.spend.models.invoice import attachment_path


def attach_file(
    *, invoice: Invoice, upload: File[bytes], actor: User | None
) -> InvoiceAttachment:
    """Store a file with the invoice; its kind is told by its content.

    Raises ValidationError where such files aren't kept, or it is attached already.
    """
    return attach_examined(
        invoice=invoice, examined=examine_upload(upload), actor=actor
    )


@transaction.atomic
def attach_examined(
    *, invoice: Invoice, examined: Examined, actor: User | None
) -> InvoiceAttachment:
    """Store a file whose content was looked at before."""
    stored = Invoice.objects.select_for_update().get(pk=invoice.pk)
    if stored.attachments.filter(sha256=examined.sha256).exists():
        raise ValidationError({"file": _("The same file is attached already.")})
    attachment = InvoiceAttachment(
        invoice=stored,
        file=ContentFile(examined.content, name=examined.file_name),
        file_name=examined.file_name,
        content_type=examined.content_type,
        size=len(examined.content),
        sha256=examined.sha256,
        uploaded_by=actor,
    )
    attachment.full_clean(exclude=["invoice"])
    with _file_goes_with_the_record(attachment):
        attachment.save()
        _tell("invoice.attached", attachment, actor)
    return attachment


@transaction.atomic
def remove_attachment(*, attachment: InvoiceAttachment, actor: User | None) -> None:
    """Take a file off a draft; what was posted keeps its papers."""
    invoice = Invoice.objects.select_for_update().get(pk=attachment.invoice_id)
    if invoice.status != InvoiceStatus.DRAFT:
        raise WrongStateError(_("A posted invoice keeps its papers."))
    _tell("invoice.attachment_removed", attachment, actor)
    name = attachment_path(attachment, "")
    transaction.on_commit(partial(default_storage.delete, name))
    attachment.delete()


@transaction.atomic
def record_download(*, attachment: InvoiceAttachment, actor: User) -> None:
    """Tell that the person took the file; raises NotAllowedError out of their scope."""
    seen = InvoiceAttachment.objects.visible_to(actor).filter(pk=attachment.pk)
    if not seen.exists():
        raise NotAllowedError(_("You may not see this file."))
    _tell("invoice.attachment_downloaded", attachment, actor)


def _tell(event_type: str, attachment: InvoiceAttachment, actor: User | None) -> None:
    events.record(
        event_type=event_type,
        subject=attachment.invoice,
        changes={"attachment": [None, str(attachment.public_id)]},
        actor=actor,
    )


@contextmanager
def _file_goes_with_the_record(attachment: InvoiceAttachment) -> Iterator[None]:
    """Delete the file again where its record isn't stored after all."""
    try:
        yield
    except BaseException:
        default_storage.delete(attachment_path(attachment, ""))
        raise

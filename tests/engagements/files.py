"""Small files of each kind that is kept, and the parts of hostile ones."""

import zipfile
from collections.abc import Mapping
from email.message import EmailMessage
from io import BytesIO

import openpyxl
from django.core.files.uploadedfile import SimpleUploadedFile

PDF = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<<>>\n%%EOF\n"
PNG = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x00"
    b"\x00\x00\x00:~\x9bU\x00\x00\x00\nIDATx\x9cc`\x00\x00\x00\x02\x00\x01H\xaf\xa4q"
    b"\x00\x00\x00\x00IEND\xaeB`\x82"
)
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00\xff\xd9"
TEXT = "Minutes of the review, 3 May: agreed £12,500 a month.\r\n".encode()
DOCX_MAIN = (
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
)
ODT_TYPE = "application/vnd.oasis.opendocument.text"


def zipped(parts: Mapping[str, bytes], comment: bytes = b"") -> bytes:
    kept = BytesIO()
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
        archive.comment = comment
    return kept.getvalue()


def content_types(*types: str) -> bytes:
    overrides = "".join(
        f'<Override PartName="/p{number}.xml" ContentType="{name}"/>'
        for number, name in enumerate(types)
    )
    spaces = "http://schemas.openxmlformats.org/package/2006/content-types"
    return f'<?xml version="1.0"?><Types xmlns="{spaces}">{overrides}</Types>'.encode()


def docx(more: Mapping[str, bytes] | None = None, *types: str) -> bytes:
    listed = content_types(*(types or (DOCX_MAIN,)))
    return zipped(
        {"[Content_Types].xml": listed, "word/document.xml": b"<document/>"}
        | dict(more or {})
    )


def xlsx() -> bytes:
    kept = BytesIO()
    openpyxl.Workbook().save(kept)
    return kept.getvalue()


def odt(more: Mapping[str, bytes] | None = None, manifest: bytes = b"<m/>") -> bytes:
    return zipped(
        {
            "mimetype": ODT_TYPE.encode(),
            "content.xml": b"<office/>",
            "META-INF/manifest.xml": manifest,
        }
        | dict(more or {})
    )


def relations(kind: str, mode: str) -> bytes:
    return (
        '<Relationships><Relationship Id="r1" Target="https://example.org/t.dotm"'
        f' Type="http://schemas.example.org/relationships/{kind}"'
        f' TargetMode="{mode}"/></Relationships>'
    ).encode()


def mail(**attachments: bytes) -> bytes:
    """An e-mail with an HTML body; attachments by name, `_` standing for the dot."""
    message = EmailMessage()
    message["From"] = "jo@tarnwell.example"
    message["Date"] = "Tue, 05 May 2026 10:00:00 +0100"
    message["Subject"] = "Signed contract"
    message.set_content("Please find it attached.")
    message.add_alternative("<p>Please find it attached.</p>", subtype="html")
    for name, content in attachments.items():
        message.add_attachment(
            content,
            maintype="application",
            subtype="octet-stream",
            filename=name.replace("_", "."),
        )
    return message.as_bytes()


def upload(name: str = "contract.pdf", content: bytes = PDF) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, content_type="text/html")

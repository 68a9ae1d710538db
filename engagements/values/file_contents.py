"""What a file is by its content, and whether it is one that may be kept.

A name and a claimed type say nothing: the first bytes must be those of the format, the
end must be where the format ends, and what is packed inside is looked at as well.
"""

import codecs
import re
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email import policy
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesParser
from enum import Enum, auto
from io import BytesIO
from pathlib import PurePosixPath
from xml.parsers import expat

import puremagic

LONGEST_NAME = 150
MOST_PARTS = 2_000
MOST_UNFOLDED_BYTES = 200 * 1024 * 1024
# Of one part that says what the others are.
MOST_TELLING_BYTES = 20 * 1024 * 1024
MOST_TAGS = 200_000
# Files within files: a sheet in a letter, a letter in an e-mail.
DEEPEST = 3
_CHUNK = 512 * 1024


class Fault(Enum):
    """Why a file is refused."""

    EMPTY = auto()
    NOT_ALLOWED = auto()
    OTHER_CONTENT = auto()
    TWO_IN_ONE = auto()
    DAMAGED = auto()
    TOO_LARGE_INSIDE = auto()
    PASSWORD = auto()
    MACROS = auto()
    EMBEDDED = auto()
    MARKUP = auto()


class FileRefusedError(Exception):
    """The file isn't kept; `part` names the file inside that is at fault, if any."""

    def __init__(self, fault: Fault, part: str = "") -> None:
        super().__init__(fault, part)
        self.fault = fault
        self.part = part


@dataclass
class Allowance:
    """How much may yet be unfolded, all files within the file together."""

    unfolded: int = MOST_UNFOLDED_BYTES
    depth: int = 0

    def take(self, size: int) -> None:
        self.unfolded -= size
        if self.unfolded < 0:
            raise FileRefusedError(Fault.TOO_LARGE_INSIDE)


Check = Callable[[bytes, Allowance], None]


@dataclass(frozen=True)
class FileFormat:
    """`signature` is the extension by which the first bytes are known; blank for text.

    `check` looks at the rest of the file and at the files within it.
    """

    name: str
    content_type: str
    signature: str
    check: Check


def examine(file_name: str, content: bytes) -> FileFormat:
    """Return the file's format; raises FileRefusedError unless it may be kept."""
    return _examine(file_name, content, Allowance())


def _examine(file_name: str, content: bytes, allowance: Allowance) -> FileFormat:
    if not content:
        raise FileRefusedError(Fault.EMPTY)
    file_format = FORMATS.get(extension_of(file_name))
    if file_format is None or allowance.depth > DEEPEST:
        raise FileRefusedError(Fault.NOT_ALLOWED)
    if file_format.signature and file_format.signature not in _signatures(content):
        raise FileRefusedError(Fault.OTHER_CONTENT)
    file_format.check(content, allowance)
    return file_format


def _examine_within(file_name: str, content: bytes, allowance: Allowance) -> None:
    """Raise what speaks against a file inside another one, naming it."""
    name = clean_file_name(file_name)
    allowance.depth += 1
    try:
        _examine(name, content, allowance)
    except FileRefusedError as refusal:
        raise FileRefusedError(refusal.fault, refusal.part or name) from None
    finally:
        allowance.depth -= 1


def clean_file_name(name: str) -> str:
    """Return the name alone: no folders, nothing invisible, of bearable length.

    Control characters, line ends and marks that turn the direction of writing are
    left out, since a name with them can show another ending than it has.
    """
    base = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    shown = "".join(c for c in base if unicodedata.category(c)[0] != "C")
    shown = " ".join(shown.split()).rstrip(". ")
    ending = extension_of(shown)
    stem = shown[: len(shown) - len(ending)].strip(". ")
    return f"{stem[: LONGEST_NAME - len(ending)] or 'document'}{ending}"


def extension_of(name: str) -> str:
    """Return the lower-case ending with its dot; a name that is all ending has it."""
    _stem, dot, ending = name.rpartition(".")
    return f".{ending.lower()}" if dot and len(ending) <= 10 else ""


def _signatures(content: bytes) -> set[str]:
    try:
        return {match.extension for match in puremagic.magic_string(content)}
    except puremagic.PureError:
        return set()


# Formats that are one piece.


def _check_pdf(content: bytes, _allowance: Allowance) -> None:
    if b"%%EOF" not in content[-1024:]:
        raise FileRefusedError(Fault.DAMAGED)
    _refuse_archive(content)


def _check_png(content: bytes, _allowance: Allowance) -> None:
    if not content.endswith(b"IEND\xae\x42\x60\x82"):
        raise FileRefusedError(Fault.DAMAGED)
    _refuse_archive(content)


def _check_jpeg(content: bytes, _allowance: Allowance) -> None:
    # Cameras add what they like after the picture's end.
    if b"\xff\xd9" not in content:
        raise FileRefusedError(Fault.DAMAGED)
    _refuse_archive(content)


def _refuse_archive(content: bytes) -> None:
    """Archives are read from their end, so that one can hide behind a picture."""
    if zipfile.is_zipfile(BytesIO(content)):
        raise FileRefusedError(Fault.TWO_IN_ONE)


# Text and e-mail.

_MARKUP = re.compile(r"\s*<[a-z!?/]", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")
_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def _check_text(content: bytes, _allowance: Allowance) -> None:
    text = _decoded(content)
    if _CONTROL.search(text):
        raise FileRefusedError(Fault.OTHER_CONTENT)
    if _MARKUP.match(text) or text.startswith("#!"):
        raise FileRefusedError(Fault.MARKUP)
    _refuse_archive(content)


def _decoded(content: bytes) -> str:
    marks = (m for m in _BYTE_ORDER_MARKS if content.startswith(m))
    encoding = _BYTE_ORDER_MARKS.get(next(marks, b""), "utf-8")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        if encoding != "utf-8":
            raise FileRefusedError(Fault.DAMAGED) from None
    # Text from before UTF-8: every byte is some letter in it.
    return content.decode("latin-1")


def _check_mail(content: bytes, allowance: Allowance) -> None:
    if b"\0" in content:
        raise FileRefusedError(Fault.OTHER_CONTENT)
    try:
        mail = BytesParser(policy=policy.compat32).parsebytes(content)
        parts = list(mail.walk())
    except RecursionError:
        raise FileRefusedError(Fault.DAMAGED) from None
    if not mail["from"] or not (mail["date"] or mail["message-id"]):
        raise FileRefusedError(Fault.OTHER_CONTENT)
    if len(parts) > MOST_PARTS:
        raise FileRefusedError(Fault.TOO_LARGE_INSIDE)
    for part in parts:
        _check_attachment(part, allowance)


def _check_attachment(part: Message, allowance: Allowance) -> None:
    """Refuse what a person could open from the e-mail and couldn't attach itself."""
    if part.is_multipart():
        return
    name = _decoded_name(part.get_filename() or "")
    if not name and part.get_content_maintype() == "text":
        return
    payload = part.get_payload(decode=True)
    content = payload if isinstance(payload, bytes) else b""
    allowance.take(len(content))
    _examine_within(name, content, allowance)


def _decoded_name(name: str) -> str:
    try:
        return str(make_header(decode_header(name)))
    except (HeaderParseError, LookupError, ValueError):
        return name


# Packed documents: OOXML (DOCX, XLSX) and OpenDocument (ODT).

_OOXML = "application/vnd.openxmlformats-officedocument."
_DOCX = f"{_OOXML}wordprocessingml.document"
_XLSX = f"{_OOXML}spreadsheetml.sheet"
_ODT = "application/vnd.oasis.opendocument.text"
_MACRO_WORDS = ("macroenabled", "vbaproject", "vbadata", "activex", "xlmacrosheet")


def _check_docx(content: bytes, allowance: Allowance) -> None:
    _check_ooxml(content, f"{_DOCX}.main+xml", allowance)


def _check_xlsx(content: bytes, allowance: Allowance) -> None:
    _check_ooxml(content, f"{_XLSX}.main+xml", allowance)


def _check_ooxml(content: bytes, main_type: str, allowance: Allowance) -> None:
    parts = _unpacked(content, allowance)
    listed = parts.get("[Content_Types].xml")
    if listed is None:
        raise FileRefusedError(Fault.OTHER_CONTENT)
    types = {attrs.get("ContentType", "").lower() for _tag, attrs in _tags(listed)}
    if any(word in kind for kind in types for word in _MACRO_WORDS):
        raise FileRefusedError(Fault.MACROS)
    if main_type.lower() not in types:
        raise FileRefusedError(Fault.OTHER_CONTENT)
    for name, part in parts.items():
        _check_ooxml_part(name, part, allowance)


def _check_ooxml_part(name: str, part: bytes, allowance: Allowance) -> None:
    lowered = name.lower()
    if any(word in lowered for word in ("vbaproject", "vbadata", "/activex/")):
        raise FileRefusedError(Fault.MACROS)
    if lowered.endswith(".rels") and _runs_from_elsewhere(part):
        raise FileRefusedError(Fault.MACROS)
    if "/embeddings/" in lowered:
        _examine_within(PurePosixPath(name).name, part, allowance)


def _runs_from_elsewhere(relations: bytes) -> bool:
    """A template or object that is fetched on opening can bring macros along."""
    return any(
        attrs.get("TargetMode", "").lower() == "external"
        and attrs.get("Type", "").rpartition("/")[2].lower() in _FETCHED
        for _tag, attrs in _tags(relations)
    )


_FETCHED = ("attachedtemplate", "oleobject", "frame", "subdocument", "afchunk")


def _check_odt(content: bytes, allowance: Allowance) -> None:
    parts = _unpacked(content, allowance)
    if parts.get("mimetype", b"").strip() != _ODT.encode():
        raise FileRefusedError(Fault.OTHER_CONTENT)
    folders = {name.partition("/")[0].lower() for name in parts if "/" in name}
    if folders & {"basic", "scripts"}:
        raise FileRefusedError(Fault.MACROS)
    manifest = _tags(parts.get("META-INF/manifest.xml", b"<none/>"))
    if any(tag.rpartition(":")[2] == "encryption-data" for tag, _attrs in manifest):
        raise FileRefusedError(Fault.PASSWORD)
    if any(kind in _FOREIGN_OBJECTS for kind in _media_types(manifest)):
        raise FileRefusedError(Fault.EMBEDDED)


_FOREIGN_OBJECTS = ("application/vnd.sun.star.oleobject",)


def _media_types(manifest: list[tuple[str, Mapping[str, str]]]) -> set[str]:
    return {attrs.get("manifest:media-type", "").lower() for _tag, attrs in manifest}


def _unpacked(content: bytes, allowance: Allowance) -> dict[str, bytes]:
    """Return the parts by name: with their content those that say what is inside.

    All are measured before any is read, and all are read, which checks their sums.
    """
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            parts = archive.infolist()
            _check_parts(archive, parts)
            allowance.take(sum(part.file_size for part in parts))
            return {part.filename: _read(archive, part) for part in parts}
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError):
        raise FileRefusedError(Fault.DAMAGED) from None


def _check_parts(archive: zipfile.ZipFile, parts: list[zipfile.ZipInfo]) -> None:
    names = {part.filename.lower() for part in parts}
    if len(parts) > MOST_PARTS:
        raise FileRefusedError(Fault.TOO_LARGE_INSIDE)
    if len(names) != len(parts) or any(map(_leads_elsewhere, names)):
        raise FileRefusedError(Fault.DAMAGED)
    if archive.comment:
        raise FileRefusedError(Fault.TWO_IN_ONE)
    if any(part.flag_bits & 0x1 for part in parts):
        raise FileRefusedError(Fault.PASSWORD)


def _leads_elsewhere(name: str) -> bool:
    return name.startswith("/") or "\\" in name or ".." in name.split("/")


def _read(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> bytes:
    is_kept = _TELLING.search(part.filename) is not None
    if is_kept and part.file_size > MOST_TELLING_BYTES:
        raise FileRefusedError(Fault.TOO_LARGE_INSIDE)
    kept = []
    with archive.open(part) as file:
        while chunk := file.read(_CHUNK):
            if is_kept:
                kept.append(chunk)
    return b"".join(kept)


_TELLING = re.compile(
    r"^\[Content_Types\]\.xml$|\.rels$|/embeddings/|^mimetype$|^META-INF/manifest\.xml$",
    re.IGNORECASE,
)


def _tags(content: bytes) -> list[tuple[str, Mapping[str, str]]]:
    """Return each element's name and attributes; a document type is refused."""
    found: list[tuple[str, Mapping[str, str]]] = []

    def add(tag: str, attributes: Mapping[str, str]) -> None:
        if len(found) == MOST_TAGS:
            raise FileRefusedError(Fault.TOO_LARGE_INSIDE)
        found.append((tag, attributes))

    def refuse(*_args: object) -> None:
        raise FileRefusedError(Fault.DAMAGED)

    parser = expat.ParserCreate()
    parser.StartElementHandler = add
    # Entities are declared there, and they can grow without end.
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(content, True)
    except expat.ExpatError:
        raise FileRefusedError(Fault.DAMAGED) from None
    return found


_JPEG = FileFormat("JPEG", "image/jpeg", ".jpg", _check_jpeg)
FORMATS: Mapping[str, FileFormat] = {
    ".pdf": FileFormat("PDF", "application/pdf", ".pdf", _check_pdf),
    ".docx": FileFormat("DOCX", _DOCX, ".docx", _check_docx),
    ".xlsx": FileFormat("XLSX", _XLSX, ".xlsx", _check_xlsx),
    ".odt": FileFormat("ODT", _ODT, ".odt", _check_odt),
    ".png": FileFormat("PNG", "image/png", ".png", _check_png),
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
    ".txt": FileFormat("TXT", "text/plain", "", _check_text),
    ".eml": FileFormat("EML", "message/rfc822", "", _check_mail),
}

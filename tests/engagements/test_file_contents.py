"""What may be kept is told by content, inside as well as outside."""

import zipfile
from io import BytesIO

import pytest

from engagements.values import file_contents
from engagements.values.file_contents import (
    Fault,
    FileRefusedError,
    clean_file_name,
    examine,
)
from tests.engagements.files import (
    DOCX_MAIN,
    JPEG,
    PDF,
    PNG,
    TEXT,
    content_types,
    docx,
    mail,
    odt,
    relations,
    xlsx,
    zipped,
)

EXE = b"MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00\xff\xff\x00\x00" + b"\0" * 100
SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script/></svg>'
HTML = b"<!DOCTYPE html><script>alert(1)</script>"
MACRO_MAIN = "application/vnd.ms-word.document.macroEnabled.main+xml"
VBA = "application/vnd.ms-office.vbaProject"
SETTINGS_RELS = "word/_rels/settings.xml.rels"


def fault_of(name: str, content: bytes) -> Fault | None:
    try:
        examine(name, content)
    except FileRefusedError as refusal:
        return refusal.fault
    return None


@pytest.mark.parametrize(
    ("name", "content", "content_type"),
    [
        ("a.pdf", PDF, "application/pdf"),
        ("A.PDF", PDF, "application/pdf"),
        ("a.png", PNG, "image/png"),
        ("a.jpg", JPEG, "image/jpeg"),
        ("a.jpeg", JPEG + b"trailer of a camera", "image/jpeg"),
        ("a.docx", docx(), DOCX_MAIN.removesuffix(".main+xml")),
        (
            "a.xlsx",
            xlsx(),
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        ),
        ("a.odt", odt(), "application/vnd.oasis.opendocument.text"),
        ("a.txt", TEXT, "text/plain"),
        ("a.txt", TEXT.decode().encode("utf-16"), "text/plain"),
        ("a.txt", "£5 für Müller".encode("cp1252"), "text/plain"),
        ("a.txt", b"MZ is how these minutes begin", "text/plain"),
        ("a.eml", mail(contract_pdf=PDF, sheet_xlsx=xlsx()), "message/rfc822"),
        ("a.docx", docx({"word/embeddings/chart.xlsx": xlsx()}), None),
        ("a.docx", docx({SETTINGS_RELS: relations("hyperlink", "External")}), None),
    ],
)
def test_what_is_sound_is_kept_under_its_own_type(name, content, content_type):
    found = examine(name, content).content_type

    assert found == (content_type or DOCX_MAIN.removesuffix(".main+xml"))


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("a.pdf", b"", Fault.EMPTY),
        ("a.exe", EXE, Fault.NOT_ALLOWED),
        ("a.svg", SVG, Fault.NOT_ALLOWED),
        ("a.html", HTML, Fault.NOT_ALLOWED),
        ("a.docm", docx(), Fault.NOT_ALLOWED),
        ("a.zip", zipped({"a.txt": TEXT}), Fault.NOT_ALLOWED),
        ("contract", PDF, Fault.NOT_ALLOWED),
        ("a.pdf.exe", PDF, Fault.NOT_ALLOWED),
        ("a.pdf", EXE, Fault.OTHER_CONTENT),
        ("a.pdf", PNG, Fault.OTHER_CONTENT),
        ("a.pdf", b"MZ" + PDF, Fault.OTHER_CONTENT),
        ("a.png", SVG, Fault.OTHER_CONTENT),
        ("a.docx", xlsx(), Fault.OTHER_CONTENT),
        ("a.xlsx", docx(), Fault.OTHER_CONTENT),
        ("a.odt", docx(), Fault.OTHER_CONTENT),
        ("a.docx", zipped({"a.txt": TEXT}), Fault.OTHER_CONTENT),
        ("a.txt", EXE, Fault.OTHER_CONTENT),
        ("a.txt", TEXT + b"\x00", Fault.OTHER_CONTENT),
        ("a.eml", TEXT, Fault.OTHER_CONTENT),
        ("a.txt", HTML, Fault.MARKUP),
        ("a.txt", b"\xef\xbb\xbf \n" + SVG, Fault.MARKUP),
        ("a.txt", b"#!/bin/sh\nrm -rf /\n", Fault.MARKUP),
        ("a.pdf", PDF.replace(b"%%EOF", b""), Fault.DAMAGED),
        ("a.png", PNG[:-4], Fault.DAMAGED),
        ("a.jpg", JPEG[:-2], Fault.DAMAGED),
        ("a.docx", docx()[:-30], Fault.DAMAGED),
        ("a.docx", docx({"../evil.xml": b"<x/>"}), Fault.DAMAGED),
        ("a.docx", docx({"/etc/passwd": b"<x/>"}), Fault.DAMAGED),
        ("a.pdf", PDF + zipped({"evil.class": EXE}), Fault.TWO_IN_ONE),
        ("a.png", PNG[:-12] + zipped({"a": EXE}) + PNG[-12:], Fault.TWO_IN_ONE),
        ("a.jpg", JPEG + zipped({"evil.class": EXE}), Fault.TWO_IN_ONE),
        (
            "a.docx",
            zipped({"[Content_Types].xml": content_types(DOCX_MAIN)}, b"<script>"),
            Fault.TWO_IN_ONE,
        ),
        ("a.docx", docx(None, MACRO_MAIN), Fault.MACROS),
        ("a.docx", docx(None, DOCX_MAIN, VBA), Fault.MACROS),
        ("a.docx", docx({"word/vbaProject.bin": b"x"}), Fault.MACROS),
        ("a.docx", docx({"word/activeX/activeX1.xml": b"<x/>"}), Fault.MACROS),
        (
            "a.docx",
            docx({SETTINGS_RELS: relations("attachedTemplate", "External")}),
            Fault.MACROS,
        ),
        ("a.odt", odt({"Basic/Standard/Module1.xml": b"<x/>"}), Fault.MACROS),
        ("a.odt", odt({"Scripts/python/evil.py": b"x"}), Fault.MACROS),
        ("a.odt", odt(manifest=b"<m><m:encryption-data/></m>"), Fault.PASSWORD),
        (
            "a.docx",
            docx({"word/embeddings/oleObject1.bin": EXE}),
            Fault.NOT_ALLOWED,
        ),
        (
            "a.docx",
            docx({"word/embeddings/inner.docx": docx(None, MACRO_MAIN)}),
            Fault.MACROS,
        ),
        ("a.eml", mail(contract_exe=EXE), Fault.NOT_ALLOWED),
        ("a.eml", mail(contract_pdf=EXE), Fault.OTHER_CONTENT),
        ("a.eml", mail(letter_docx=docx(None, MACRO_MAIN)), Fault.MACROS),
        ("a.eml", mail(a_eml=mail(b_eml=mail(c_svg=SVG))), Fault.NOT_ALLOWED),
    ],
)
def test_what_is_not_what_it_says_is_refused(name, content, fault):
    assert fault_of(name, content) == fault


def test_content_types_in_another_encoding_are_read_all_the_same():
    listed = content_types(DOCX_MAIN, VBA).decode().replace('"1.0"', '"1.0"')
    content = docx({"[Content_Types].xml": listed.encode("utf-16")})

    assert fault_of("a.docx", content) == Fault.MACROS


def test_entities_are_refused_before_they_grow():
    laughs = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f'<!DOCTYPE t [<!ENTITY a0 "ha">{laughs}]><Types>&a9;</Types>'

    assert fault_of("a.docx", docx({"[Content_Types].xml": bomb.encode()})) == (
        Fault.DAMAGED
    )


@pytest.mark.parametrize("place", ["word/media/image1.bin", "word/_rels/a.xml.rels"])
def test_zip_that_unfolds_without_end_is_refused_at_once(place):
    bomb = docx({place: bytes(file_contents.MOST_UNFOLDED_BYTES + 1)})

    assert fault_of("a.docx", bomb) == Fault.TOO_LARGE_INSIDE
    assert len(bomb) < 1_000_000


def test_bombs_in_one_mail_share_one_allowance():
    half = docx({"word/a.xml": bytes(file_contents.MOST_UNFOLDED_BYTES * 2 // 3)})

    assert fault_of("a.docx", half) is None
    assert fault_of("a.eml", mail(a_docx=half, b_docx=half)) == Fault.TOO_LARGE_INSIDE


def test_too_many_parts_are_refused():
    parts = {f"word/{n}.xml": b"" for n in range(file_contents.MOST_PARTS)}

    assert fault_of("a.docx", docx(parts)) == Fault.TOO_LARGE_INSIDE


def test_size_that_the_archive_lies_about_is_found_out():
    honest = docx({"word/media/a.bin": bytes(100_000)})
    with zipfile.ZipFile(BytesIO(honest)) as archive:
        part = archive.getinfo("word/media/a.bin")
    lying = honest.replace(
        part.file_size.to_bytes(4, "little"), (10).to_bytes(4, "little")
    )

    assert fault_of("a.docx", lying) == Fault.DAMAGED


def test_encrypted_parts_are_refused():
    locked = bytearray(docx())
    start = locked.rindex(b"PK\x01\x02")
    locked[start + 8] |= 1

    assert fault_of("a.docx", bytes(locked)) == Fault.PASSWORD


def test_refusal_names_the_file_inside():
    with pytest.raises(FileRefusedError) as caught:
        examine("a.eml", mail(run_me_exe=EXE))

    assert caught.value.part == "run.me.exe"


def test_mail_nested_beyond_all_sense_is_refused_not_followed():
    nested = b"From: a@b.example\nDate: x\n" + b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (n, n)
        for n in range(5_000)
    )

    assert fault_of("a.eml", nested) in (Fault.DAMAGED, Fault.TOO_LARGE_INSIDE)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("Contract 2026.pdf", "Contract 2026.pdf"),
        ("../../etc/passwd.pdf", "passwd.pdf"),
        ("C:\\Users\\jo\\a.pdf", "a.pdf"),
        ("a\x00b.pdf", "ab.pdf"),
        ("a\r\nSet-Cookie: x=1.pdf", "aSet-Cookie: x=1.pdf"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("\u200b.pdf", "document.pdf"),
        (".pdf", "document.pdf"),
        ("", "document"),
        ("  a   b .pdf. ", "a b.pdf"),
        ("Vertrag Müller.pdf", "Vertrag Müller.pdf"),
        ("a" * 300 + ".pdf", "a" * 146 + ".pdf"),
        ("\ud800a.pdf", "a.pdf"),
    ],
)
def test_file_name_is_the_name_alone(given, kept):
    assert clean_file_name(given) == kept

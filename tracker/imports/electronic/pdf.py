"""The invoice's XML out of a PDF, as Factur-X and ZUGFeRD embed it."""

from io import BytesIO

from pypdf import PdfReader
from pypdf.errors import PyPdfError

from tracker.imports.electronic.xml_tree import LARGEST_BYTES
from tracker.imports.problems import UnreadableFileError

SIGNATURE = b"%PDF-"
NAMES = frozenset({"factur-x.xml", "zugferd-invoice.xml", "xrechnung.xml"})
# What a reader of foreign PDFs meets besides its own errors.
_BROKEN = (
    PyPdfError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)


def invoice_within(content: bytes) -> bytes:
    """Return the embedded document. Raises UnreadableFileError where there is none."""
    if len(content) > LARGEST_BYTES:
        raise UnreadableFileError(
            f"The PDF has {len(content) / 1e6:,.0f} MB; at most"
            f" {LARGEST_BYTES / 1e6:,.0f} MB are read."
        )
    try:
        found = _embedded(PdfReader(BytesIO(content)))
    except _BROKEN as error:
        raise UnreadableFileError(
            "The PDF is damaged or has a password. Ask the vendor for it anew."
        ) from error
    if found is None:
        raise UnreadableFileError(
            "The PDF holds no electronic invoice (factur-x.xml). Enter it by hand, or"
            " ask the vendor for a Factur-X, ZUGFeRD or UBL invoice."
        )
    return found


def _embedded(reader: PdfReader) -> bytes | None:
    for file in reader.attachment_list:
        if file.name.casefold() in NAMES:
            return bytes(file.content)
    return None

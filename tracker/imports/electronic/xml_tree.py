"""Foreign XML to a tree, within limits: whatever it holds, it costs little to refuse.

A document type is refused as such: entities are declared there, which can grow without
end or name files and addresses. Nothing is ever fetched.
"""

from collections.abc import Mapping
from typing import NoReturn
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from tracker.imports.problems import UnreadableFileError

LARGEST_BYTES = 20 * 1024 * 1024
DEEPEST = 60
MOST_ELEMENTS = 200_000


def parse_xml(content: bytes) -> Element:
    """Return the root, its names in James Clark's notation: {namespace}name.

    Raises UnreadableFileError with what to do.
    """
    if len(content) > LARGEST_BYTES:
        raise UnreadableFileError(
            f"The document has {len(content) / 1e6:,.0f} MB; at most"
            f" {LARGEST_BYTES / 1e6:,.0f} MB are read. Ask for it without its pictures."
        )
    return _Reading().of(content)


class _Reading:
    def __init__(self) -> None:
        self._builder = TreeBuilder()
        self._depth = 0
        self._elements = 0

    def of(self, content: bytes) -> Element:
        parser = expat.ParserCreate(namespace_separator="}")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._builder.data
        parser.StartDoctypeDeclHandler = _refuse_doctype
        parser.EntityDeclHandler = _refuse_doctype
        parser.ExternalEntityRefHandler = _refuse_doctype
        try:
            parser.Parse(content, True)
        except (expat.ExpatError, ValueError, LookupError) as error:
            raise UnreadableFileError(
                f"The XML can't be read: {error}. Ask the vendor for it anew."
            ) from error
        return self._builder.close()

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        self._depth += 1
        self._elements += 1
        if self._depth > DEEPEST:
            raise UnreadableFileError(
                f"The XML is nested deeper than {DEEPEST} levels: no invoice is."
            )
        if self._elements > MOST_ELEMENTS:
            raise UnreadableFileError(
                f"The XML has more than {MOST_ELEMENTS:,} elements: no invoice has."
            )
        self._builder.start(_clark(name), {_clark(k): v for k, v in attributes.items()})

    def _end(self, name: str) -> None:
        self._depth -= 1
        self._builder.end(_clark(name))


def _clark(name: str) -> str:
    return f"{{{name}" if "}" in name else name


def _refuse_doctype(*_given: object) -> NoReturn:
    raise UnreadableFileError(
        "The XML declares a document type, which an invoice has no need of and which"
        " can do harm. Ask the vendor for a plain one."
    )

"""Which texts of ours are shown, and what the catalogues have for them.

    python -m config.messages update              brings the .po files up with the code
    python -m config.messages missing > FILE      lists what awaits a translation
    python -m config.messages fill FILE           writes translations from such a list

Needs no gettext programs. The list is JSON: entries with the text (`id`, with `plural`
and `context` where there are any), where it stands, and a translation per language: a
text, or one for each plural form, empty until somebody writes it.
"""

import ast
import json
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages import Catalog, Message
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po
from django.template.base import Lexer, TokenType
from django.utils.translation.template import templatize

from config.languages import DOMAINS, TRANSLATED, catalogue

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
ROOT = Path(__file__).resolve().parent.parent
APPS = ("config", "engagements", "tracker")
# Functions that mark a text: how many of their arguments are texts, the context first.
MARKING = {
    "gettext": 1,
    "gettext_lazy": 1,
    "gettext_noop": 1,
    "pgettext": 2,
    "pgettext_lazy": 2,
    "ngettext": 2,
    "ngettext_lazy": 2,
    "npgettext": 3,
    "npgettext_lazy": 3,
}
MARKING_MODULES = ("django.utils.translation", "engagements.values.language")
# Texts that declarations hold: by the folder of a class, and by what is called.
DECLARED_ATTRIBUTES = {
    "reports": ("title", "noun"),
    "levels": ("title", "noun"),
    "criteria": ("label", "question", "how_to_record", "quantity"),
    "patterns": ("label", "advice"),
    "imports": ("label",),
}
DECLARED_ARGUMENTS = {
    "Column": (0,),
    "Question": (1, 2),
    "Choice": (1, 2),
    "Assumption": (1,),
    "Unit": (),
}
# Of files that are imported: labels of columns, and why a line is refused.
IMPORTED_ARGUMENTS = {"Column": (1,), "Field": (1,), "refuse": (1, 2)}
# Of the parts of django-unfold that can be left out.
INSTALLED = {"filters", "forms"}
KEYWORDS_SHOWN = ("help_text", "reason", "advice", "suffix", "one")
KEYWORDS = {
    "_": (1,),
    "gettext": (1,),
    "gettext_lazy": (1,),
    "gettext_noop": (1,),
    "pgettext": ((1, "c"), 2),
    "ngettext": (1, 2),
    "npgettext": ((1, "c"), 2, 3),
}
LETTER = re.compile(r"[^\W\d_]")
PLACEHOLDER = re.compile(r"%\(\w+\)[#0\- +]?[\d.]*[a-zA-Z]|%[sd]|\{\w*[^{}\s]*\}")
SHOWN_ATTRIBUTES = re.compile(
    r"\b(?:title|aria-label|aria-description|alt|placeholder|label|data-label)="
    r'"([^"]*[A-Za-z]{2,}[^"]*)"'
)
ICON = re.compile(r"<[^>]*material-symbols[^>]*>[^<]*(?=<)")
UNSHOWN = re.compile(r"<(script|style|svg|code)\b.*?</\1>", re.DOTALL)
# Tags of Django don't end a word, tags of HTML do.
DYNAMIC, TAG = "\x00", "\x01"
# Names that are the same in every language.
NAMES = re.compile(r"Engagement tracker|SHA-256|API|CSV|XLSX")


@dataclass(frozen=True, order=True)
class Text:
    id: str
    plural: str = ""
    context: str = ""

    @property
    def key(self) -> str | tuple[str, str]:
        return (self.id, self.plural) if self.plural else self.id


class UnmarkableError(Exception):
    """A text is made while the program runs, so no catalogue can have it."""


def sources(suffixes: tuple[str, ...], within: str = "") -> Iterator[Path]:
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*")):
            parts = path.relative_to(ROOT).parts
            if path.suffix in suffixes and (not within or within in parts):
                yield path


def used_texts(domain: str) -> dict[Text, set[str]]:
    """Return the texts that the code has, each with the files where it stands."""
    found: dict[Text, set[str]] = {}
    each = _in_scripts() if domain == "djangojs" else _in_pages()
    for text, place in each:
        found.setdefault(text, set()).add(place)
    # A catalogue has one entry for a text and for the same text with a plural.
    for one in [text for text in found if text.plural]:
        found[one] |= found.pop(Text(one.id, context=one.context), set())
    return found


def _in_pages() -> Iterator[tuple[Text, str]]:
    for path in sources((".py",)):
        if "migrations" not in path.parts:
            yield from ((text, _told(path)) for text in in_python(path))
    for path in sources((".html", ".txt"), within="templates"):
        yield from ((text, _told(path)) for text in in_template(path.read_text()))
    yield from ((text, "django-unfold") for text in untranslated_in_unfold())


def _in_scripts() -> Iterator[tuple[Text, str]]:
    for path in sources((".js",), within="static"):
        keywords = {**KEYWORDS, "say": (1,)}
        for _line, message, _comments, context in extract(
            "javascript", BytesIO(path.read_bytes()), keywords=keywords
        ):
            yield _text(message, context), _told(path)


def _told(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def in_python(path: Path) -> Iterator[Text]:
    tree = ast.parse(path.read_text())
    names = {
        alias.asname or alias.name: alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module in MARKING_MODULES
        for alias in node.names
        if alias.name in MARKING
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            name = names.get(node.func.id)
            if name:
                yield _marked(node, name, path)
    yield from _declared(tree, path.parent.name)


def _declared(tree: ast.Module, folder: str) -> Iterator[Text]:
    """Yield what declarations say, which is translated where it is shown."""
    attributes = DECLARED_ATTRIBUTES.get(folder, ())
    arguments = IMPORTED_ARGUMENTS if folder == "imports" else DECLARED_ARGUMENTS
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            places = arguments.get(_called(node))
            if places is None:
                continue
            named = [key.value for key in node.keywords if key.arg in KEYWORDS_SHOWN]
            yield from _constants([*_at(places, node.args), *named])
        elif isinstance(node, ast.ClassDef):
            yield from _constants(
                part.value
                for part in node.body
                if isinstance(part, ast.Assign) and _name_of(part) in attributes
            )


def _called(call: ast.Call) -> str:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _at(places: Iterable[int], arguments: list[ast.expr]) -> Iterator[ast.expr]:
    return (arguments[i] for i in places if i < len(arguments))


def _name_of(assignment: ast.Assign) -> str:
    (target, *_) = assignment.targets
    return target.id if isinstance(target, ast.Name) else ""


def _constants(nodes: Iterable[ast.expr]) -> Iterator[Text]:
    for node in nodes:
        value = node.value if isinstance(node, ast.Constant) else None
        # What is written with underscores is a field's name.
        if isinstance(value, str) and LETTER.search(value) and "_" not in value:
            yield Text(value)


def _marked(call: ast.Call, name: str, path: Path) -> Text:
    texts = [
        argument.value
        for argument in call.args[: MARKING[name]]
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    ]
    if len(texts) != MARKING[name]:
        raise UnmarkableError(f"{path}:{call.lineno}: {ast.unparse(call)}")
    context = texts.pop(0) if "p" in name.split("gettext")[0] else ""
    return Text(texts[0], texts[1] if len(texts) > 1 else "", context)


def in_template(source: str) -> Iterator[Text]:
    # templatize keeps the template's indentation, in which Python sees a block.
    lines = (line.lstrip() for line in templatize(source).splitlines())
    code = BytesIO("\n".join(lines).encode())
    for _line, message, _comments, context in extract(
        "python", code, keywords=KEYWORDS, options={"encoding": "utf-8"}
    ):
        yield _text(message, context)


def _text(message: Any, context: str | None) -> Text:
    if isinstance(message, str):
        return Text(message, "", context or "")
    return Text(message[0], message[1], context or "")


def untranslated_in_unfold() -> Iterator[Text]:
    """Yield what pages of django-unfold say and neither it nor Django translates."""
    known = _known_to_django()
    folder = Path(str(files("unfold")))
    for path in sorted(folder.rglob("*")):
        if "contrib" in path.parts and not INSTALLED.intersection(path.parts):
            continue
        texts: Iterable[Text] = ()
        if path.suffix == ".html":
            texts = in_template(path.read_text())
        elif path.suffix == ".py":
            texts = in_python(path)
        for text in texts:
            if text.id not in known and any(letter.isalpha() for letter in text.id):
                yield text


def _known_to_django() -> set[str]:
    known: set[str] = set()
    for app in ("conf", "contrib/admin", "contrib/auth"):
        path = Path(str(files("django"))) / app / "locale/de/LC_MESSAGES/django.po"
        with path.open("rb") as file:
            for message in read_po(file, locale="de"):
                known.add(_text(message.id, None).id)
    return known


def read(language: str, domain: str) -> Catalog:
    path = catalogue(language, domain)
    if not path.exists():
        return _empty(language)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def write(messages: Catalog, language: str, domain: str) -> None:
    path = catalogue(language, domain)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(file, messages, width=88, no_location=True, ignore_obsolete=True)


def _empty(language: str) -> Catalog:
    # One date for ever: a catalogue changes with its texts alone.
    return Catalog(
        locale=language,
        project="Engagement tracker",
        header_comment="# Brought up with the code by `make messages`.",
        creation_date=EPOCH,
        revision_date=EPOCH,
        fuzzy=False,
    )


def translations(messages: Catalog) -> dict[Text, Message]:
    return {_text(each.id, each.context): each for each in messages if each.id}


def update() -> None:
    """Bring the catalogues up with the code: translations stay, what is gone goes."""
    for domain in DOMAINS:
        used = used_texts(domain)
        for language in TRANSLATED:
            had = translations(read(language, domain))
            messages = _empty(language)
            for text in sorted(used):
                kept = had.get(text)
                messages.add(
                    text.key,
                    kept.string if kept and not kept.fuzzy else None,
                    context=text.context or None,
                )
            write(messages, language, domain)


def missing() -> list[dict[str, Any]]:
    """Return what awaits a translation into any language, in the form `fill` takes."""
    return [entry for domain in DOMAINS for entry in _missing(domain)]


def _missing(domain: str) -> list[dict[str, Any]]:
    have = {code: translations(read(code, domain)) for code in TRANSLATED}
    used = used_texts(domain)
    return [
        {"domain": domain, **_named(text), "in": sorted(used[text])}
        | dict.fromkeys(TRANSLATED, "")
        for text in sorted(used)
        if not all(is_complete(text, have[code].get(text)) for code in TRANSLATED)
    ]


def _named(text: Text) -> dict[str, str]:
    parts = {"id": text.id, "plural": text.plural, "context": text.context}
    return {name: part for name, part in parts.items() if part}


def is_complete(text: Text, message: Message | None) -> bool:
    if message is None or message.fuzzy:
        return False
    written: Any = message.string if text.plural else (message.string,)
    return bool(written) and all(written)


def fill(entries: list[dict[str, Any]]) -> list[str]:
    """Write the translations that entries have; return what is wrong with others."""
    refused: list[str] = []
    for domain in DOMAINS:
        own = [entry for entry in entries if entry.get("domain", "django") == domain]
        for language in TRANSLATED if own else ():
            messages = read(language, domain)
            have = translations(messages)
            for entry in own:
                refused += _fill(have, entry, language)
            write(messages, language, domain)
    return refused


def _fill(
    have: dict[Text, Message], entry: dict[str, Any], language: str
) -> Iterator[str]:
    text = Text(entry["id"], entry.get("plural", ""), entry.get("context", ""))
    written = entry.get(language)
    if not written:
        return
    string = tuple(written) if text.plural else written
    faults = faults_of(text, string) if text in have else ["is no text of ours"]
    yield from (f"{language}: “{text.id}” {fault}" for fault in faults)
    if not faults:
        have[text].string = string


def faults_of(text: Text, string: str | tuple[str, ...]) -> list[str]:
    """Say why a translation can't stand in the place of its text."""
    forms = (string,) if isinstance(string, str) else string
    if text.plural and len(forms) != 2:
        return ["needs one translation for one, one for many"]
    wanted = [text.id, text.plural] if text.plural else [text.id]
    return [
        fault
        for one, form in zip(wanted, forms, strict=True)
        for fault in _lacks(one, form)
    ]


def _lacks(text: str, form: str) -> Iterator[str]:
    if not form.strip():
        yield "is empty"
    elif _placeholders(text) != _placeholders(form):
        yield f"has other placeholders than “{form}”"
    elif _edges(text) != _edges(form):
        yield f"begins or ends with other space than “{form}”"


def _placeholders(text: str) -> list[str]:
    return sorted(PLACEHOLDER.findall(text.replace("%%", "")))


def _edges(text: str) -> tuple[str, str]:
    return text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]


def unmarked(source: str) -> list[str]:
    """Return what a template shows and no catalogue can have."""
    page = "".join(_shown_parts(source))
    found = [match[1] for match in SHOWN_ATTRIBUTES.finditer(page)]
    page = UNSHOWN.sub(TAG, ICON.sub(TAG, page))
    parts = re.split(f"[{DYNAMIC}{TAG}]", re.sub(r"<[^>]*>", TAG, page))
    bare = (" ".join(re.sub(r"&#?\w+;", " ", part).split()) for part in parts)
    found = [" ".join(part.replace(DYNAMIC, " ").split()) for part in [*found, *bare]]
    return [part for part in found if re.search("[A-Za-z]{2,}", NAMES.sub("", part))]


def _shown_parts(source: str) -> Iterator[str]:
    is_marked = False
    for token in Lexer(source).tokenize():
        if token.token_type is TokenType.BLOCK:
            tag = token.contents.split()[0]
            if tag in ("blocktranslate", "blocktrans", "comment"):
                is_marked = True
            elif tag in ("endblocktranslate", "endblocktrans", "endcomment"):
                is_marked = False
        is_text = token.token_type is TokenType.TEXT
        yield token.contents if is_text and not is_marked else DYNAMIC


def main(arguments: list[str]) -> int:
    match arguments:
        case ["update"]:
            update()
        case ["missing"]:
            json.dump(missing(), sys.stdout, ensure_ascii=False, indent=1)
            sys.stdout.write("\n")
        case ["fill", path]:
            refused = fill(json.loads(Path(path).read_text()))
            sys.stderr.writelines(f"{each}\n" for each in refused)
            return bool(refused)
        case _:
            sys.stderr.write(str(__doc__))
            return 2
    return 0


if __name__ == "__main__":
    from django.conf import settings

    # Templates are read with Django's lexer, which asks for settings and needs none.
    settings.configure()
    sys.exit(main(sys.argv[1:]))

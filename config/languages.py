"""The languages of the product, and their catalogues as Django reads them.

The .po files in config/locale are the only source. What Django reads is compiled from
them into DATA_DIR whenever they have changed, by whichever process starts first: no
step of an installation can be forgotten, and the program's own folder may be read-only.
"""

import os
import tempfile
from hashlib import sha256
from pathlib import Path

SOURCE = Path(__file__).resolve().parent / "locale"
# British formats; what is asked for as any other English is answered in it too.
ENGLISH = "en-gb"
LANGUAGES = [(ENGLISH, "English"), ("de", "Deutsch"), ("es", "Español")]
TRANSLATED = [code for code, _name in LANGUAGES if code != ENGLISH]
DOMAINS = ("django", "djangojs")


def catalogue(language: str, domain: str) -> Path:
    return SOURCE / language / "LC_MESSAGES" / f"{domain}.po"


def compiled_catalogues(data_dir: Path) -> Path:
    """Return the folder of compiled catalogues, made if these .po files have none.

    It is named by their contents, so that processes of two releases don't take one
    another's.
    """
    sources = [catalogue(code, domain) for code in TRANSLATED for domain in DOMAINS]
    digest = sha256(b"\0".join(source.read_bytes() for source in sources)).hexdigest()
    folder = data_dir / "locale" / digest[:16]
    for source in sources:
        target = folder / source.relative_to(SOURCE).with_suffix(".mo")
        if not target.exists():
            _compile(source, target)
    return folder


def _compile(source: Path, target: Path) -> None:
    # Takes long to import, and is needed only where something has changed.
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    target.parent.mkdir(parents=True, exist_ok=True)
    with source.open("rb") as text:
        messages = read_po(text, locale=target.parts[-3])
    # Under its name it is complete, whoever else compiles or reads at this moment.
    handle, made = tempfile.mkstemp(dir=target.parent)
    with os.fdopen(handle, "wb") as file:
        write_mo(file, messages)
    os.replace(made, target)

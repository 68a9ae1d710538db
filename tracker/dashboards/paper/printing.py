"""PDF and PNG by Typst: one library, no browser, nothing of the system's."""

import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, cast

FOLDER = Path(__file__).parent
FONTS = FOLDER / "fonts"
TEMPLATE = FOLDER / "report.typ"
# Twice the screen's, so that charts stay sharp on slides.
DOTS_PER_INCH = 144
A_CHART = '#set page(width: auto, height: auto, margin: 0pt)\n#image("chart.svg")\n'


class NoPrinterError(Exception):
    """The library that makes PDF and PNG is not installed."""

    def __str__(self) -> str:
        return (
            "No PDF or PNG can be made here: the package “typst” is not installed. "
            "Install requirements.txt, or print the page from the browser"
        )


def pdf_of(data: Mapping[str, Any], drawings: Mapping[str, str]) -> bytes:
    """Return the report as PDF; `drawings` are its SVG files by name."""
    files = {"data.json": json.dumps(data), **drawings}
    return _compiled(TEMPLATE.read_text(encoding="utf-8"), files, "pdf")


def png_of(drawing: str) -> bytes:
    """Return a drawing that stands alone as PNG."""
    return _compiled(A_CHART, {"chart.svg": drawing}, "png")


def _compiled(
    source: str, files: Mapping[str, str], form: Literal["pdf", "png"]
) -> bytes:
    try:
        # Large, and of these files alone: not for every process to load.
        import typst
    except ImportError as error:
        raise NoPrinterError from error
    with TemporaryDirectory(prefix="report-") as folder:
        for name, text in {**files, "main.typ": source}.items():
            (Path(folder) / name).write_text(text, encoding="utf-8")
        # Only what was put into the folder can be read, and only our fonts be met.
        compiler = typst.Compiler(
            root=folder, font_paths=[str(FONTS)], ignore_system_fonts=True
        )
        made = compiler.compile(
            input=str(Path(folder) / "main.typ"),
            format=form,
            ppi=DOTS_PER_INCH if form == "png" else None,
        )
    # Bytes, where no file is named to write to; of several pages a list of them.
    return cast(bytes, made[0] if isinstance(made, list) else made)

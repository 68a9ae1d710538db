"""What axe finds on a page, told so that it can be mended."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Error, Page

GRAVE = ("serious", "critical")
NOTHING_MOVES = """() => document.getAnimations().every(one =>
    one.playState !== "running"
    || one.effect.getComputedTiming().iterations === Infinity)"""


def findings(
    page: Page,
    context: str | None = None,
    *,
    options: dict[str, Any] | None = None,
    impacts: tuple[str, ...] | None = None,
) -> list[str]:
    return [
        f"{issue['id']}: {issue['nodes'][0]['html'][:120]}"
        for issue in _violations(page, context, options)
        if impacts is None or issue["impact"] in impacts
    ]


def serious(
    page: Page, context: str | None = None, *, options: dict[str, Any] | None = None
) -> list[str]:
    return findings(page, context, options=options, impacts=GRAVE)


def _violations(
    page: Page, context: str | None, options: dict[str, Any] | None
) -> list[dict[str, Any]]:
    try:
        settle(page)
        found = Axe().run(page, context=context, options=options)
    except Error:
        # A click returns before the next page has begun: that was the one that left.
        settle(page)
        found = Axe().run(page, context=context, options=options)
    return list(found.response["violations"])


def settle(page: Page) -> None:
    """Wait until nothing loads or moves: colours that fade would be read half-way."""
    page.wait_for_load_state("networkidle")
    page.wait_for_function(NOTHING_MOVES)

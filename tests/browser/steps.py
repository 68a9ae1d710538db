"""Taking a step from a page, wherever its state has put it."""

from playwright.sync_api import Page


def take_step(page: Page, name: str) -> None:
    """Press the step of that address, in the menu "More" where it isn't shown."""
    step = page.locator(f".steps a[href$='/{name}/']")
    if not step.is_visible():
        page.locator(".steps-more > summary").click()
    step.click()

"""Taking a step from a page, wherever its state has put it."""

from playwright.sync_api import Page

IS_FOCUSED = "document.querySelector('#dialog')?.contains(document.activeElement)"


def take_step(page: Page, name: str) -> None:
    """Press the step of that address, in the menu "More" where it isn't shown."""
    step = page.locator(f".steps a[href$='/{name}/']")
    if not step.is_visible():
        page.locator(".steps-more > summary").click()
    opens_a_dialog = step.get_attribute("hx-get") is not None
    step.click()
    if opens_a_dialog:
        # It takes the focus to its first field: what is typed before that goes astray.
        page.wait_for_function(IS_FOCUSED)

"""An administrator takes vendors out, changes the file and brings it back in."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from engagements.choices import Role
from tests.browser.accessible import serious
from tests.factories import make_user, make_vendor
from tracker.imports.models import ImportRun, RunState
from tracker.imports.services import work_on

pytestmark = pytest.mark.browser

SHOTS = os.environ.get("SHOTS")


def shot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/imports-{name}.png", full_page=True)


@pytest.fixture
def desk(page: Page, live_server) -> Page:
    make_user(Role.ADMINISTRATOR, username="ada", password="a long enough password")
    page.goto(f"{live_server.url}/admin/login/")
    page.get_by_label("Username").fill("ada")
    page.get_by_label("Password").fill("a long enough password")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{live_server.url}/admin/")
    return page


def test_exported_file_is_changed_and_brought_back(
    desk: Page, live_server, tmp_path: Path
):
    vendor = make_vendor(legal_name="Northwind IT Ltd")
    make_vendor(legal_name="Penna PLC")

    desk.goto(f"{live_server.url}/admin/engagements/vendor/?q=northwind")
    shot(desk, "list")
    assert serious(desk) == []
    with desk.expect_download() as taken:
        desk.get_by_role("link", name="Vendors CSV").click()
    path = tmp_path / "vendors.csv"
    text = Path(taken.value.path()).read_text(encoding="utf-8-sig")
    assert "Northwind" in text
    assert "Penna" not in text
    path.write_text(text.replace("Northwind IT Ltd", "Northwind Group"))

    desk.goto(f"{live_server.url}/admin/tracker/importrun/add/")
    shot(desk, "upload")
    assert serious(desk) == []
    with desk.expect_download() as template:
        desk.get_by_role("link", name="Vendors XLSX").click()
    assert template.value.suggested_filename == "vendors-template.xlsx"
    desk.get_by_label("What it holds").select_option("vendors")
    desk.locator("[name=file]").set_input_files(path)
    desk.get_by_role("button", name="Upload", exact=True).click()
    expect(desk.get_by_role("heading", name="Which column is which?")).to_be_visible()
    shot(desk, "columns")
    assert serious(desk) == []

    desk.get_by_role("button", name="Check the file").click()
    worked(RunState.CHECKING)
    expect(desk.get_by_text("0 new, 1 changed, 0 unchanged")).to_be_visible(
        timeout=15_000
    )
    shot(desk, "checked")
    assert serious(desk) == []
    desk.get_by_role("button", name="Import: add 0, change 1").click()
    worked(RunState.APPLYING)
    expect(desk.get_by_text("0 added, 1 changed, 0 left as they were.")).to_be_visible(
        timeout=15_000
    )
    shot(desk, "applied")
    assert serious(desk) == []
    vendor.refresh_from_db()
    assert vendor.legal_name == "Northwind Group"


def worked(state: RunState) -> None:
    """Do what the page has handed to a worker."""
    run = ImportRun.objects.get()
    assert run.state == state
    work_on(run_id=run.pk, step=run.step)

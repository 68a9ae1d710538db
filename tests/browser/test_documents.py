"""A manager attaches a document and converts an engagement, in a browser."""

import os
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from engagements.choices import Renewal
from engagements.models import Assignment, Document, Engagement, ManagedContract
from engagements.services.lifecycle import start_engagement
from engagements.values.periods import add_months
from tests.browser.accessible import serious
from tests.browser.steps import take_step
from tests.browser.test_admin_logging import complaints, desk, manager
from tests.engagements.files import PDF
from tests.factories import make_contract

__all__ = ["complaints", "desk", "manager"]

pytestmark = pytest.mark.browser

SHOTS = os.environ.get("SHOTS")


@pytest.fixture(autouse=True)
def media(settings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def contract(manager) -> ManagedContract:
    found = make_contract(
        manager=manager,
        department=manager.department,
        starts_on=add_months(timezone.localdate(), -6),
        initial_term_months=12,
        renewal_term_months=12,
        renewal=Renewal.AUTO,
        notice_period=90,
    )
    start_engagement(engagement=found, actor=manager)
    return found


def page_of(live_server, contract: ManagedContract) -> str:
    return f"{live_server.url}/admin/engagements/managedcontract/{contract.pk}/change/"


def give(page: Page, name: str, content: bytes) -> None:
    page.set_input_files(
        "input[type=file]", {"name": name, "mimeType": "text/html", "buffer": content}
    )
    page.get_by_role("button", name="Save", exact=True).click()


def test_document_is_attached_downloaded_replaced_and_removed(
    desk: Page, live_server, contract, complaints
):
    desk.goto(f"{page_of(live_server, contract)}#documents")
    expect(desk.get_by_text("No document yet.")).to_be_visible()
    assert serious(desk) == []
    desk.get_by_role("link", name="Add document").click()
    assert serious(desk) == []

    desk.select_option("#id_document_type", "insurance")
    desk.fill("#id_expires_on", _days_ahead(20))
    give(desk, "run.pdf", b"MZ\x90\x00")
    expect(desk.get_by_text("The content isn't what the name says.")).to_be_visible()
    shot(desk, "document-refused")
    give(desk, "Liability 2026.pdf", PDF)

    table = desk.get_by_role("table").filter(has_text="Liability 2026")
    expect(table).to_contain_text("20 days left")
    shot(desk, "documents-tab")
    assert serious(desk) == []
    with desk.expect_download() as taken:
        desk.get_by_role("link", name="Download Liability 2026").click()
    assert taken.value.suggested_filename == "Liability 2026.pdf"
    assert Path(taken.value.path()).read_bytes() == PDF

    desk.get_by_role("link", name="Liability 2026", exact=True).click()
    assert serious(desk) == []
    desk.get_by_role("link", name="New version…").click()
    give(desk, "Liability 2027.pdf", PDF + b"\n")
    expect(desk.get_by_text("Earlier versions and removed (1)")).to_be_visible()

    desk.get_by_role("link", name="Liability 2026", exact=True).first.click()
    desk.get_by_role("link", name="Remove…").click()
    desk.get_by_label("Reason").fill("Another vendor's")
    desk.get_by_role("button", name="Remove").click()
    expect(desk.get_by_text("Liability 2026 was removed.")).to_be_visible()
    shot(desk, "documents-removed")

    desk.goto(f"{live_server.url}/admin/engagements/document/?state=all")
    expect(desk.locator("#result_list")).to_contain_text("Liability 2027.pdf")
    assert serious(desk) == []
    assert Document.objects.current().get().file_name == "Liability 2026.pdf"
    assert complaints == []


def test_engagement_is_converted_once_its_meaning_was_shown(
    desk: Page, live_server, contract, complaints
):
    desk.goto(page_of(live_server, contract))
    take_step(desk, "convert-to-augmented")
    facts = desk.get_by_role("table", name="What it means")
    expect(facts).to_contain_text("Augmented contractor")
    shot(desk, "conversion")
    assert serious(desk) == []

    desk.get_by_label("Or a new contractor").fill("Aisha Novak")
    desk.get_by_label("Rate").fill("640")
    desk.get_by_label("Last day of the present").fill(_days_ahead(9))
    desk.get_by_label("Successor starts on").fill(_days_ahead(20))
    desk.get_by_role("button", name="Draft the successor").click()
    expect(desk.get_by_text("Press again to confirm.")).to_be_visible()
    expect(desk.get_by_text("On 10 days neither of the two runs.")).to_be_visible()
    expect(desk.get_by_text("Notice allows no earlier last day")).to_be_visible()
    expect(facts).to_contain_text("£13,866.67")
    shot(desk, "conversion-shown")
    assert serious(desk) == []
    desk.get_by_role("button", name="Draft the successor").click()

    successor = Assignment._default_manager.get(predecessor=contract)
    line = desk.get_by_role("navigation", name="Lineage")
    expect(line).to_contain_text(contract.reference)
    expect(line).to_contain_text(successor.reference)
    shot(desk, "lineage")
    assert serious(desk, context="nav.panel") == []
    assert str(successor.contractor) == "Aisha Novak"
    assert Engagement.objects.get(pk=contract.pk).status == "active"
    assert complaints == []


def _days_ahead(days: int) -> str:
    return (timezone.localdate() + timedelta(days=days)).isoformat()


def shot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/{name}.png")

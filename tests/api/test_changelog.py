from django.test import Client

from config.env import BASE_DIR
from tracker.api.changelog import ENTRIES


def test_changelog_is_open_to_read_and_cached():
    first = Client().get("/api/v1/changelog")
    again = Client().get("/api/v1/changelog", headers={"If-None-Match": first["ETag"]})

    assert (first.status_code, again.status_code) == (200, 304)
    assert len(first.json()["results"]) == len(ENTRIES)
    assert set(first.json()["results"][0]) == {"on", "version", "kind", "text"}


def test_page_tells_every_entry():
    page = (BASE_DIR / "docs" / "api-changelog.md").read_text(encoding="utf-8")

    told = [line for line in page.splitlines() if line.startswith("| 20")]

    assert told == [
        f"| {entry.on} | {entry.version} | {entry.kind} | {entry.text} |"
        for entry in ENTRIES
    ]

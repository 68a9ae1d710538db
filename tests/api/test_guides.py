"""The guides under their titles: in docs/, in its index and beside the description."""

import pytest
from django.test import Client

from config.env import BASE_DIR
from tracker.api.guides import GUIDES, linked

DOCS = BASE_DIR / "docs"
NAMED = {
    "Push your people from Okta, Entra, BambooHR": "push-people",
    "Pull contingent workers into Workday or HiBob": "pull-contingent-workers",
    "Receive events": "receive-events",
}


@pytest.mark.parametrize("slug", GUIDES)
def test_guide_has_its_title_wherever_it_is_read(slug):
    guide = GUIDES[slug]
    page = Client().get(f"/api/docs/guides/{slug}")
    text = Client().get(f"/api/docs/guides/{slug}/text").json()

    assert (DOCS / guide.path).read_text().startswith(f"# {guide.title}\n")
    assert f"<title>{guide.title} · Engagement tracker</title>" in page.content.decode()
    assert (text["info"]["title"], text["paths"]) == (guide.title, {})
    assert ".md" not in text["info"]["description"].replace("index.md", "")


def test_index_and_description_lead_to_the_guides():
    index = (DOCS / "guides" / "README.md").read_text()
    page = Client().get("/api/docs").content.decode()

    for title, slug in NAMED.items():
        assert f"[{title}](" in index
        assert f'<a href="/api/docs/guides/{slug}">{title}</a>' in page


def test_unknown_guide_is_not_found():
    for path in ("/api/docs/guides/none", "/api/docs/guides/none/text"):
        assert Client().get(path).status_code == 404


def test_links_lead_to_other_guides_or_are_their_words():
    text = "[a](../scim.md#x), [b](https://example.org/), [c](../demo.md), [d](#here)"

    assert linked(text, below="guides/push-people.md") == (
        "[a](/api/docs/guides/people-from-your-identity-tool),"
        " [b](https://example.org/), c, d"
    )

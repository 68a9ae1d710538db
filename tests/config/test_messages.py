"""German and Spanish are whole: every text of ours, and none that is gone."""

from pathlib import Path

import pytest

from config.languages import DOMAINS, TRANSLATED, catalogue, compiled_catalogues
from config.messages import (
    Text,
    faults_of,
    in_python,
    in_template,
    is_complete,
    read,
    sources,
    translations,
    unmarked,
    used_texts,
)


@pytest.mark.parametrize("domain", DOMAINS)
def test_every_text_of_ours_is_translated_and_no_other(domain):
    used = set(used_texts(domain))
    for language in TRANSLATED:
        have = translations(read(language, domain))

        lacking = [text for text in used if not is_complete(text, have.get(text))]
        gone = set(have) - used
        wrong = [
            (text.id, fault)
            for text, message in have.items()
            for fault in faults_of(text, message.string)
        ]

        assert (language, lacking, gone, wrong) == (language, [], set(), [])


def test_templates_show_no_unmarked_text():
    shown = {
        str(path): found
        for path in sources((".html", ".txt"), within="templates")
        if (found := unmarked(path.read_text()))
    }

    assert shown == {}


@pytest.mark.parametrize(
    ("template", "found"),
    [
        ("<h1>Spend</h1>", ["Spend"]),
        ('<a title="Open it" href="x">-</a>', ["Open it"]),
        ("{% if a %}Open{% endif %}", ["Open"]),
        ("<p>{{ count }} rows</p>", ["rows"]),
        ('<h1>{% translate "Spend" %}</h1><p>{{ amount }}</p>', []),
        ("<p>{% blocktranslate %}{{ n }} rows{% endblocktranslate %}</p>", []),
        ('<span class="material-symbols-outlined">home</span>', []),
        ("<style>p { color: red }</style><title>Engagement tracker</title>", []),
    ],
)
def test_unmarked_text_is_found(template, found):
    assert unmarked(template) == found


def test_texts_are_read_from_templates_and_from_python(tmp_path):
    template = (
        '{% load i18n %}\n  {% translate "Open it" %}\n'
        "  {% blocktranslate count n=rows %}{{ n }} row{% plural %}{{ n }} rows"
        "{% endblocktranslate %}"
    )
    module = tmp_path / "module.py"
    module.write_text(
        "from django.utils.translation import gettext as _\n"
        "from django.utils.translation import pgettext\n"
        '_("One " "text")\npgettext("verb", "order")\nother("no text")\n'
    )

    assert list(in_template(template)) == [
        Text("Open it"),
        Text("%(n)s row", "%(n)s rows"),
    ]
    assert list(in_python(module)) == [
        Text("One text"),
        Text("order", context="verb"),
    ]


@pytest.mark.parametrize(
    ("text", "written", "fault"),
    [
        (Text("Of %(n)d"), "Von %(n)d", []),
        (Text("Of %(n)d"), "Von", ["has other placeholders than “Von”"]),
        (Text("{} of {}"), "{} von", ["has other placeholders than “{} von”"]),
        (Text("Of: "), "Von:", ["begins or ends with other space than “Von:”"]),
        (Text("Of"), " ", ["is empty"]),
        (Text("a", "b"), ("x",), ["needs one translation for one, one for many"]),
    ],
)
def test_a_translation_has_what_its_text_has(text, written, fault):
    assert faults_of(text, written) == fault


def test_catalogues_are_compiled_once_where_django_reads_them(tmp_path):
    folder = compiled_catalogues(tmp_path)
    made = folder / "de" / "LC_MESSAGES" / "django.mo"
    written_at = made.stat().st_mtime_ns

    assert compiled_catalogues(tmp_path) == folder
    assert made.stat().st_mtime_ns == written_at
    assert [path.name for path in made.parent.iterdir()] == ["django.mo", "djangojs.mo"]


def test_a_source_is_kept_without_places_and_dates():
    for language in TRANSLATED:
        source = Path(catalogue(language, "django")).read_text()

        assert "#:" not in source
        assert "#~" not in source

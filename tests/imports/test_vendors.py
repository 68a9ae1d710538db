import pytest

from engagements.choices import Role, Standing
from engagements.models import Event, Vendor
from tests.factories import make_user, make_vendor
from tests.imports.records import bring_in, counts, export, exported_rows, told
from tracker.imports import record_kinds
from tracker.imports.exports import template_of
from tracker.imports.problems import UnreadableFileError

__all__ = ["bring_in"]

pytestmark = pytest.mark.django_db

NORTHWIND = {
    "Legal name": "Northwind IT Ltd",
    "External id": "S-1",
    "Standing": "On hold",
    "Tier": "strategic",
    "May run managed services": "yes",
    "May supply contractors": "no",
    "Currency": "eur",
    "Payment terms (days)": "45",
    "Tax id": "DE123",
    "Country": "de",
}
PENNA = {"Legal name": "Penna PLC"}


@pytest.fixture
def finance():
    return make_user(Role.FINANCE)


def test_vendors_are_registered_with_what_the_file_says(bring_in, finance):
    report = bring_in("vendors", [NORTHWIND, PENNA], actor=finance)

    assert counts(report) == (2, 0, 0, 0)
    vendor = Vendor.objects.get(external_id="S-1")
    assert (vendor.legal_name, vendor.standing, vendor.tier) == (
        "Northwind IT Ltd",
        "on_hold",
        "strategic",
    )
    assert (vendor.allows_managed, vendor.allows_augmented) == (True, False)
    assert (vendor.currency, vendor.payment_terms_days) == ("EUR", 45)
    assert (vendor.tax_id, vendor.country) == ("DE123", "DE")
    event = Event.objects.get(event_type="vendor.registered", subject_id=vendor.pk)
    assert event.actor == finance


def test_blank_cells_of_a_new_vendor_take_the_usual(bring_in, settings):
    settings.REPORTING_CURRENCY = "EUR"

    bring_in("vendors", [{**dict.fromkeys(NORTHWIND, ""), **PENNA}])

    vendor = Vendor.objects.get()
    assert (vendor.standing, vendor.currency, vendor.payment_terms_days) == (
        Standing.ACTIVE,
        "EUR",
        30,
    )
    assert vendor.external_id is None


def test_dry_run_stores_nothing_and_tells_the_same(bring_in):
    report = bring_in("vendors", [NORTHWIND, PENNA], is_dry_run=True)

    assert counts(report) == (2, 0, 0, 0)
    assert Vendor.objects.count() == 0
    assert Event.objects.count() == 0


def test_same_file_again_adds_and_changes_nothing(bring_in):
    bring_in("vendors", [NORTHWIND, PENNA])
    events = Event.objects.exclude(event_type__startswith="import.").count()

    again = bring_in("vendors", [NORTHWIND, PENNA])

    assert counts(again) == (0, 0, 2, 0)
    assert Vendor.objects.count() == 2
    assert Event.objects.exclude(event_type__startswith="import.").count() == events


def test_vendor_is_known_by_its_name_however_it_is_spelt(bring_in):
    vendor = make_vendor(legal_name="Penna PLC", tax_id="old", country="FR")

    report = bring_in("vendors", [{"Vendor": "PENNA  plc.", "VAT number": "GB1"}])

    assert counts(report) == (0, 1, 0, 0)
    vendor.refresh_from_db()
    assert (vendor.tax_id, vendor.country, vendor.version) == ("GB1", "FR", 2)
    assert Event.objects.get(event_type="vendor.changed").changes["tax_id"] == [
        "old",
        "GB1",
    ]
    assert [str(note) for note in report.notes] == [
        "line 2: Penna PLC: Legal name “Penna PLC” → “PENNA plc.”, Tax id “old” → “GB1”"
    ]


def test_blank_cell_empties_what_may_be_empty_and_leaves_the_rest(bring_in):
    vendor = make_vendor(legal_name="Penna PLC", tax_id="old", country="FR")

    bring_in("vendors", [{"Legal name": "Penna PLC", "Tax id": "", "Country": ""}])

    vendor.refresh_from_db()
    assert (vendor.tax_id, vendor.country) == ("", "FR")


def test_exported_id_renames_and_other_keys_contradict(bring_in):
    vendor = make_vendor(legal_name="Penna PLC", external_id="S-1")

    by_id = bring_in(
        "vendors", [{"Record id": str(vendor.public_id), "Legal name": "Penna Group"}]
    )
    wrong = bring_in("vendors", [{"Legal name": "Penna Group", "External id": "S-2"}])
    unknown = bring_in("vendors", [{"Record id": "1f88045e", "Legal name": "Reed"}])

    vendor.refresh_from_db()
    assert (counts(by_id), vendor.legal_name) == ((0, 1, 0, 0), "Penna Group")
    assert told(wrong) == [
        (2, "external_id", "differs from the external id that is recorded")
    ]
    assert told(unknown) == [(2, "id", "is the id of no recorded vendor")]


def test_every_error_of_every_line_is_told_and_nothing_is_applied(bring_in):
    report = bring_in(
        "vendors",
        [
            PENNA,
            {"Legal name": "=cmd", "Currency": "QQQ", "Country": "Spain"},
            {"Legal name": "", "Standing": "so-so", "Payment terms (days)": "soon"},
            {"Legal name": "PENNA Plc"},
            {
                "Legal name": "Reed",
                "May run managed services": "no",
                "May supply contractors": "no",
                "Tax id": "x" * 41,
            },
            {"Legal name": "..."},
        ],
    )

    assert told(report) == [
        (3, "legal_name", "begins like a formula"),
        (3, "currency", "is no currency code"),
        (3, "country", "is no country code"),
        (4, "standing", "is no word for this"),
        (4, "payment_terms_days", "is no amount that can be read"),
        (4, "legal_name", "is blank, and a new record needs it"),
        (5, "legal_name", "is the vendor of line 2 again"),
        (6, "tax_id", "has 41 characters"),
        (7, "legal_name", "Give a name with letters or digits"),
    ]
    assert (report.read, report.accepted, report.refused) == (6, 1, 5)
    assert Vendor.objects.count() == 0


def test_rule_of_the_service_is_told_on_its_line(bring_in):
    report = bring_in(
        "vendors",
        [{"Name": "Reed", "Managed services": "no", "Contractors": "no"}],
    )

    assert told(report) == [
        (2, "line", "Allow at least one model: managed services or contractors")
    ]


def test_accepted_lines_alone_are_applied_where_a_person_says_so(bring_in):
    report = bring_in("vendors", [PENNA, {"Legal name": "+x"}], is_per_line=True)

    assert (report.is_applied, counts(report)) == (True, (1, 0, 0, 1))
    assert [vendor.legal_name for vendor in Vendor.objects.all()] == ["Penna PLC"]


def test_template_row_is_passed_over(bring_in):
    for file_format in ("csv", "xlsx"):
        report = bring_in(
            "vendors",
            template_of("vendors", file_format).read(),
            file_format=file_format,
        )

        assert (report.read, len(report.mapping)) == (0, 11)
        assert [str(note) for note in report.notes] == [
            "line 2: the template's example, passed over"
        ]


@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
def test_export_changes_nothing_when_it_comes_back(bring_in, finance, file_format):
    vendors = [
        make_vendor(legal_name="=cmd|' /C calc'!A1", tax_id="'-1", external_id="+49"),
        make_vendor(legal_name='Müller, "Söhne"; & Co', country="DE", currency="EUR"),
        make_vendor(legal_name="双葉\u3000株式会社", payment_terms_days=0),
        make_vendor(legal_name="Two  spaces Ltd", allows_managed=False),
    ]

    content = export("vendors", vendors, finance, file_format)
    report = bring_in("vendors", content, file_format=file_format)

    assert told(report) == []
    assert counts(report) == (0, 0, 4, 0)


def test_export_is_harmless_in_a_spreadsheet(finance):
    content = export("vendors", [make_vendor(legal_name="=1+1")], finance)

    assert content.startswith(b"\xef\xbb\xbf")
    row = exported_rows(content)[0]
    assert (row["Legal name"], row["Payment terms (days)"]) == ("'=1+1", "30")


def test_references_are_looked_up_at_once(bring_in, django_assert_num_queries):
    def unchanged(count):
        rows = [{"Legal name": f"Vendor {n} of many"} for n in range(count)]
        bring_in("vendors", rows)
        # Keys, records; the trial opens, rolls back and releases a savepoint.
        with django_assert_num_queries(5):
            report = bring_in("vendors", rows, is_dry_run=True)
        assert report.already_recorded == count

    unchanged(1)
    unchanged(30)


def test_more_than_can_be_stored_at_once_is_refused_as_a_whole(bring_in, monkeypatch):
    monkeypatch.setattr(record_kinds, "MOST_STORED", 1)

    with pytest.raises(UnreadableFileError) as refused:
        bring_in("vendors", [NORTHWIND, PENNA])

    assert "adds or changes 2 records; at most 1 are stored" in str(refused.value)
    assert Vendor.objects.count() == 0


def test_vendors_are_read_from_json_too(bring_in):
    content = b'[{"name": "Penna PLC", "payment_terms_days": 45}]'

    report = bring_in("vendors", content, file_format="json")

    assert (told(report), counts(report)) == ([], (1, 0, 0, 0))
    assert Vendor.objects.get().payment_terms_days == 45

import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from engagements.choices import Role
from engagements.models import Event, Vendor
from tests.admin.conftest import logged_in
from tests.factories import make_user, make_vendor
from tracker.imports import services
from tracker.imports.models import ImportRun, RunState
from tracker.spend.models import Payment

pytestmark = pytest.mark.django_db

CSV = (
    "Paid Date,Amount,Supplier Name,Service Area\n"
    "2016-10-04,5.00,PENNA PLC,HR\n"
    "2016-10-05,6.00,<script>alert(1)</script>,HR\n"
)
BAD = "soon,7.00,=cmd,HR\n"
ADD = reverse("admin:tracker_importrun_add")


@pytest.fixture
def worker(monkeypatch, django_capture_on_commit_callbacks):
    """Do at once what is sent to a worker, as a worker does."""
    monkeypatch.setattr(
        services.current_app,
        "send_task",
        lambda _name, args: services.work_on(run_id=args[0], step=args[1]),
    )

    def post(client, url, data):
        with django_capture_on_commit_callbacks(execute=True):
            return client.post(url, data)

    return post


@pytest.fixture
def finance(client):
    client.force_login(make_user(Role.FINANCE))
    return client


def upload(client, content=CSV, name="spend.csv"):
    file = SimpleUploadedFile(name, content.encode())
    return client.post(ADD, {"kind": "payments", "file": file})


def page_of(run):
    return reverse("admin:tracker_importrun_change", args=[run.pk])


def fields_of(response):
    form = response.context["form"]
    return {name: form[name].value() or "" for name in form.fields}


def test_upload_leads_to_the_suggested_columns(finance):
    response = upload(finance)

    run = ImportRun.objects.get()
    assert (response.status_code, response.url) == (302, page_of(run))
    page = finance.get(page_of(run))
    assert fields_of(page)["column_amount"] == "Amount"
    assert fields_of(page)["column_unit"] == "Service Area"
    assert fields_of(page)["column_description"] == ""


def test_upload_that_is_no_table_is_refused_beside_the_field(finance):
    response = upload(finance, content="%PDF-1.7")

    assert response.context["form"].errors == {
        "file": ["This is a PDF document. Save it as CSV (UTF-8), XLSX or JSON."]
    }
    assert ImportRun.objects.count() == 0


def test_file_is_checked_then_imported(finance, worker):
    upload(finance)
    run = ImportRun.objects.get()
    columns = fields_of(finance.get(page_of(run)))

    worker(finance, page_of(run), columns | {"check": "1"})
    checked = finance.get(page_of(run))
    assert "Import 2 payments" in checked.content.decode()
    assert Payment.objects.count() == 0

    worker(finance, page_of(run), {"apply": "all"})
    applied = finance.get(page_of(run))
    assert "2 payments added." in applied.content.decode()
    assert Payment.objects.count() == 2


def test_corrected_column_is_used(finance, worker):
    upload(finance, content=CSV.replace("Service Area", "Wo"))
    run = ImportRun.objects.get()
    columns = fields_of(finance.get(page_of(run)))

    worker(finance, page_of(run), columns | {"column_unit": "Wo", "check": "1"})
    worker(finance, page_of(run), {"apply": "all"})

    assert set(Payment.objects.values_list("unit", flat=True)) == {"HR"}


def test_needed_column_left_out_is_told_on_the_page(finance, worker):
    upload(finance)
    run = ImportRun.objects.get()
    columns = fields_of(finance.get(page_of(run))) | {"column_amount": ""}

    response = worker(finance, page_of(run), columns | {"check": "1"})

    assert response.status_code == 200
    (error,) = response.context["form"].non_field_errors()
    assert error.startswith("No column for amount (amount).")


def test_refused_lines_are_listed_and_can_be_downloaded(finance, worker):
    upload(finance, content=CSV + BAD)
    run = ImportRun.objects.get()
    columns = fields_of(finance.get(page_of(run)))
    worker(finance, page_of(run), columns | {"check": "1"})

    page = finance.get(page_of(run))
    file = finance.get(reverse("admin:tracker_importrun_refused", args=[run.pk]))

    assert [problem.line for _, problem in page.context["lines"]] == [4]
    assert "Import 2 accepted payments only" in page.content.decode()
    assert file["Content-Disposition"].startswith("attachment")
    assert file.getvalue().decode().splitlines()[1].startswith("4,paid_on,")

    worker(finance, page_of(run), {"apply": "all"})
    assert Payment.objects.count() == 0
    worker(finance, page_of(run), {"apply": "per_line"})
    assert Payment.objects.count() == 2


def test_text_of_the_file_never_runs_as_markup(finance):
    upload(finance)

    page = finance.get(page_of(ImportRun.objects.get())).content.decode()

    assert "<script>alert(1)</script>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_working_run_shows_its_progress_and_renews_itself(finance):
    upload(finance)
    run = ImportRun.objects.get()
    ImportRun.objects.update(state=RunState.CHECKING, lines_done=4000)

    page = finance.get(page_of(run)).content.decode()

    assert '<meta http-equiv="refresh" content="2">' in page
    assert "4,000 lines read." in page


def test_file_that_is_gone_is_told(finance):
    upload(finance)
    run = ImportRun.objects.get()
    run.file.storage.delete(run.file.name)

    assert "Upload it again" in finance.get(page_of(run)).content.decode()


@pytest.mark.parametrize(
    ("role", "see", "add"),
    [
        (Role.FINANCE, 200, 200),
        (Role.ADMINISTRATOR, 200, 200),
        (Role.AUDITOR, 200, 403),
        (Role.MANAGER, 403, 403),
        (Role.HR_INTEGRATION, 403, 403),
    ],
)
def test_pages_are_open_to_those_with_the_right(client, role, see, add):
    client.force_login(make_user(Role.FINANCE))
    upload(client)
    run = ImportRun.objects.get()
    client.force_login(make_user(role))
    listing = reverse("admin:tracker_importrun_changelist")
    refused = reverse("admin:tracker_importrun_refused", args=[run.pk])

    assert client.get(listing).status_code == see
    assert client.get(refused).status_code == see
    assert client.get(ADD).status_code == add
    assert upload(client).status_code == (302 if add == 200 else 403)
    expected = 403 if add == 403 else 302
    assert client.post(page_of(run), {"apply": "all"}).status_code == expected


def test_list_asks_as_many_questions_at_one_row_as_at_three(
    finance, django_assert_num_queries
):
    listing = reverse("admin:tracker_importrun_changelist")
    upload(finance)
    finance.get(listing)

    with django_assert_num_queries(11):
        finance.get(listing)
    upload(finance)
    upload(finance)
    with django_assert_num_queries(11):
        finance.get(listing)


RECORDS = (
    "Legal name,Currency\nNorthwind IT Ltd,EUR\n=HYPERLINK(1),QQQ\nPenna PLC,GBP\n"
)
# Their columns are those that other systems write.
OF_PERFORMANCE = (
    "benchmarks",
    "downtime",
    "invoices",
    "measurements",
    "tickets",
    "time",
)
WITHOUT_TEMPLATE = {"payments", *OF_PERFORMANCE} - {"invoices"}
KINDS = {
    Role.FINANCE: [
        "benchmarks",
        "budgets",
        "downtime",
        "invoices",
        "measurements",
        "payments",
        "tickets",
        "time",
        "vendors",
    ],
    Role.ADMINISTRATOR: [
        "benchmarks",
        "budgets",
        "contractors",
        "downtime",
        "engagements",
        "invoices",
        "measurements",
        "payments",
        "terms",
        "tickets",
        "time",
        "vendors",
    ],
}


@pytest.mark.parametrize("role", KINDS)
def test_kinds_are_offered_to_those_who_may_change_such_records(role):
    page = logged_in(role).get(ADD)

    form = page.context["form"]
    assert [name for name, _label in form.fields["kind"].choices] == KINDS[role]


def test_right_to_import_alone_is_not_enough_for_one_department(client):
    manager = make_user(Role.MANAGER)
    manager.user_permissions.add(Permission.objects.get(codename="add_importrun"))
    client.force_login(manager)

    response = client.post(
        ADD,
        {"kind": "vendors", "file": SimpleUploadedFile("v.csv", RECORDS.encode())},
    )

    assert list(response.context["form"].errors) == ["kind"]
    assert ImportRun.objects.count() == 0


def test_finance_can_not_go_on_with_what_an_administrator_uploaded(finance):
    run = ImportRun.objects.create(
        kind="engagements", file_name="e.csv", sha256="0" * 64, state="checked"
    )

    assert finance.post(page_of(run), {"apply": "all"}).status_code == 403
    assert finance.get(page_of(run)).context["may_import"] is False


def test_records_are_checked_then_imported_with_every_refusal(finance, worker):
    file = SimpleUploadedFile("vendors.csv", RECORDS.encode())
    finance.post(ADD, {"kind": "vendors", "file": file})
    run = ImportRun.objects.get()
    columns = fields_of(finance.get(page_of(run)))
    assert columns["column_legal_name"] == "Legal name"
    assert {"undated_on", "currency", "category_models"} & columns.keys() == set()

    worker(finance, page_of(run), columns | {"check": "1"})
    checked = finance.get(page_of(run))
    text = checked.content.decode()
    assert [(item.line, item.field) for _label, item in checked.context["lines"]] == [
        (3, "legal_name"),
        (3, "currency"),
    ]
    assert "Import accepted lines only: add 2, change 0" in text
    assert Vendor.objects.count() == 0

    worker(finance, page_of(run), {"apply": "per_line"})
    applied = finance.get(page_of(run)).content.decode()
    assert "2 added, 0 changed, 0 left as they were." in applied
    assert Vendor.objects.count() == 2
    assert Event.objects.filter(
        event_type="vendor.registered", actor=run.started_by
    ).exists()
    refused = finance.get(reverse("admin:tracker_importrun_refused", args=[run.pk]))
    assert b"'=HYPERLINK(1)" in b"".join(refused.streaming_content)


def test_file_without_news_offers_nothing_to_import(finance, worker):
    make_vendor(legal_name="Penna PLC")
    file = SimpleUploadedFile("vendors.csv", b"Legal name\nPenna PLC\n")
    finance.post(ADD, {"kind": "vendors", "file": file})
    run = ImportRun.objects.get()

    worker(finance, page_of(run), fields_of(finance.get(page_of(run))))

    page = finance.get(page_of(run)).content.decode()
    assert "Nothing to import" in page
    assert 'name="apply"' not in page


@pytest.mark.parametrize("kind", KINDS[Role.ADMINISTRATOR])
@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
def test_template_holds_headings_and_an_example(kind, file_format):
    url = reverse("admin:tracker_importrun_template", args=[kind, file_format])

    response = logged_in(Role.ADMINISTRATOR).get(url)

    if kind in WITHOUT_TEMPLATE:
        assert response.status_code == 404
    else:
        content = b"".join(response.streaming_content)
        assert content.startswith(b"PK" if file_format == "xlsx" else b"\xef\xbb\xbf")
    assert logged_in(Role.MANAGER).get(url).status_code == 403

from datetime import date
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from pytest_django import Settings

from tests.factories import make_contract
from tracker.demo.load import Loaded

LOADER = "tracker.management.commands.load_demo.load_company"


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[date]:
    """The days for which the company was loaded; nothing is stored."""
    days: list[date] = []

    def load_company(*, today: date) -> Loaded:
        days.append(today)
        return Loaded(
            engagements=45,
            work_logs=20_000,
            invoices=300,
            measurements=290,
            flags=10,
        )

    monkeypatch.setattr(LOADER, load_company)
    return days


def run(*args: Any) -> str:
    out = StringIO()
    call_command("load_demo", *args, stdout=out)
    return out.getvalue()


@pytest.mark.django_db
def test_load_demo_names_what_it_loaded_and_the_logins(loads: list[date]) -> None:
    said = run("--today", "2026-11-22").splitlines()

    assert loads == [date(2026, 11, 22)]
    assert said[:2] == [
        "Loaded the demo company: 45 engagements, 20000 work logs, 300 invoices,"
        " 290 measurements, 10 flags.",
        "  Manager: manager / demo-manager-2026",
    ]


@pytest.mark.django_db
def test_load_demo_refuses_a_database_in_use(loads: list[date]) -> None:
    with transaction.atomic():
        make_contract()

    with pytest.raises(CommandError, match="Load it into an empty database"):
        run()
    assert loads == []


@pytest.mark.django_db
def test_load_demo_if_empty_leaves_a_database_in_use_alone(loads: list[date]) -> None:
    make_contract()

    assert run("--if-empty") == ""
    assert loads == []


@pytest.mark.django_db
def test_load_demo_refuses_production(loads: list[date], settings: Settings) -> None:
    settings.IS_PRODUCTION = True

    with pytest.raises(CommandError, match="never loaded in production"):
        run("--if-empty")
    assert loads == []

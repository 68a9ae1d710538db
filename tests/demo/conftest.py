from collections.abc import Iterator
from datetime import date

import pytest
from django.db import transaction
from pytest_django import DjangoDbBlocker

from tracker.demo.load import Loaded, load_company

TODAY = date(2026, 11, 22)


@pytest.fixture(scope="package")
def loaded(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[Loaded]:
    """The demo company, loaded once and rolled back after the package's last test."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield load_company(today=TODAY)
        transaction.set_rollback(True)


@pytest.fixture
def company(loaded: Loaded, db: None) -> Loaded:
    return loaded

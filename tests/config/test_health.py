import pytest
from django.db import OperationalError
from django.db.migrations.executor import MigrationExecutor


def test_healthz_touches_no_database(client):
    response = client.get("/healthz")

    assert (response.status_code, response.json()) == (200, {"status": "ok"})


def test_readyz_tells_that_all_is_well(client, db):
    response = client.get("/readyz")

    assert response.status_code == 200
    assert response.json() == {
        "status": "ok",
        "checks": {"database": "ok", "migrations": "ok"},
    }


def test_readyz_counts_migrations_not_applied(client, db, monkeypatch):
    monkeypatch.setattr(MigrationExecutor, "migration_plan", lambda *_: [1, 2, 3])

    response = client.get("/readyz")

    assert response.status_code == 503
    assert response.json() == {
        "status": "not ready",
        "checks": {"database": "ok", "migrations": "3 not applied"},
    }


def test_readyz_without_a_database_says_so_and_no_more(client, monkeypatch):
    def unreachable(*_):
        raise OperationalError("connection to 10.1.2.3 refused")

    monkeypatch.setattr("config.health.MigrationExecutor", unreachable)

    response = client.get("/readyz")

    assert response.status_code == 503
    assert response.json() == {
        "status": "not ready",
        "checks": {"database": "unreachable", "migrations": "unknown"},
    }


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes_accept_no_post(client, path):
    assert client.post(path).status_code == 405

import stat
from decimal import Decimal

import pytest

from config import env


@pytest.fixture(autouse=True)
def no_environment(monkeypatch):
    for name in ("SECRET_KEY", "ALLOWED_HOSTS", "TRUSTED_PROXIES", "BROKER_URL"):
        monkeypatch.delenv(name, raising=False)


def test_trial_key_is_made_once_and_read_by_its_owner_only(tmp_path):
    path = tmp_path / "secret_key"

    first, second = env.trial_key(path), env.trial_key(path)

    assert first == second
    assert len(first) >= env.SHORTEST_PRODUCTION_KEY
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["secret_key"]


def test_trial_key_of_another_process_wins(tmp_path):
    path = tmp_path / "secret_key"
    path.write_text("written in between")

    env._keep_new_key(path)

    assert env.trial_key(path) == "written in between"
    assert [file.name for file in tmp_path.iterdir()] == ["secret_key"]


def test_secret_key_given_is_used_and_none_is_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "k" * 50)

    assert env.secret_key(is_production=True, data_dir=tmp_path) == "k" * 50
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("key", ["", "k" * 49])
def test_secret_key_in_production_must_be_given_and_long(tmp_path, monkeypatch, key):
    monkeypatch.setenv("SECRET_KEY", key)

    with pytest.raises(SystemExit) as stopped:
        env.secret_key(is_production=True, data_dir=tmp_path)

    assert str(stopped.value) == (
        "SECRET_KEY must be set, 50 characters or longer, in production."
    )


def test_allowed_hosts_in_production_must_be_named():
    with pytest.raises(SystemExit) as stopped:
        env.allowed_hosts(is_production=True)

    assert str(stopped.value) == (
        "ALLOWED_HOSTS must name the product's hosts in production."
    )


def test_allowed_hosts_of_a_trial_are_this_machine():
    assert env.allowed_hosts(is_production=False) == [
        ".localhost",
        "127.0.0.1",
        "[::1]",
    ]


def test_environment_refuses_an_unknown_word(monkeypatch):
    monkeypatch.setenv("TRACKER_ENV", "prod")

    with pytest.raises(SystemExit) as stopped:
        env.environment()

    assert str(stopped.value) == (
        "TRACKER_ENV is 'prod'; it must be one of development, test, production."
    )


def test_trusted_proxies_refuse_what_is_no_network(monkeypatch):
    monkeypatch.setenv("TRUSTED_PROXIES", "10.0.0.0/8,proxy.example.org")

    with pytest.raises(SystemExit, match=r"TRUSTED_PROXIES: 'proxy\.example\.org'"):
        env.trusted_proxies()


def test_data_dir_that_cannot_be_made_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "file" / "data"))

    with pytest.raises(SystemExit) as stopped:
        env.data_dir()

    path = tmp_path / "file" / "data"
    assert str(stopped.value) == f"DATA_DIR {path} cannot be made: Not a directory."


def test_broker_without_an_address_is_a_folder(tmp_path):
    found = env.broker(default_url="", data_dir=tmp_path)

    assert found.transport == "config.folder_broker:Transport"
    assert found.options["data_folder_in"] == found.options["data_folder_out"]
    assert (tmp_path / "queue" / "messages").is_dir()


def test_broker_given_is_used_with_timeouts(tmp_path, monkeypatch):
    monkeypatch.setenv("BROKER_URL", "redis://queue.example.org/1")

    found = env.broker(default_url="", data_dir=tmp_path)

    assert (found.url, found.transport) == ("redis://queue.example.org/1", None)
    assert found.options["socket_timeout"] == 5
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "expected"), [("", 0), (" 250000 ", 250_000), ("0.5", Decimal("0.5"))]
)
def test_amount_is_read_exactly(monkeypatch, text, expected):
    monkeypatch.setenv("DAILY_POSTING_CAP", text)

    assert env.amount("DAILY_POSTING_CAP") == expected


@pytest.mark.parametrize("text", ["much", "-1", "NaN", "Infinity", "1e30"])
def test_amount_that_can_be_none_stops_the_start(monkeypatch, text):
    monkeypatch.setenv("DAILY_POSTING_CAP", text)

    with pytest.raises(SystemExit, match=r"DAILY_POSTING_CAP is .* such as 250000"):
        env.amount("DAILY_POSTING_CAP")

import pytest

from tracker.webhooks.addresses import (
    Address,
    AddressRefusedError,
    read_address,
    resolve,
)


@pytest.fixture(autouse=True)
def strict(settings):
    settings.WEBHOOK_ALLOW_LOOPBACK = False


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://a.example", Address("https", "a.example", 443, "/")),
        ("https://A.example:8443/x?y=1", Address("https", "a.example", 8443, "/x?y=1")),
        ("https://93.184.215.14/", Address("https", "93.184.215.14", 443, "/")),
    ],
)
def test_public_address_by_https_is_taken(url, address):
    assert read_address(url) == address


@pytest.mark.parametrize(
    "url",
    [
        *("", "a.example", "ftp://a.example", "http://a.example"),
        *("https://a.example:22/", "https://a.example:99999/", "https://a.example:x/"),
        *("https://user:word@a.example/", "https://a.example/#part"),
        *("https://a.example/ b", "https://a.example/\nHost: b", "https://ä.example/"),
        *("https://localhost/", "https://intranet/", "https://[::1]/", "https://[x/"),
        *("https://127.0.0.1/", "https://10.0.0.1/", "https://169.254.169.254/"),
        *("https://[fd00::1]/", "https://[::ffff:10.0.0.1]/", "https://0.0.0.0/"),
        *("https://100.64.0.1/", "https://[64:ff9b::a00:1]/", "https://"),
        "https://a.example/" + "x" * 500,
    ],
)
def test_other_addresses_are_refused(url):
    with pytest.raises(AddressRefusedError):
        read_address(url)


@pytest.mark.parametrize(
    "number", ["10.1.2.3", "127.0.0.1", "192.168.0.1", "::1", "fe80::1", "224.0.0.1"]
)
def test_name_that_leads_into_the_house_is_refused(number, monkeypatch):
    family = 10 if ":" in number else 2
    monkeypatch.setattr(
        "socket.getaddrinfo",
        lambda host, port, **_: [(family, 1, 6, "", (number, port))],
    )

    with pytest.raises(AddressRefusedError, match="private"):
        resolve(read_address("https://a.example/"))


def test_what_was_checked_is_what_is_connected_to(monkeypatch):
    monkeypatch.setattr(
        "socket.getaddrinfo",
        lambda host, port, **_: [(2, 1, 6, "", ("93.184.215.14", port))],
    )

    assert resolve(read_address("https://a.example/")) == "93.184.215.14"


def test_loopback_needs_the_setting(settings):
    settings.WEBHOOK_ALLOW_LOOPBACK = True

    address = read_address("http://127.0.0.1:8000/hook")

    assert (address.host_header, resolve(address)) == ("127.0.0.1:8000", "127.0.0.1")
    with pytest.raises(AddressRefusedError):
        read_address("http://10.0.0.1:8000/hook")

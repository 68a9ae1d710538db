import pytest

from config.client_address import client_address


@pytest.fixture(autouse=True)
def proxies(settings):
    settings.TRUSTED_PROXIES = ["10.0.0.0/8", "fd00::1"]


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("203.0.113.9", "", "203.0.113.9"),
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "1.1.1.1, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "1.1.1.1, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("fd00::1", "2001:db8::7", "2001:db8::7"),
        ("10.0.0.1", "not an address", "not an address"),
        ("", "198.51.100.1", ""),
    ],
    ids=[
        "direct",
        "direct, with an invented header",
        "by a proxy",
        "by a proxy, with an invented hop",
        "by two proxies",
        "by a proxy that adds no header",
        "version 6",
        "by a proxy that forwards nonsense",
        "over a socket",
    ],
)
def test_client_address(rf, peer, forwarded, expected):
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    request = rf.get("/", headers=headers, REMOTE_ADDR=peer)

    assert client_address(request) == expected

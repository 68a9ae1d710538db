import pytest

from engagements.values.names import normalise_name


@pytest.mark.parametrize(
    "spelling",
    [
        "Acme & Sons Limited",
        "ACME AND SONS LTD",
        "  acme   &  sons ltd.   ",
        "Acme\u00a0& Sons, Ltd",
    ],
)
def test_normalise_name_brings_spellings_together(spelling: str) -> None:
    assert normalise_name(spelling) == "acme & sons ltd"


def test_normalise_name_keeps_companies_apart() -> None:
    assert normalise_name("Acme GmbH") != normalise_name("Acme Ltd")


def test_normalise_name_drops_apostrophes() -> None:
    assert normalise_name("Baker\u2019s Plc") == normalise_name("BAKERS PLC")


def test_normalise_name_of_punctuation_alone_is_empty() -> None:
    assert normalise_name(" -.- ") == ""

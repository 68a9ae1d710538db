"""What goes into a spool comes back, in any order and as often as asked."""

from datetime import date
from decimal import Decimal

import pytest

from tracker.imports import spool as spools
from tracker.imports.spool import Spool

ITEMS = [(n, Decimal(n) / 8, date(2026, 1, 1), "ü" * n) for n in range(50)]


@pytest.fixture(autouse=True)
def small_reads(monkeypatch):
    monkeypatch.setattr(spools, "_READ_AT_ONCE", 7)


def test_items_come_back_in_their_order_again_and_again():
    spool = Spool(ITEMS)

    assert list(spool) == list(spool) == ITEMS
    assert len(spool) == 50


def test_items_are_found_by_their_place():
    spool = Spool(ITEMS)

    assert [spool[place] for place in (49, 0, -2)] == [ITEMS[49], ITEMS[0], ITEMS[48]]
    assert [spool[5:9], spool[48:60], spool[9:5]] == [ITEMS[5:9], ITEMS[48:], []]
    assert spool[::20] == [ITEMS[0], ITEMS[20], ITEMS[40]]
    with pytest.raises(IndexError):
        spool[50]


def test_items_added_later_are_read_too():
    spool = Spool(ITEMS[:3])
    first = list(spool)

    spool.append(ITEMS[3])

    assert (first, list(spool)) == (ITEMS[:3], ITEMS[:4])


def test_two_readers_do_not_disturb_each_other():
    spool = Spool(ITEMS)

    assert list(zip(spool, spool, strict=True)) == list(zip(ITEMS, ITEMS, strict=True))


def test_empty_spool_is_empty():
    assert (list(Spool()), len(Spool()), Spool()[:3], bool(Spool())) == (
        [],
        0,
        [],
        False,
    )


def test_file_ends_with_its_spool():
    spool = Spool(ITEMS)
    file = spool._file

    del spool

    assert file.closed

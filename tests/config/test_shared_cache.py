"""One cache for all processes of a machine; others' words of Django's own contract."""

import multiprocessing
import sqlite3
import threading

import pytest
import time_machine

from config.env import cache as cache_settings
from config.shared_cache import SharedCache


def count(location, times):
    cache = SharedCache(location, {})
    for _ in range(times):
        try:
            cache.incr("requests")
        except ValueError:
            cache.add("requests", 0)


@pytest.fixture
def location(tmp_path):
    return str(tmp_path / "cache.sqlite3")


@pytest.fixture
def cache(location):
    return SharedCache(location, {})


def test_processes_and_threads_count_together(cache, location):
    cache.set("requests", 0)
    spawn = multiprocessing.get_context("spawn")
    counting = [spawn.Process(target=count, args=(location, 100)) for _ in range(2)]
    counting += [threading.Thread(target=count, args=(location, 100)) for _ in range(2)]

    for one in counting:
        one.start()
    for one in counting:
        one.join()

    assert cache.get("requests") == 400


def test_one_of_many_adds_what_is_not_there(location):
    added = []

    def add(number):
        added.append(SharedCache(location, {}).add("lock", number))

    threads = [threading.Thread(target=add, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(added) == [False] * 7 + [True]


def test_values_come_back_as_they_went_in(cache):
    values = {"whole": 7, "true": True, "text": "ä", "times": [1.5, 2.5], "none": None}

    cache.set_many(values)

    assert {name: cache.get(name) for name in values} == values
    assert cache.get("true") is True
    assert cache.get("none", "other") is None
    assert cache.get("nothing", "other") == "other"


def test_what_has_ended_is_gone_and_makes_room(cache, location):
    with time_machine.travel("2026-11-02T09:00:00Z", tick=False) as clock:
        cache.set("short", 1, timeout=10)
        cache.set("long", 1, timeout=10)
        cache.set("forever", 1, timeout=None)
        assert cache.touch("long", timeout=60)
        clock.shift(10)

        assert [cache.get(name) for name in ("short", "long", "forever")] == [
            None,
            1,
            1,
        ]
        assert (cache.touch("short"), cache.delete("short")) == (False, False)
        with pytest.raises(ValueError, match="short"):
            cache.incr("short")
        assert cache.add("short", 5, timeout=10)
        clock.shift(100)
        cache.set("other", 1, timeout=10)

    rows = sqlite3.connect(location)
    kept = rows.execute("SELECT key FROM entries ORDER BY key").fetchall()
    rows.close()
    assert kept == [(":1:forever",), (":1:other",)]


def test_only_whole_numbers_are_counted(cache):
    cache.set("text", "5")

    with pytest.raises(ValueError, match="text"):
        cache.incr("text")
    cache.set("number", 5)
    assert (cache.incr("number", 2), cache.decr("number")) == (7, 6)
    assert cache.delete("number")
    cache.clear()
    assert cache.get("text") is None


def test_file_that_fails_forgets_and_says_so(tmp_path, caplog):
    broken = tmp_path / "cache.sqlite3"
    broken.write_text("no database, and long enough to be seen as none" * 20)
    cache = SharedCache(str(broken), {})

    assert (cache.add("key", 1), cache.get("key")) == (False, None)
    assert "the shared cache at" in caplog.text


def test_settings_name_one_cache_for_all_processes(monkeypatch, tmp_path):
    def chosen(**variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return cache_settings(is_test=False, data_dir=tmp_path)

    assert chosen() == {
        "BACKEND": "config.shared_cache.SharedCache",
        "LOCATION": str(tmp_path / "cache.sqlite3"),
    }
    assert (
        chosen(CACHE_URL="redis://cache:6379/1")["LOCATION"] == "redis://cache:6379/1"
    )
    with pytest.raises(SystemExit, match="CACHE_URL must be"):
        chosen(CACHE_URL="memcached://cache")

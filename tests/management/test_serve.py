import json
import re
import socket
import sys
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener, urlopen

import pytest
from django.core.management import CommandError, call_command

from tests.conftest import unused_port
from tests.management.product import Product, are_gone, eventually, running

SEND_ONE_TASK = """
import time
from datetime import timedelta
from django.contrib.sessions.models import Session
from django.utils import timezone
from tracker.tasks import clear_sessions
yesterday = timezone.now() - timedelta(days=1)
Session.objects.create(session_key=str(time.time()), expire_date=yesterday)
expired = Session.objects.filter(expire_date=yesterday)
clear_sessions.delay()
give_up_at = time.monotonic() + 20
while expired.exists() and time.monotonic() < give_up_at:
    time.sleep(0.1)
print(expired.count(), "left")
"""


@pytest.mark.folder_broker
def test_serve_answers_and_its_worker_works(shared_product):
    status, page = shared_product.page("/admin/login/")

    assert (status, "Engagement tracker" in page) == (200, True)
    assert shared_product.page("/readyz")[0] == 200
    assert shared_product.python(SEND_ONE_TASK) == "0 left", str(shared_product)


def test_serve_shows_logins_of_the_demo_that_work(shared_product):
    said = [line.split() for line in shared_product.said]
    username, password, *role = next(
        words for words in said if words[-1:] == ["Manager"]
    )

    page = log_in(shared_product.address, username, password)

    assert role == ["Manager"]
    assert "/admin/logout/" in page


def test_serve_shows_a_sandbox_key_that_works(shared_product):
    (key,) = re.findall(r"sandbox API key: (\S+)", "".join(shared_product.said))
    asked = Request(
        f"{shared_product.address}/api/v1/engagements",
        headers={"Authorization": f"Bearer {key}"},
    )

    with urlopen(asked, timeout=30) as answer:
        found = json.load(answer)

    assert answer.status == 200
    assert len(found["results"]) > 1


def log_in(address, username, password):
    """Return the page that the login form leads to."""
    browser = build_opener(HTTPCookieProcessor())
    form = browser.open(f"{address}/admin/login/", timeout=10).read().decode()
    (token,) = set(re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', form))
    fields = {
        "username": username,
        "password": password,
        "csrfmiddlewaretoken": token,
        "next": "/admin/",
    }
    answer = browser.open(
        f"{address}/admin/login/", data=urlencode(fields).encode(), timeout=30
    )
    return answer.read().decode()


@pytest.mark.folder_broker
def test_serve_replaces_a_worker_that_dies(shared_product):
    first = shared_product.child("worker")
    pool = first.children()

    first.kill()
    shared_product.wait_until_it_says(
        "The worker ended (killed by SIGKILL); starting it"
    )

    assert eventually(lambda: are_gone(pool), seconds=5)
    assert shared_product.python(SEND_ONE_TASK) == "0 left", str(shared_product)
    assert shared_product.child("worker").pid != first.pid


def whole_family(product):
    """Wait for three programs, two web workers and a pool: the pool may come last."""
    assert eventually(lambda: len(product.descendants()) >= 6, seconds=30)
    return product.descendants()


def test_serve_leaves_nothing_behind_on_sigterm(product):
    everyone = whole_family(product)

    product.process.terminate()
    rest = product.rest_of_output()

    assert rest.endswith("Stopped.\n")
    assert product.process.returncode == 0
    assert are_gone(everyone)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the children")
def test_serve_leaves_nothing_behind_when_killed_outright(product):
    everyone = whole_family(product)

    product.process.kill()

    assert eventually(lambda: are_gone(everyone), seconds=20), str(product)


@pytest.mark.redis
def test_serve_works_over_redis(own_database, redis_url, free_port, tmp_path):
    with running(
        *("--no-demo",),
        port=free_port,
        data_dir=tmp_path,
        BROKER_URL=redis_url,
        **own_database,
    ) as product:
        assert product.python(SEND_ONE_TASK) == "0 left", str(product)
    assert not (tmp_path / "queue").exists()


def test_serve_on_a_busy_port_says_so_and_ends(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        refused = Product(port=port, data_dir=tmp_path)
        output = refused.rest_of_output()

    assert output == (
        f"CommandError: Port {port} is in use by another program: stop that one, or "
        f"choose another port with PORT={port + 1}.\n"
    )
    assert refused.process.returncode == 1


@pytest.mark.parametrize("port", [0, 65536])
def test_serve_refuses_a_port_that_does_not_exist(port):
    with pytest.raises(CommandError) as refused:
        call_command("serve", port=port)

    assert str(refused.value) == (
        f"Port {port} does not exist: choose one from 1 to 65535."
    )


def test_serve_refuses_a_second_one_over_the_same_data(shared_product):
    second = Product("--no-demo", port=unused_port(), data_dir=shared_product.data_dir)

    assert second.rest_of_output() == (
        "CommandError: The product already runs with its data in "
        f"{shared_product.data_dir}: stop that one, or choose another folder with "
        "DATA_DIR.\n"
    )
    assert second.process.returncode == 1

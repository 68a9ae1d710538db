import json
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from queue import Empty

import pytest
from kombu import Connection

from config.env import BASE_DIR
from config.folder_broker import Transport


@pytest.fixture
def folder(tmp_path):
    for name in ("messages", "control"):
        (tmp_path / name).mkdir()
    return tmp_path


@pytest.fixture
def connect(folder):
    # Kombu remembers, per process, what was declared in the folder of another test.
    Transport.global_state.clear()
    opened = []

    def opener():
        connection = Connection(
            "filesystem://localhost",
            transport=Transport,
            transport_options={
                "data_folder_in": str(folder / "messages"),
                "data_folder_out": str(folder / "messages"),
                "control_folder": str(folder / "control"),
            },
        )
        opened.append(connection)
        return connection

    yield opener
    for connection in opened:
        connection.close()


@pytest.mark.folder_broker
def test_messages_come_out_in_the_order_they_went_in(connect):
    queue = connect().SimpleQueue("celery")
    for number in range(20):
        queue.put({"number": number})

    received = [queue.get(block=False).payload["number"] for _ in range(20)]

    assert received == list(range(20))
    with pytest.raises(Empty):
        queue.get(block=False)


@pytest.mark.folder_broker
def test_message_is_on_disk_whole_under_its_final_name(connect, folder):
    connect().SimpleQueue("celery").put({"invoice": 7})

    (path,) = (folder / "messages").iterdir()

    assert path.name.endswith(".celery.msg")
    assert json.loads(path.read_text())["properties"]["body_encoding"] == "base64"


@pytest.mark.folder_broker
def test_message_is_never_read_half_written(connect):
    count = 300
    writer, reader = (connect().SimpleQueue("celery") for _ in range(2))

    with ThreadPoolExecutor(max_workers=1) as pool:
        writing = pool.submit(lambda: [writer.put(number) for number in range(count)])
        received: list[int] = []
        while len(received) < count:
            with suppress(Empty):
                received.append(reader.get(block=False).payload)
            assert received or not writing.done()
        writing.result()

    assert received == list(range(count))


@pytest.mark.folder_broker
def test_message_is_kept_until_it_is_acknowledged(connect, folder):
    queue = connect().SimpleQueue("celery")
    queue.put({"invoice": 7})

    message = queue.get(block=False)
    before = [path.suffix for path in folder.glob("taken/*/*.msg")]
    message.ack()

    assert before == [".msg"]
    assert list(folder.rglob("*.msg")) == []


@pytest.mark.folder_broker
@pytest.mark.parametrize("requeue", [True, False])
def test_rejected_message_comes_again_only_where_asked(connect, folder, requeue):
    queue = connect().SimpleQueue("celery")
    queue.put({"invoice": 7})

    queue.get(block=False).reject(requeue=requeue)

    assert len(list(folder.glob("messages/*.msg"))) == requeue
    assert list(folder.glob("taken/*/*.msg")) == []


TAKE_AND_DIE = """
import os, signal, sys
from pathlib import Path
from kombu import Connection
from config.folder_broker import Transport
folder = Path(sys.argv[1])
queue = Connection(
    "filesystem://localhost",
    transport=Transport,
    transport_options={
        "data_folder_in": str(folder / "messages"),
        "data_folder_out": str(folder / "messages"),
        "control_folder": str(folder / "control"),
    },
).SimpleQueue("celery")
assert queue.get(block=False).payload == {"invoice": 7}
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.folder_broker
def test_message_of_a_killed_worker_goes_to_the_next(connect, folder):
    connect().SimpleQueue("celery").put({"invoice": 7})

    killed = subprocess.run(
        [sys.executable, "-c", TAKE_AND_DIE, str(folder)], cwd=BASE_DIR, check=False
    )
    kept = len(list(folder.glob("taken/*/*.msg")))
    received = connect().SimpleQueue("celery").get(block=False)

    assert (killed.returncode, kept) == (-signal.SIGKILL, 1)
    assert received.payload == {"invoice": 7}


@pytest.mark.folder_broker
def test_message_of_a_worker_at_work_is_left_to_it(connect, folder):
    first, second = (connect().SimpleQueue("celery") for _ in range(2))
    first.put({"invoice": 7})
    message = first.get(block=False)

    with pytest.raises(Empty):
        second.get(block=False)

    message.ack()


def test_folder_broker_has_celery_use_its_event_loop():
    assert Transport.implements.asynchronous

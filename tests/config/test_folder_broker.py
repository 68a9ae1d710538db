import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from queue import Empty

import pytest
from kombu import Connection

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

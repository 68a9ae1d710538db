import json
import logging
import sys

from config.logs import JsonFormatter, RequestIdFilter
from engagements import request_id


def line_of(record):
    RequestIdFilter().filter(record)
    return json.loads(JsonFormatter().format(record))


def record(**more):
    return logging.makeLogRecord(
        {"name": "tracker.spend", "levelname": "INFO", "msg": "%d posted", "args": (3,)}
        | {"created": 0.0}
        | more
    )


def test_json_line_carries_the_request_id_and_what_was_passed_along():
    with request_id.working_for("request-7"):
        line = line_of(record(seconds=1.5, request=object()))

    assert line == {
        "at": "1970-01-01T00:00:00+00:00",
        "level": "INFO",
        "logger": "tracker.spend",
        "message": "3 posted",
        "request_id": "request-7",
        "seconds": 1.5,
    }


def test_json_line_outside_a_request_has_a_dash_for_its_id():
    assert line_of(record())["request_id"] == "-"


def test_json_line_keeps_a_traceback_on_one_line():
    try:
        raise ValueError("wrong\nrate")
    except ValueError:
        failed = record(exc_info=sys.exc_info())
    RequestIdFilter().filter(failed)

    written = JsonFormatter().format(failed)

    assert "\n" not in written
    assert json.loads(written)["exception"].endswith("ValueError: wrong\nrate")

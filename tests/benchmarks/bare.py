"""The least that could answer a list of engagements: two statements, and no more.

Neither key nor permission, row scope, limit, log or ETag: what the API is held against.
"""

import os
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import orjson
import psycopg

ROWS = """
SELECT e.id, e.public_id, e.external_id, e.reference, e.title, e.kind, e.currency,
  e.country, e.starts_on, e.ends_on, e.term_ends_on, e.renewal, e.initial_term_months,
  e.renewal_term_months, e.notice_period, e.notice_unit, e.notice_deadline_on, e.status,
  e.purchase_order_number, e.created_at, e.updated_at,
  v.public_id, v.external_id, v.legal_name,
  m.public_id, m.external_id, m.first_name, m.last_name,
  d.public_id, d.external_id, d.name, d.code, s.public_id, s.external_id, s.name
FROM engagements_engagement e
JOIN engagements_vendor v ON v.id = e.vendor_id
LEFT JOIN engagements_user m ON m.id = e.manager_id
LEFT JOIN engagements_department d ON d.id = e.department_id
LEFT JOIN engagements_service s ON s.id = e.service_id
ORDER BY e.id LIMIT 101
"""
SHARES = """
SELECT c.engagement_id, c.starts_on, k.public_id, k.external_id, k.name, k.code,
  h.percent
FROM engagements_costsplit c
JOIN engagements_costsplitshare h ON h.split_id = c.id
JOIN engagements_costcentre k ON k.id = h.cost_centre_id
WHERE c.engagement_id = ANY(%s) ORDER BY c.starts_on, h.id
"""
FACTS = (
    *("id", "external_id", "reference", "title", "kind", "currency", "country"),
    *("start_date", "end_date", "term_end_date", "renewal", "initial_term_months"),
    *("renewal_term_months", "notice_period", "notice_unit", "notice_deadline"),
    *("status", "po_number", "created_at", "updated_at"),
)
NAMES = ("id", "external_id", "name", "code")
_local = threading.local()


def application(
    environ: dict[str, Any], start_response: Callable[..., Any]
) -> Iterable[bytes]:
    body = orjson.dumps(answer(), default=str)
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    start_response("200 OK", headers)
    return [body]


def answer() -> dict[str, Any]:
    if not hasattr(_local, "server"):
        _local.server = psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)
    found = _local.server.execute(ROWS).fetchall()[:100]
    splits = defaultdict(list)
    ids = [values[0] for values in found]
    for engagement, starts_on, *centre, percent in _local.server.execute(
        SHARES, [ids]
    ).fetchall():
        share = dict(zip(NAMES, centre, strict=True)) | {"percent": str(percent)}
        splits[engagement].append(share | {"effective_date": starts_on})
    rows = []
    for pk, *values in found:
        row = dict(zip(FACTS, values, strict=False))
        row["vendor"] = dict(zip(NAMES, values[20:23], strict=False))
        row["owner"] = dict(zip(NAMES, values[23:26], strict=False))
        row["department"] = dict(zip(NAMES, values[27:31], strict=True))
        row["service"] = dict(zip(NAMES, values[31:34], strict=False))
        row["cost_split"] = splits[pk]
        rows.append(row)
    return {"results": rows, "next_cursor": None}

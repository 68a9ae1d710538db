"""Requests that work, from the records that a caller can see."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import httpx

from tests.management.product import eventually

Row = dict[str, Any]
Schema = dict[str, Any]

V1 = "/api/v1"
ENGAGEMENTS = f"{V1}/engagements"
ENDPOINTS = f"{V1}/webhook-endpoints"
PART = f"{ENGAGEMENTS}/{{engagement_id}}/"
LONG_AGO, FAR_AHEAD = "2026-01-01", "2040-01-01"
NOBODY = "https://receiver.example/"
SECONDS = 60  # for an answer
PATIENCE = 60  # seconds, for a worker to deliver


def published_schema(address: str) -> Schema:
    schema: Schema = httpx.get(f"{address}/api/v1/openapi", timeout=SECONDS).json()
    return schema


class Caller:
    """A holder of a key, reading and writing as JSON."""

    def __init__(self, address: str, key: str) -> None:
        self._address = address
        self._headers = {"Authorization": f"Bearer {key}"}

    def rows(self, path: str) -> list[Row]:
        """Return the list's first page; nothing where it is refused."""
        found: list[Row] = (self.send("GET", path) or {}).get("results", [])
        return found

    def send(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        **request: Any,
    ) -> Row | None:
        """Return what was answered; nothing where it was refused."""
        answer = httpx.request(
            method,
            f"{self._address}{path}",
            headers={**self._headers, **(headers or {})},
            timeout=SECONDS,
            **request,
        )
        found: Row = answer.json()
        return found if answer.is_success else None


@dataclass(frozen=True)
class Working:
    """What has to be said for an operation to work, where it asks for it."""

    path: Mapping[str, str] = field(default_factory=dict)

    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    media_type: str = "application/json"


class Feed:
    """What a caller sees, and working requests made of it.

    `mark` tells what this caller creates from what others do. `receiver` is where
    webhooks go; without one, nothing is delivered while the feed is prepared.
    """

    def __init__(
        self, caller: Caller, schema: Schema, *, mark: str, receiver: str = ""
    ) -> None:
        self.caller = caller
        self.mark = mark
        self._receiver = receiver
        self._seen = {
            path: caller.rows(path)
            for path, methods in schema["paths"].items()
            if "{" not in path and "get" in methods
        }
        self._vendor = self._make_vendor() or self._name("vendors")
        self._drafts = {kind: self._draft(kind) for kind in ("managed", "augmented")}
        self._levels = self._find_levels()
        self._prepare_endpoints()
        self._prepare_import()

    def addresses(self, path: str) -> dict[str, list[str]]:
        """Return, by the parameter's name, what the caller can name in an address."""
        if path.startswith(PART):
            return {"engagement_id": self._engagements(path.removeprefix(PART))}
        noun, _, rest = path.partition("/{")
        if noun.endswith("/by-external-id"):
            noun = noun.removesuffix("/by-external-id")
            return {"external_id": self._known(noun, "external_id")}
        if path.startswith(f"{V1}/reports/"):
            return {"report": self._known(noun, "report")}
        if path.startswith(f"{V1}/webhook-deliveries/"):
            return {"id": self._deliveries()}
        return {"id": self._known(noun)} if rest else {}

    def working(self, method: str, path: str) -> Working:
        """Return what makes the operation work where the caller may do it."""
        known = {name: ids for name, ids in self.addresses(path).items() if ids}
        # What is deleted is nobody else's; what is put, isn't there yet.
        place = -1 if method == "delete" else 0
        address = {name: ids[place] for name, ids in known.items()}
        if method == "put":
            address["external_id"] = f"{self.mark}-put"
        return replace(self._beyond_address(method, path), path=address)

    def _beyond_address(self, method: str, path: str) -> Working:
        if method == "get":
            return Working(query={"group_by": "vendor", "page_size": "2"})
        if method == "delete":
            return Working()
        if method == "patch":
            return Working(headers={"If-Match": "*"}, body={})
        if path == f"{V1}/imports":
            return Working(
                query={"kind": "vendors"},
                body=f"legal name\n{self.mark} Imported Ltd\n",
                media_type="text/csv",
            )
        return Working(body=self._body(method, path))

    def _known(self, noun: str, name: str = "id") -> list[str]:
        return [row[name] for row in self._seen.get(noun, []) if row.get(name)]

    def _first(self, noun: str) -> Row:
        return next(iter(self._seen[f"{V1}/{noun}"]), {})

    def _name(self, noun: str) -> Row:
        """Return a reference to the first record of the noun that the caller sees."""
        return {"id": self._first(noun).get("id", "")}

    def _engagements(self, part: str) -> list[str]:
        """Return those that the part of an engagement is worth asking of."""
        match part:
            case "fee-terms" | "rate-terms":
                kind = "managed" if part == "fee-terms" else "augmented"
                drafts = [draft] if (draft := self._drafts[kind]) else []
                return drafts or self._of_kind(kind)
            case "measurements" | "downtime" if part in self._levels:
                return [self._levels[part][0]]
        return self._of_kind("managed")

    def _of_kind(self, kind: str) -> list[str]:
        rows = self._seen[ENGAGEMENTS]
        return [row["id"] for row in rows if row["kind"] == kind]

    def _deliveries(self) -> list[str]:
        rows = self.caller.rows(f"{V1}/webhook-deliveries?state=delivered")
        # The newest: by then those endpoints are on.
        return [row["id"] for row in reversed(rows)]

    def _make_vendor(self) -> Row | None:
        """Return a vendor of the caller's own: those of others may be blocked by now.

        It is not among the addresses, so that nothing blocks it while they are tried.
        """
        address = f"{V1}/vendors/by-external-id/{self.mark}-vendor"
        facts = {"legal_name": f"{self.mark} Open Ltd"}
        made = self.caller.send("PUT", address, json=facts)
        return {"id": made["id"]} if made else None

    def _draft(self, kind: str) -> str:
        """Return the id of a draft, whose terms may be appended; "" where refused."""
        address = f"{ENGAGEMENTS}/by-external-id/{self.mark}-{kind}"
        made = self.caller.send("PUT", address, json=self._engagement(kind))
        return made["id"] if made else ""

    def _find_levels(self) -> dict[str, tuple[str, str]]:
        """Return engagement and level that take measurements, and downtime."""
        found: dict[str, tuple[str, str]] = {}
        for engagement in self._of_kind("managed"):
            for level in self.caller.rows(f"{ENGAGEMENTS}/{engagement}/service-levels"):
                is_downtime = level["measured_by"] == "downtime"
                part = "downtime" if is_downtime else "measurements"
                if is_downtime or level["measured_by"] == "value":
                    found.setdefault(part, (engagement, level["id"]))
        return found

    def _prepare_endpoints(self) -> None:
        """Have two endpoints of the caller's own: one may be deleted."""
        for number in (1, 2):
            body = self._endpoint(f"{self.mark} {number}")
            made = self.caller.send("POST", ENDPOINTS, json=body)
            if made is None:
                return
            self._seen[ENDPOINTS].append(made)
        if self._receiver:
            (newest,) = self._seen[ENDPOINTS][-1:]
            test = f"{ENDPOINTS}/{newest['id']}/test"
            sent = self.caller.send("POST", test, json={}) or {}
            assert eventually(lambda: self._is_delivered(sent["id"]), seconds=PATIENCE)

    def _is_delivered(self, delivery: str) -> bool:
        found = self.caller.send("GET", f"{V1}/webhook-deliveries/{delivery}")
        return found is not None and found["state"] == "delivered"

    def _prepare_import(self) -> None:
        table = f"legal name\n{self.mark} Prepared Ltd\n"
        made = self.caller.send(
            "POST",
            f"{V1}/imports?kind=vendors&dry_run=true",
            content=table,
            headers={"Content-Type": "text/csv"},
        )
        if made:
            self._seen[f"{V1}/imports"].insert(0, made)

    def _body(self, method: str, path: str) -> Any:
        noun = path.removeprefix(f"{V1}/").partition("/by-external-id")[0]
        makers: dict[str, Callable[[], Any]] = {
            "vendors": lambda: {"legal_name": f"{self.mark} {method} Ltd"},
            "departments": lambda: self._coded(method),
            "cost-centers": lambda: self._coded(method),
            "services": lambda: {"name": f"{self.mark} {method}"},
            "contractors": self._contractor,
            "contractors/batch": lambda: {
                "contractors": [self._contractor() | {"external_id": self.mark}]
            },
            "engagements": lambda: self._engagement("managed"),
            "invoices": self._invoice,
            "timesheet-entries": lambda: self._entry("1"),
            "timesheet-entries/batch": lambda: {"entries": [self._entry("2")]},
            "webhook-endpoints": lambda: self._endpoint(f"{self.mark} 3"),
            "fit/what-if": lambda: {"id": self.mark},
        }
        if path.startswith(PART):
            return self._part(path.removeprefix(PART))
        return makers[noun]() if noun in makers else {}

    def _coded(self, method: str) -> Row:
        return {"code": f"{self.mark}-{method}", "name": f"{self.mark} {method}"}

    def _contractor(self) -> Row:
        return {"full_name": f"Ada {self.mark}", "vendor": self._vendor}

    def _engagement(self, kind: str) -> Row:
        return {
            "title": f"{self.mark} {kind}",
            "kind": kind,
            "vendor": self._vendor,
            "department": self._name("departments"),
            "start_date": LONG_AGO,
        }

    def _invoice(self) -> Row:
        """Return an invoice of something beside the fee, after one that is there."""
        billed = next(iter(self._seen[f"{V1}/invoices"]), None)
        if billed is None:
            return {}
        line = billed["lines"][0]
        return {
            "vendor": {"id": billed["vendor"]["id"]},
            "number": f"{self.mark}-1",
            "issued_on": billed["issued_on"],
            "currency": billed["currency"],
            "total": "7",
            "lines": [
                {"engagement": {"id": line["engagement"]["id"]}}
                | {name: line[name] for name in ("service_from", "service_to")}
                | {"charge": "one_off", "amount": "7"}
            ],
        }

    def _entry(self, number: str) -> Row:
        """Return hours on a day on which such were logged."""
        logged = next(
            (
                row
                for row in self._seen[f"{V1}/timesheet-entries"]
                if row["approval_status"] is None
            ),
            None,
        )
        if logged is None:
            return {}
        return {
            "source_id": f"{self.mark}-{number}",
            "engagement": {"id": logged["engagement"]["id"]},
            "worked_on": logged["worked_on"],
            "hours": "1",
        }

    def _endpoint(self, name: str) -> Row:
        return {
            "name": name,
            "url": self._receiver or NOBODY,
            "event_types": ["engagement.ended"],
        }

    def _part(self, part: str) -> Row:
        line: Row = {"source_id": self.mark}
        level = self._levels.get(part, ("", ""))[1]
        match part:
            case "measurements":
                line |= {"service_level": level, "value": "99.5"}
                line |= {"period_from": "2026-03-01", "period_to": "2026-03-31"}
            case "downtime":
                line |= {"service_level": level, "began_at": "2026-03-01T10:00:00Z"}
                line |= {"ended_at": "2026-03-01T11:00:00Z"}
            case "tickets":
                line |= {"opened_at": "2026-03-01T10:00:00Z"}
            case "fee-terms":
                return {"amount": "1", "effective_date": FAR_AHEAD}
            case "rate-terms":
                rate = {"pay_rate": "1", "pay_period": "DAY"}
                return rate | {"effective_date": FAR_AHEAD}
        return {part: [line]}

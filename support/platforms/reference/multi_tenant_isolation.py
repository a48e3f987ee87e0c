"""How the reference platform is spoken to about tenants: its routes, its status codes, its tables."""

import copy
import select
from collections.abc import Callable, Iterator, Mapping, Sequence
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import quote, urlsplit

import requests

from support.capabilities.multi_tenant_isolation.client import (
    Answer,
    Customer,
    Flaw,
    Ids,
    Import,
    Look,
    Refusal,
    Report,
    Sealed,
    Session,
    Statement,
)
from support.clients.identity import IdentityProvider
from support.clients.node_client import NodeClient
from support.errors import AdapterError
from support.origin import blame
from support.platforms.platform import Door
from support.promise import broken

_ANSWER_WITHIN_S = 20.0
_AT_ONCE = 60
_REFUSALS = {
    400: Refusal.INVALID,
    401: Refusal.UNAUTHENTICATED,
    403: Refusal.FORBIDDEN,
    404: Refusal.UNKNOWN,
    409: Refusal.TAKEN,
    410: Refusal.DESTROYED,
    422: Refusal.DISPLACED,
    429: Refusal.UNAVAILABLE,
    503: Refusal.UNAVAILABLE,
}
_NAMELESS = ("date", "content-length", "server")  # headers that say nothing about what was asked for
_NAMING_HEADERS = (
    *(
        f"X-{name}"
        for name in ("Tenant", "Tenant-Id", "Tenant-ID-Override", "Company", "Company-Id", "Organization-Id")
    ),
    *("X-Account-Id", "X-User-Tenant", "X-Act-As", "X-Impersonate", "X-Forwarded-User", "X-Forwarded-Host", "Tenant"),
)
_STRAY = {"name": "stray", "email": "stray@example.com", "region": "stray", "iban": "stray", "tax_id": "stray"}

Reading = Callable[[Any], Any]


class Adapter(NodeClient):
    """A node of the reference platform."""

    sealed = Sealed("public.customers", "tenant", "id", ("iban", "tax_id"))

    def __init__(self, door: Door) -> None:
        super().__init__(door, _ANSWER_WITHIN_S, _AT_ONCE)
        self._at = urlsplit(door.url)
        self._identity = IdentityProvider(door.environment["JWT_SECRET"])
        self._disguise: dict[str, Any] = {}

    # Who acts

    def session(self, company: str) -> Session:
        return self._token(tenant=company)

    def staff_session(self, who: str) -> Session:
        return self._token(sub=who, role="staff")

    def short_session(self, company: str, lifetime_s: float) -> Session:
        return self._token(lifetime_s=lifetime_s, tenant=company)  # expiry has whole seconds, and is rounded down

    def flawed_session(self, flaw: Flaw, company: str, other: str) -> Session:
        strangers: dict[Flaw, Any] = {
            Flaw.NO_COMPANY: None,
            Flaw.EMPTY_COMPANY: "",
            Flaw.NOBODYS_COMPANY: self.absent_company(),
            Flaw.TWO_COMPANIES: [company, other],
            Flaw.SQL: f"{company}' OR '1'='1",
        }
        if flaw in strangers:
            return self._token(tenant=strangers[flaw])
        claims: dict[str, Any] = {"role": "staff"} if "STAFF" in flaw.name else {"tenant": company}
        match flaw:
            case Flaw.EXPIRED | Flaw.EXPIRED_STAFF:
                return self._token(lifetime_s=-10, **claims)
            case Flaw.ENDLESS:
                return self._token(exp=None, **claims)
            case Flaw.UNSIGNED | Flaw.UNSIGNED_STAFF:
                return Session(self._identity.unsigned("user", [], **claims))
            case Flaw.SIGNED_BY_ANOTHER | Flaw.STAFF_SIGNED_BY_ANOTHER:
                other_key = IdentityProvider("a key of somebody else's, and as long as it has to be")
                return Session(other_key.token("user", [], **claims))
        return Session("")

    def absent_company(self) -> str:
        return "00000000-0000-4000-8000-000000000000"

    def _token(self, **claims: Any) -> Session:
        return Session(self._identity.token("user", [], **claims))

    # What the platform's database account does

    def speak_for(self, company: str) -> list[Statement]:
        become = (
            "SELECT set_config('role', own_schema, true), set_config('search_path', own_schema, true)"
            " FROM public.tenants WHERE own_schema IS NOT NULL AND tenant::text = %s"
        )
        return [("SELECT set_config('app.tenant', %s, true)", [company]), (become, [company])]

    # What staff do

    def open_company(self, staff: Session, name: str, own_schema: bool) -> str:
        answer = self.ask("POST", "/tenants", {"name": name, "own_schema": own_schema}, staff)
        return str(self.expect(answer, 201, "tenant")["tenant"])

    def look(self, staff: Session, company: str) -> Answer:
        return self._answer("GET", f"/tenants/{company}/customers", None, staff, _names)

    def change_key(self, staff: Session, company: str) -> Answer:
        return self._answer("POST", f"/tenants/{company}/keys", None, staff)

    def destroy_key(self, staff: Session, company: str) -> Answer:
        return self._answer("DELETE", f"/tenants/{company}/keys", None, staff)

    # What companies do

    def put_customer(self, session: Session, customer: Customer) -> Answer:
        return self._answer("PUT", _path("customers", customer.id), _fields(customer), session)

    def customer(self, session: Session, id_: str) -> Answer:
        return self._answer("GET", _path("customers", id_), None, session, _read_customer)

    def customers(self, session: Session, containing: str = "", order: str | None = None) -> Answer:
        query = {"name": containing} | ({} if order is None else {"sort": order})
        return self._answer("GET", "/customers", None, session, _names, params=query)

    def customers_backwards(self, session: Session) -> Answer:
        return self.customers(session, order="-name")

    def delete_customer(self, session: Session, id_: str) -> Answer:
        return self._answer("DELETE", _path("customers", id_), None, session)

    def put_invoice(self, session: Session, id_: str, customer: str, cents: int) -> Answer:
        return self._answer("PUT", _path("invoices", id_), {"customer": customer, "cents": cents}, session)

    def invoice(self, session: Session, id_: str) -> Answer:
        return self._answer("GET", _path("invoices", id_), None, session, lambda told: _number(told["cents"]))

    def report(self, session: Session, region: str) -> Answer:
        def read(told: Any) -> Report:
            largest = told["largest"]
            return Report(
                _number(told["customers"]), _number(told["cents"]), None if largest is None else _str(largest)
            )

        return self._answer("GET", _path("reports", region), None, session, read)

    def start_import(self, session: Session, id_: str, customers: Sequence[Customer]) -> Answer:
        return self._answer("PUT", _path("imports", id_), _upload(customers), session)

    def import_state(self, session: Session, id_: str) -> Answer:
        return self._answer("GET", _path("imports", id_), None, session, lambda told: Import(told["state"]))

    def looks(self, session: Session) -> Answer:
        def read(told: Any) -> list[Look]:
            return [Look(_str(look["who"]), _str(look["at"])) for look in told["accesses"]]

        return self._answer("GET", "/accesses", None, session, read)

    # What nobody should do

    def every_request(self, session: Session, ids: Ids) -> Iterator[Answer]:
        """Those of the node's own description (OpenAPI); what only reads comes first."""
        listed = self.expect(self.ask("GET", "/openapi.json"), 200, "paths")["paths"]
        requests_ = [(verb.upper(), path) for path, verbs in listed.items() for verb in verbs]
        for verb, path in sorted(requests_, key=lambda request: request[0] != "GET"):
            yield self._answer(verb, _filled(path, ids), _body_for(verb, path, ids), session)

    def disguised(self, other: Ids) -> "Sequence[Adapter]":
        named = {name: other.company for name in ("tenant", "tenant_id", "company", "company_id", "account", "org")}
        ways: list[dict[str, Any]] = [
            {"headers": dict.fromkeys(_NAMING_HEADERS, other.company)},
            {"headers": {"Cookie": f"tenant={other.company}"}},
            {"headers": {"Host": f"{other.company}.example.com"}},
            {"params": named},
            {"body": named},
        ]
        disguised = []
        for way in ways:
            disguised.append(copy.copy(self))
            disguised[-1]._disguise = way
        return disguised

    def spoiled(self, session: Session, id_: str, taken: Customer, number: int) -> Answer:
        kinds: list[Callable[[], Answer]] = [
            lambda: self.put_customer(session, taken._replace(id=id_)),  # an address that is taken
            lambda: self.put_invoice(session, f"invoice of {id_}", id_, 100),  # a customer that there is none of
            lambda: self.put_invoice(session, f"invoice of {id_}", taken.id, 0),  # an amount that is none
        ]
        return kinds[number % len(kinds)]()

    def abandon_change(self, session: Session, customer: Customer, after_s: float) -> bool:
        return self._abandon("PUT", _path("customers", customer.id), _fields(customer), session, after_s)

    def abandon_deletion(self, session: Session, id_: str, after_s: float) -> bool:
        return self._abandon("DELETE", _path("customers", id_), None, session, after_s)

    def abandon_invoice(self, session: Session, id_: str, customer: str, cents: int, after_s: float) -> bool:
        return self._abandon("PUT", _path("invoices", id_), {"customer": customer, "cents": cents}, session, after_s)

    def abandon_report(self, session: Session, region: str, after_s: float) -> bool:
        return self._abandon("GET", _path("reports", region), None, session, after_s)

    def abandon_import(self, session: Session, id_: str, customers: Sequence[Customer], after_s: float) -> bool:
        return self._abandon("PUT", _path("imports", id_), _upload(customers), session, after_s)

    def _abandon(self, verb: str, path: str, fields: Any, session: Session, after_s: float) -> bool:
        body = fields and requests.Request(json=fields, url=self._url).prepare().body
        connection = HTTPConnection(str(self._at.hostname), self._at.port, timeout=_ANSWER_WITHIN_S)
        try:
            connection.request(verb, path, body, {"Authorization": f"Bearer {session}"})
            answered, _, _ = select.select([connection.sock], [], [], after_s)
        except (OSError, HTTPException) as error:
            blame(error, f"{self.name} did not take {verb} {path}: {error}")
        finally:
            connection.close()
        self._exchanges.note(self.name, f"{verb} {path} -> {'answered' if answered else 'abandoned'}, {after_s:.3f} s")
        return not answered

    def _answer(
        self, verb: str, path: str, body: Any, session: Session, read: Reading | None = None, **more: Any
    ) -> Answer:
        """What came back; `more` goes to the HTTP client (params)."""
        came = self._send(verb, path, body, session, **more)
        refusal = _REFUSALS.get(came.status_code)
        if refusal is None and not came.ok:
            broken(f"{self.name} answered {verb} {path} by {came.status_code}: {came.text}\n{self._exchanges.last()}")
        told = None
        if read and refusal is None:
            try:
                told = read(came.json())
            except (ValueError, LookupError, TypeError, AttributeError) as error:
                broken(f"{self.name} answered {verb} {path} by what is none: {came.text[:300]} ({error})")
        return Answer(f"{verb} {path} at {self.name}", _text(came), refusal, told)

    def _send(self, verb: str, path: str, body: Any, session: Session, **more: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {session}"} | self._disguise.get("headers", {})
        if isinstance(body, dict):
            body = body | self._disguise.get("body", {})
        params = more.get("params", {}) | self._disguise.get("params", {})
        url, within_s = self._url + path, self._answer_within_s
        try:
            came = self._http.request(verb, url, json=body, headers=headers, params=params, timeout=within_s)
        except requests.RequestException as error:
            blame(error, f"{self.name} gave no answer to {verb} {path}: {error}")
        self._exchanges.note(self.name, f"{verb} {path} -> {came.status_code} {came.text}")
        return came


def _names(told: Any) -> list[str]:
    return [_str(customer["name"]) for customer in told["customers"]]


def _read_customer(told: Any) -> Customer:
    return Customer(**{name: _str(value) for name, value in told.items()})


def _str(told: Any) -> str:
    """A text that the node has told; ValueError where it is none."""
    if not isinstance(told, str):
        raise ValueError(f"expected a text, got {told!r}")
    return told


def _number(told: Any) -> int:
    """The same of a whole number."""
    if not isinstance(told, int) or isinstance(told, bool):
        raise ValueError(f"expected a whole number, got {told!r}")
    return told


def _upload(customers: Sequence[Customer]) -> dict[str, Any]:
    return {"customers": [customer._asdict() for customer in customers]}


def _fields(customer: Customer) -> dict[str, str]:
    """What of a customer goes into the body; its id is in the path."""
    return {name: value for name, value in customer._asdict().items() if name != "id"}


def _path(kind: str, id_: str) -> str:
    return f"/{kind}/{quote(id_, safe='')}"


def _filled(path: str, ids: Ids) -> str:
    """A path of the node's description, with ids in the places of its parameters."""
    values: Mapping[str, str] = {
        "tenant": ids.company,
        "customer": ids.customer,
        "invoice": ids.invoice,
        "import": ids.upload,
        "region": ids.region,
    }
    try:
        return path.format_map({name: quote(value, safe="") for name, value in values.items()})
    except KeyError as error:
        raise AdapterError(f"the node has a request {path}, and the adapter does not know what {error} is") from error


def _body_for(verb: str, path: str, ids: Ids) -> Any:
    """A body that is right for the request, so that it fails for who asks alone."""
    if verb not in ("PUT", "POST"):
        return None
    bodies: Mapping[str, Any] = {
        "customers": _STRAY,
        "invoices": {"customer": ids.customer, "cents": 1},
        "imports": {"customers": [{"id": "stray", **_STRAY}]},
        "tenants": {"name": f"stray {ids.company}", "own_schema": False},
    }
    return bodies.get(path.split("/")[1])


def _text(came: requests.Response) -> str:
    headers = [f"{name}: {value}" for name, value in came.headers.items() if name.lower() not in _NAMELESS]
    return "\n".join([str(came.status_code), *headers, "", came.text])

"""How the reference platform is spoken to about tenants: its routes, its status codes, its tables."""

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
_STRAY = {"name": "stray", "email": "stray@example.com", "region": "stray", "iban": "stray", "tax_id": "stray"}

Reading = Callable[[Any], Any]


class Adapter(NodeClient):
    """A node of the reference platform."""

    sealed = Sealed("public.customers", "tenant", "id", ("iban", "tax_id"))

    def __init__(self, door: Door) -> None:
        super().__init__(door, _ANSWER_WITHIN_S, _AT_ONCE)
        self._at = urlsplit(door.url)
        self._identity = IdentityProvider(door.environment["JWT_SECRET"])

    # Who acts

    def session(self, company: str) -> Session:
        return self._token(tenant=company)

    def staff_session(self, who: str) -> Session:
        return self._token(sub=who, role="staff")

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
        match flaw:
            case Flaw.EXPIRED:
                return self._token(lifetime_s=-10, tenant=company)
            case Flaw.UNSIGNED:
                return Session(self._identity.unsigned("user", [], tenant=company))
            case Flaw.SIGNED_BY_ANOTHER:
                other_key = IdentityProvider("a key of somebody else's, and as long as it has to be")
                return Session(other_key.token("user", [], tenant=company))
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
        return self._answer("GET", _path("customers", id_), None, session, lambda told: Customer(**told))

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
        return self._answer("GET", _path("invoices", id_), None, session, lambda told: told["cents"])

    def report(self, session: Session, region: str) -> Answer:
        def read(told: Any) -> Report:
            return Report(told["customers"], told["cents"], told["largest"])

        return self._answer("GET", _path("reports", region), None, session, read)

    def start_import(self, session: Session, id_: str, customers: Sequence[Customer]) -> Answer:
        body = {"customers": [customer._asdict() for customer in customers]}
        return self._answer("PUT", _path("imports", id_), body, session)

    def import_state(self, session: Session, id_: str) -> Answer:
        return self._answer("GET", _path("imports", id_), None, session, lambda told: Import(told["state"]))

    def looks(self, session: Session) -> Answer:
        def read(told: Any) -> list[Look]:
            return [Look(look["who"], look["at"]) for look in told["accesses"]]

        return self._answer("GET", "/accesses", None, session, read)

    # What nobody should do

    def every_request(self, session: Session, ids: Ids) -> Iterator[Answer]:
        """Those of the node's own description (OpenAPI); what only reads comes first."""
        listed = self.expect(self.ask("GET", "/openapi.json"), 200, "paths")["paths"]
        requests_ = [(verb.upper(), path) for path, verbs in listed.items() for verb in verbs]
        for verb, path in sorted(requests_, key=lambda request: request[0] != "GET"):
            yield self._answer(verb, _filled(path, ids), _body_for(verb, path, ids), session)

    def disguised(self, session: Session, mine: Customer, other: Ids) -> Iterator[Answer]:
        named = {"tenant": other.company, "tenant_id": other.company, "company": other.company}
        headers = [{f"X-{name}": other.company} for name in ("Tenant", "Tenant-Id", "Company", "Forwarded-Host")]
        headers += [{"Tenant": other.company}, {"Cookie": f"tenant={other.company}"}]
        headers += [{"Host": f"{other.company}.example.com"}]
        for more in [*({"headers": one} for one in headers), {"params": named}]:
            yield self._answer("GET", "/customers", None, session, _names, **more)
            yield self._answer("GET", _path("customers", mine.id), None, session, lambda told: Customer(**told), **more)
        yield self._answer("PUT", _path("customers", mine.id), _fields(mine) | named, session)
        yield self._answer("PUT", "/imports/disguised", {"customers": [mine._asdict() | named]} | named, session)

    def spoiled(self, session: Session, id_: str, taken: Customer, number: int) -> Answer:
        kinds: list[Callable[[], Answer]] = [
            lambda: self.put_customer(session, taken._replace(id=id_)),  # an address that is taken
            lambda: self.put_invoice(session, f"invoice of {id_}", id_, 100),  # a customer that there is none of
            lambda: self.put_invoice(session, f"invoice of {id_}", taken.id, 0),  # an amount that is none
        ]
        return kinds[number % len(kinds)]()

    def abandon_change(self, session: Session, customer: Customer, after_s: float) -> bool:
        body = requests.Request(json=_fields(customer), url=self._url).prepare().body
        return self._abandon("PUT", _path("customers", customer.id), body, session, after_s)

    def abandon_report(self, session: Session, region: str, after_s: float) -> bool:
        return self._abandon("GET", _path("reports", region), None, session, after_s)

    def _abandon(self, verb: str, path: str, body: Any, session: Session, after_s: float) -> bool:
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
        """What came back; `more` goes to the HTTP client (params, headers)."""
        came = self._send(verb, path, body, session, **more)
        refusal = _REFUSALS.get(came.status_code)
        if refusal is None and not came.ok:
            broken(f"{self.name} answered {verb} {path} by {came.status_code}: {came.text}\n{self._exchanges.last()}")
        told = None
        if read and refusal is None:
            try:
                told = read(came.json())
            except (ValueError, LookupError, TypeError) as error:
                broken(f"{self.name} answered {verb} {path} by what is none: {came.text[:300]} ({error})")
        return Answer(f"{verb} {path} at {self.name}", _text(came), refusal, told)

    def _send(self, verb: str, path: str, body: Any, session: Session, **more: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {session}"} | more.pop("headers", {})
        url = self._url + path
        try:
            came = self._http.request(verb, url, json=body, headers=headers, timeout=self._answer_within_s, **more)
        except requests.RequestException as error:
            blame(error, f"{self.name} gave no answer to {verb} {path}: {error}")
        self._exchanges.note(self.name, f"{verb} {path} -> {came.status_code} {came.text}")
        return came


def _names(told: Any) -> list[str]:
    return [str(customer["name"]) for customer in told["customers"]]


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

"""The API: which address does what, how an answer is told, and lists."""

from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.websockets import WebSocket

from ..visit import VISIT
from .books import Books, Object
from .errors import INVALID, ApiError, invalid
from .idempotency import answer
from .parameters import Parameters

Endpoint = Callable[..., Object]
Found = list[Object]
READ = {  # kind: its address, and by what its list can be narrowed down
    "balance_transaction": ("balance_transactions", ("source", "type", "currency")),
    "charge": ("charges", ("customer", "payment_intent")),
    "customer": ("customers", ("email",)),
    "dispute": ("disputes", ("charge", "payment_intent")),
    "event": ("events", ("type",)),
    "payment_intent": ("payment_intents", ("customer",)),
    "price": ("prices", ("product",)),
    "refund": ("refunds", ("charge", "payment_intent")),
}
_PAGE = 10


class Api:
    """The application of the third party's port, behind what sees to keys."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._routes: list[Route] = []

    def on(self, method: str, path: str, endpoint: Endpoint) -> None:
        """Lets `endpoint` answer; it gets the parameters, and the id if the path has one."""

        async def answered(request: Request) -> Response:
            return self._answered(request, endpoint)

        self._routes.append(Route(f"/v1/{path}", answered, methods=[method]))

    def read(self, kind: str, path: str, narrowed_by: tuple[str, ...]) -> None:
        """Lets objects of `kind` be read, one or a list."""

        def find(given: Parameters) -> Found:
            wanted = {name: value for name in narrowed_by if (value := given.text(name))}
            return self._books.all(kind, **wanted)

        self.one(kind, path)
        self.many(path, narrowed_by, find)

    def one(self, kind: str, path: str) -> None:
        """Lets one object of `kind` be read."""

        def get(given: Parameters, id_: str) -> Object:
            given.only()
            return self._books.get(kind, id_)

        self.on("GET", path + "/{id}", get)

    def many(self, path: str, narrowed_by: tuple[str, ...], find: Callable[[Parameters], Found]) -> None:
        """Lets a list be read of what `find` finds, newest first."""

        def listed(given: Parameters) -> Object:
            given.only(*narrowed_by, "limit", "starting_after", "ending_before", "created")
            return self._page(given, find(given), path)

        self.on("GET", path, listed)

    def app(self) -> Starlette:
        """The application, to be asked for when all endpoints are known."""
        return Starlette(routes=self._routes, exception_handlers={HTTPException: _unknown})

    def _page(self, given: Parameters, found: Found, path: str) -> Object:
        """A page of `found`, which is newest first (docs.stripe.com/api/pagination)."""
        limit = min(given.integer("limit", least=1, default=_PAGE) or _PAGE, 100, self._books.settings.max_page)
        found = [one for one in found if _created_within(one, given.inner("created"))]
        ids = [one["id"] for one in found]
        if after := given.text("starting_after"):
            found = found[_place(ids, after, "starting_after") + 1 :]
        if before := given.text("ending_before"):
            found = found[: _place(ids, before, "ending_before")]
            page, more = found[-limit:], len(found) > limit
        else:
            page, more = found[:limit], len(found) > limit
        return {"object": "list", "url": f"/v1/{path}", "has_more": more, "data": page}

    def _answered(self, request: Request, endpoint: Endpoint) -> Response:
        arrival = request.scope[VISIT].arrival
        given = Parameters(arrival.fields["parameters"])
        self._books.cause = {
            "id": arrival.fields["request"],
            "idempotency_key": arrival.header("idempotency-key") or None,
        }
        try:
            found = endpoint(given, *request.path_params.values())
            return answer(arrival, self._expanded(found, given.expand()))
        except ApiError as error:
            # What a bank declined was carried out, and so charged for; what is wrong was not.
            arrival.executed = error.status == 402
            return answer(arrival, error.body, error.status)
        finally:
            self._books.cause = {"id": None, "idempotency_key": None}

    def _expanded(self, found: Any, paths: list[str]) -> Any:
        """`found` with the objects themselves in the place of the ids at `paths`."""
        for path in paths:
            found = self._with_object(found, path)
        return found

    def _with_object(self, found: Any, path: str) -> Any:
        if isinstance(found, list):
            return [self._with_object(one, path) for one in found]
        name, _, rest = path.partition(".")
        if not isinstance(found, dict) or name not in found:
            raise invalid(f"This property cannot be expanded ({path}).", "expand")
        inner = found[name]
        if isinstance(inner, str):
            inner = self._books.find(inner) or inner
        return {**found, name: self._with_object(inner, rest) if rest and inner is not None else inner}


def _created_within(one: Object, given: Parameters) -> bool:
    given.only("gt", "gte", "lt", "lte")
    bounds = {name: given.integer(name) for name in ("gt", "gte", "lt", "lte") if name in given}
    holds = {
        "gt": lambda bound: one["created"] > bound,
        "gte": lambda bound: one["created"] >= bound,
        "lt": lambda bound: one["created"] < bound,
        "lte": lambda bound: one["created"] <= bound,
    }
    return all(holds[name](bound) for name, bound in bounds.items())


def _place(ids: list[str], id_: str, param: str) -> int:
    if id_ not in ids:
        raise invalid(f"No such object: '{id_}'", param, "resource_missing")
    return ids.index(id_)


async def _unknown(request: Request | WebSocket, _: Exception) -> Response:
    """What is not here says so by name."""
    arrival = request.scope[VISIT].arrival
    arrival.executed = False
    error = ApiError(404, INVALID, f"Unrecognized request URL ({arrival.method}: {arrival.path}).")
    return answer(arrival, error.body, error.status)

"""The provider's own books: every object that there is, the clocks, and what is emitted when one changes."""

import copy
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any

from .cards import Card
from .errors import missing
from .settings import Settings

API_VERSION = "2026-10-28.endive"
Object = dict[str, Any]
PREFIXES = {
    "balance_transaction": "txn", "charge": "ch", "customer": "cus", "dispute": "dp", "event": "evt", "invoice": "in",
    "payment_intent": "pi", "payment_method": "pm", "price": "price", "refund": "re", "subscription": "sub",
    "test_helpers.test_clock": "clock",
}  # fmt: skip


class Books:
    """Objects as the API renders them, by kind and id. One thread changes them, an endpoint at a time."""

    def __init__(self, emitted: Callable[[Object], None]) -> None:
        """`emitted` is told every event."""
        self._emitted = emitted
        self.forget()

    def forget(self) -> None:
        """Empties the books."""
        self._objects: dict[str, dict[str, Object]] = {kind: {} for kind in PREFIXES}
        self.cards: dict[str, Card] = {}  # by payment method
        self.cause: Object = {"id": None, "idempotency_key": None}  # the request that is being carried out
        self.calm()

    def calm(self) -> None:
        """Takes back how things are to go; what there is stays."""
        self.settings = Settings()
        self.first_moment: int | None = None  # of the clock that a new customer gets, if one does

    def add(self, kind: str, now: int | None = None, **members: Any) -> Object:
        """Makes an object of `kind` with an id of its own; by the wall clock, unless `now` is said."""
        made = {
            "id": new_id(PREFIXES[kind]),
            "object": kind,
            "created": int(time.time()) if now is None else now,
            "livemode": False,
            "metadata": {},
            **members,
        }
        self._objects[kind][made["id"]] = made
        return made

    def get(self, kind: str, id_: str | None, param: str = "id") -> Object:
        """The object. Raises ApiError when there is none."""
        found = self._objects[kind].get(id_ or "")
        if found is None:
            raise missing(kind, id_ or "", param)
        return found

    def find(self, id_: str) -> Object | None:
        """The object of any kind with that id."""
        return next((objects[id_] for objects in self._objects.values() if id_ in objects), None)

    def remove(self, found: Object) -> None:
        """Takes an object out, as if it had never been there."""
        del self._objects[found["object"]][found["id"]]

    def all(self, kind: str, **wanted: Any) -> list[Object]:
        """The objects of `kind` whose members are as `wanted`, newest first."""
        found = reversed(self._objects[kind].values())
        return [one for one in found if all(one.get(name) == value for name, value in wanted.items())]

    def now(self, customer: str | None = None) -> int:
        """The time in whole seconds, by the clock of `customer` if it has one."""
        owner = self._objects["customer"].get(customer or "")
        if owner and owner["test_clock"]:
            return int(self.get("test_helpers.test_clock", owner["test_clock"])["frozen_time"])
        return int(time.time())

    def party(self, thing: Object) -> tuple[str | None, str | None]:
        """Whom an object concerns: the order (of its metadata, or of its payment's) and the customer."""
        intent = self._objects["payment_intent"].get(thing.get("payment_intent") or "", thing)
        order = thing.get("metadata", {}).get("order") or intent.get("metadata", {}).get("order")
        if thing["object"] == "customer":
            return order, thing["id"]
        return order, thing.get("customer") or intent.get("customer")

    def emit(self, type_: str, changed: Object, before: Mapping[str, Any] | None = None) -> None:
        """Tells that an object was made or changed: a snapshot, with what its changed members were `before`."""
        _, customer = self.party(changed)
        data: Object = {"object": copy.deepcopy(changed)}
        if before is not None:
            data["previous_attributes"] = copy.deepcopy(dict(before))
        event = self.add(
            "event", self.now(customer), api_version=API_VERSION, type=type_, data=data, pending_webhooks=1,
            request=dict(self.cause),
        )  # fmt: skip
        del event["metadata"]
        self._emitted(event)

    def change(self, type_: str, changed: Object, **members: Any) -> None:
        """Changes members of an object, and emits `type_` with what they were."""
        before = {name: changed.get(name) for name, value in members.items() if changed.get(name) != value}
        changed.update(members)
        self.emit(type_, changed, before)


def new_id(prefix: str) -> str:
    """An identifier that nobody has guessed."""
    return f"{prefix}_{secrets.token_hex(12)}"

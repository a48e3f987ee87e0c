"""Refunds: money that goes back, at once or after a while, and comes again when that fails."""

from . import balance, money
from .books import Books, Object
from .errors import invalid
from .parameters import Parameters

ENDS = {"succeeded": "refund.updated", "requires_action": "refund.updated", "failed": "refund.failed"}


class Refunds:
    """Refunds of charges."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def create(self, given: Parameters) -> Object:
        """POST /v1/refunds. Raises ApiError for more than is left, and for what is disputed, unless told to accept."""
        given.only("payment_intent", "charge", "amount", "reason", "metadata")
        charge = self._charge(given)
        left = charge["amount_captured"] - charge["amount_refunded"]
        amount = given.integer("amount", least=1, default=left) or 0
        money.check(amount, charge["currency"])
        if self._books.settings.over_refunds == "refuse":
            _guard(charge, amount, left)
        return self._refund(charge, amount, given)

    def finish(self, refund: Object, status: str) -> Object:
        """What becomes of one that was pending. Raises ValueError when it is not to be changed."""
        if refund["status"] not in ("pending", "requires_action") or status not in (*ENDS, "canceled"):
            raise ValueError(f"{refund['id']} is {refund['status']} and cannot become {status}")
        before = {"status": refund["status"]}
        refund["status"] = status
        if status in ("failed", "canceled"):
            self._return(refund, status)
        self._books.emit(ENDS.get(status, "refund.updated"), refund, before)
        return refund

    def _refund(self, charge: Object, amount: int, given: Parameters) -> Object:
        now, later = self._books.now(charge["customer"]), self._books.settings.refunds == "pending"
        refund = self._books.add(
            "refund", now, amount=amount, currency=charge["currency"], charge=charge["id"],
            payment_intent=charge["payment_intent"], status="pending" if later else "succeeded", failure_reason=None,
            reason=given.text("reason"), metadata=given.mapping("metadata"),
        )  # fmt: skip
        entry = balance.book(self._books, refund, "refund", -amount, now)
        refund["balance_transaction"] = entry["id"]
        before = {name: charge[name] for name in ("amount_refunded", "refunded")}
        _count(charge, amount)
        self._books.emit("refund.created", refund)
        self._books.emit("charge.refunded", charge, before)
        return refund

    def _return(self, refund: Object, status: str) -> None:
        """The money of a refund that came to nothing is there again."""
        charge = self._books.get("charge", refund["charge"])
        refund["failure_reason"] = "declined" if status == "failed" else None
        balance.book(self._books, refund, "refund_failure", refund["amount"], self._books.now(charge["customer"]))
        _count(charge, -refund["amount"])

    def _charge(self, given: Parameters) -> Object:
        if "charge" in given:
            charge = self._books.get("charge", given.needed("charge"), "charge")
        else:
            intent = self._books.get("payment_intent", given.needed("payment_intent"), "payment_intent")
            charge = self._books.find(intent["latest_charge"] or "") or {"paid": False}
        if not charge["paid"]:
            raise invalid("This payment has no successful charge to refund.", "payment_intent")
        return charge


def _guard(charge: Object, amount: int, left: int) -> None:
    if charge["disputed"]:
        raise invalid(f"Charge {charge['id']} has been charged back; cannot issue a refund.", code="charge_disputed")
    if left == 0:
        raise invalid(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    if amount > left:
        raise invalid(f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})", "amount")


def _count(charge: Object, amount: int) -> None:
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] >= charge["amount_captured"]

"""An entry in the books of billing, and the event by which others are told of it."""

import datetime
import uuid
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Entry:
    """A charge or a refund of one account. Money is whole cents, and above 0 either way."""

    id: uuid.UUID
    account_id: uuid.UUID
    customer: str
    kind: str
    reference: str
    product: str
    amount_cents: int
    currency: str
    day: datetime.date

    @property
    def change_cents(self) -> int:
        """What the entry does to the balance."""
        return self.amount_cents if self.kind == "charge" else -self.amount_cents

    def to_event(self) -> dict[str, Any]:
        """The event that tells of the entry, as JSON has it. Its id is the entry's: there is one for each."""
        return vars(self) | {
            "id": str(self.id),
            "account_id": str(self.account_id),
            "day": self.day.isoformat(),
        }

    @classmethod
    def from_event(cls, event: dict[str, Any]) -> "Entry":
        """The entry that an event tells of."""
        ids = {name: uuid.UUID(event[name]) for name in ("id", "account_id")}
        return cls(**(event | ids | {"day": datetime.date.fromisoformat(event["day"])}))

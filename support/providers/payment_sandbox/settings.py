"""How the sandbox behaves as a whole, until it is told otherwise."""

from dataclasses import dataclass, fields
from typing import Any, Self

_CHOICES = {
    "over_refunds": ("refuse", "accept"),
    "refunds": ("now", "pending"),
    "deliver_to": ("one", "all"),
    "dunning_end": ("canceled", "unpaid", "past_due"),
}


@dataclass(frozen=True)
class Settings:
    """`max_page`: the most that a list answers at once, however much is asked for.

    `over_refunds`: refuse or accept what is more than was paid, and what is disputed. `refunds`: now, or pending until
    they are finished. `retry_s`: the waits between attempts to deliver an event. `deliver_to`: one endpoint, each
    attempt the next, or all of them. `dunning_days`: days after a subscription's first failure on which it is tried
    again. `dunning_end`: the status after the last of these: canceled, unpaid or past_due.
    """

    max_page: int = 100
    over_refunds: str = "refuse"
    refunds: str = "now"
    retry_s: tuple[float, ...] = (0.2, 0.4, 0.8, 1.6, 3.2)
    deliver_to: str = "one"
    dunning_days: tuple[int, ...] = (1, 3, 5)
    dunning_end: str = "canceled"

    def changed(self, said: dict[str, Any]) -> Self:
        """These settings with what was `said`. Raises ValueError for one that there is none of."""
        known = {field.name for field in fields(self)}
        if unknown := set(said) - known:
            raise ValueError(f"there is no setting {', '.join(unknown)}; there are {', '.join(sorted(known))}")
        for name, choices in _CHOICES.items():
            if said.get(name, choices[0]) not in choices:
                raise ValueError(f"{name} is one of {', '.join(choices)}, not {said[name]!r}")
        listed = {name: tuple(value) if isinstance(value, list) else value for name, value in said.items()}
        return type(self)(**{**vars(self), **listed})

"""What every provider is, and how it is found: by the name of its folder."""

from collections.abc import Collection, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast

from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from .meter import Arrival

_HERE = Path(__file__).parent


class ThirdParty(Protocol):
    """What the class `Provider` in a folder's module `provider` gives to the frame."""

    @property
    def app(self) -> ASGIApp:
        """What answers; a `BeforeTheDeed` stands in it where a request is let in to be carried out."""

    @property
    def control(self) -> list[BaseRoute]:
        """What the suite may ask and tell it besides what it may of every provider."""

    @property
    def names(self) -> Collection[str]:
        """What `fields` may tell of a request."""

    def fields(self, arrival: Arrival) -> Mapping[str, Any]:
        """What of a request the meter can be asked for, and a fault be aimed at, besides its method and path."""

    def refusal(self, status: int, headers: Mapping[str, str]) -> Response:
        """How the third party words an answer of `status` that it does not give of itself."""

    def calm(self) -> None:
        """Lets it behave as it did before it was told anything; what it has done stays done."""

    def forget(self) -> None:
        """Makes it as it was when it started."""


class UnknownKind(Exception):
    """There is no provider of that kind; the message names those that there are."""


def kinds() -> list[str]:
    """The kinds of providers, for example payment-sandbox in the folder payment_sandbox."""
    return sorted(module.parent.name.replace("_", "-") for module in _HERE.glob("*/provider.py"))


def load(kind: str) -> ThirdParty:
    """A provider of `kind`. Raises UnknownKind."""
    if kind not in kinds():
        raise UnknownKind(f"there is no provider {kind!r}; there are {', '.join(kinds())}")
    return cast(ThirdParty, import_module(f".{kind.replace('-', '_')}.provider", __package__).Provider())

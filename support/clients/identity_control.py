"""What the suite may tell and ask the identity provider besides what it may of every provider."""

from dataclasses import dataclass
from typing import Any

from support.clients.provider_control import ArmedFault, Arrival, ProviderControl
from support.containers.provider import ProviderService

_KEYS_PATH = "/.well-known/jwks.json"
_STRANGERS_PATH = "/strangers/jwks.json"


@dataclass(frozen=True)
class KeysTold:
    """The key that signs (its id, its public part as PEM), one of another kind, and a stranger's as a JWK."""

    kid: str
    pem: str
    elliptic_kid: str
    stranger: dict[str, Any]


class IdentityControl(ProviderControl):
    """The control port of the identity provider."""

    def keys(self) -> KeysTold:
        """The keys as they are now."""
        return KeysTold(**self.ask("GET", "/keys"))

    def sign(self, text: str, stranger: bool = False) -> str:
        """The signature (base64url) of `text` by the key that signs, or by one that nobody has published."""
        return str(self.ask("POST", "/sign", {"text": text, "stranger": stranger})["signature"])

    def rotate(self) -> None:
        """From now on a new key signs; those before it stay published."""
        self.ask("POST", "/rotate")

    def retire(self) -> None:
        """None but the key that signs is published any more."""
        self.ask("POST", "/retire")

    def key_fetches(self, since: int = 0) -> list[Arrival]:
        """The requests for its keys that arrived after the number `since`, in their order."""
        return self.arrivals(since, path=_KEYS_PATH)

    def refuse_keys(self) -> ArmedFault:
        """Answers every request for its keys with an error, until that is healed."""
        return self.arm("status", times=None, status=500, match={"path": _KEYS_PATH})

    @property
    def strangers_address(self) -> str:
        """Where a node of the fleet would find the stranger's key, as the provider's keys are found."""
        return ProviderService.url(self.name, ProviderService.port) + _STRANGERS_PATH

    def stranger_fetches(self, since: int = 0) -> list[Arrival]:
        """The requests for the stranger's key that arrived after the number `since`."""
        return self.arrivals(since, path=_STRANGERS_PATH)

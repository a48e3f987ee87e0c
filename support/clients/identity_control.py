"""What the suite may tell and ask the identity provider besides what it may of every provider."""

from dataclasses import dataclass
from typing import Any

from support.clients.provider_control import Arrival, ProviderControl

_KEYS_PATH = "/.well-known/jwks.json"


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

"""Signing keys: one that signs, those that are published, and one that is nobody's."""

import base64
import json
import secrets
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Self, cast

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

ALGORITHM = "RS256"
_BITS = 2048
_EXPONENT = 65537


class Key:
    """An RSA key, which signs by RS256 (RFC 7518, section 3.3)."""

    def __init__(self, kid: str, private: rsa.RSAPrivateKey) -> None:
        self.kid, self._private = kid, private

    @classmethod
    def new(cls) -> Self:
        """One that nobody has seen before."""
        return cls(secrets.token_hex(8), rsa.generate_private_key(_EXPONENT, _BITS))

    @classmethod
    def read(cls, row: Mapping[str, str]) -> Self:
        """The key of a `row`."""
        private = serialization.load_pem_private_key(row["private"].encode(), None)
        return cls(row["kid"], cast(rsa.RSAPrivateKey, private))

    def row(self) -> dict[str, str]:
        """Both parts of it, for a file that is the provider's own."""
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        return {"kid": self.kid, "private": self._private.private_bytes(*form).decode()}

    def sign(self, text: str) -> str:
        """The signature of `text`, as it stands in a token."""
        return encoded(self._private.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))

    @property
    def pem(self) -> str:
        """Its public part as a PEM file."""
        form = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        return self._private.public_key().public_bytes(*form).decode()

    @property
    def jwk(self) -> dict[str, str]:
        """Its public part as a JSON Web Key (RFC 7517)."""
        numbers = self._private.public_key().public_numbers()
        own = {"n": encoded(_bytes(numbers.n)), "e": encoded(_bytes(numbers.e))}
        return {"kty": "RSA", "use": "sig", "alg": ALGORITHM, "kid": self.kid, **own}


class Keys:
    """The keys of the identity provider. The last of those that are published is the one that signs.

    They are kept in the file `kept`, where one is named: a provider that was down has its keys when it is back.
    """

    def __init__(self, kept: Path | None) -> None:
        self._kept = kept
        if kept and kept.exists():
            said = json.loads(kept.read_text())
            self.published, self._elliptic = [Key.read(row) for row in said["published"]], said["elliptic"]
        else:
            self.renew()

    @cached_property
    def strangers(self) -> Key:
        """A key that somebody else has made, and nobody has published."""
        return Key.new()

    def renew(self) -> None:
        """Keys that nobody has seen before, and no others."""
        self.published, self._elliptic = [Key.new()], _elliptic_jwk()
        self._keep()

    def rotate(self) -> None:
        """From now on a new key signs; those before it stay published."""
        self.published.append(Key.new())
        self._keep()

    def retire(self) -> None:
        """None but the key that signs is published any more."""
        del self.published[:-1]
        self._keep()

    def jwks(self) -> dict[str, Any]:
        """What is published. One more key, of another kind, is there for other customers of the provider."""
        return {"keys": [*(key.jwk for key in self.published), self._elliptic]}

    def token(self, claims: Mapping[str, Any]) -> str:
        """An access token (RFC 9068) with these claims."""
        header = {"alg": ALGORITHM, "typ": "at+jwt", "kid": self.published[-1].kid}
        text = ".".join(encoded(json.dumps(part).encode()) for part in (header, claims))
        return f"{text}.{self.published[-1].sign(text)}"

    def _keep(self) -> None:
        if self._kept:
            said = {"published": [key.row() for key in self.published], "elliptic": self._elliptic}
            written = self._kept.with_suffix(".new")
            written.write_text(json.dumps(said))
            written.replace(self._kept)  # whole, whenever the process may be killed


def encoded(content: bytes) -> str:
    """base64url without padding (RFC 7515, section 2)."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _elliptic_jwk() -> dict[str, str]:
    numbers = ec.generate_private_key(ec.SECP256R1()).public_key().public_numbers()
    point = {name: encoded(getattr(numbers, name).to_bytes(32, "big")) for name in ("x", "y")}
    return {"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": secrets.token_hex(8), **point}


def _bytes(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")

"""The identity provider's part: it issues the tokens that the target only verifies."""

import time
import uuid
from collections.abc import Iterable
from typing import Any

import jwt


class IdentityProvider:
    """Signs JSON Web Tokens (RFC 7519, HS256) with the secret that the nodes were given."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def token(self, user: str, channels: Iterable[str], lifetime_s: float = 600, **claims: Any) -> str:
        """A token for a new session of `user`, who may watch and write to `channels`, for `lifetime_s` seconds.

        Expiry has whole seconds (RFC 7519 allows more, few verifiers do). `claims` replaces
        any claim, or leaves it out where it is None.
        """
        said = {
            name: value for name, value in (_claims(user, channels, lifetime_s) | claims).items() if value is not None
        }
        return jwt.encode(said, self._secret, algorithm="HS256")

    def unsigned(self, user: str, channels: Iterable[str], **claims: Any) -> str:
        """A token that nobody signed (algorithm "none"): a verifier that accepts it accepts anybody."""
        return jwt.encode(_claims(user, channels, 600) | claims, "", algorithm="none")


def _claims(user: str, channels: Iterable[str], lifetime_s: float) -> dict[str, Any]:
    expires = int(time.time() + lifetime_s)
    return {"sub": user, "jti": uuid.uuid4().hex, "exp": expires, "channels": list(channels)}

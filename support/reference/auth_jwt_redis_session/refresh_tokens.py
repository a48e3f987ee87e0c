"""Refresh tokens: opaque to their users; they say which token of which session they are, and that we made them.

The message authentication code makes it so that nothing of a token has to be kept: Redis knows which generation of a
session is in force, and who reads Redis has no token. Asked twice for the same generation, the answer is the same.
"""

import hmac
from dataclasses import dataclass
from hashlib import sha256

LONGEST = 512
_PURPOSE = b"refresh token"


@dataclass(frozen=True)
class Refresh:
    """The `generation`th token of a session, from 0 on."""

    session: str
    generation: int


class RefreshTokens:
    """Makes and reads tokens by a key of their own, which follows from the nodes' common secret."""

    def __init__(self, secret: str) -> None:
        self._key = hmac.digest(secret.encode(), _PURPOSE, "sha256")

    def issue(self, refresh: Refresh) -> str:
        """The token of that generation."""
        text = f"{refresh.session}.{refresh.generation}"
        return f"{text}.{hmac.new(self._key, text.encode(), sha256).hexdigest()}"

    def read(self, token: str) -> Refresh | None:
        """What a token says; None when it is not one of ours."""
        parts = token.split(".") if len(token) <= LONGEST else []
        if len(parts) != 3 or not (parts[1].isascii() and parts[1].isdecimal()):
            return None
        said = Refresh(parts[0], int(parts[1]))
        return said if hmac.compare_digest(self.issue(said).encode(), token.encode()) else None

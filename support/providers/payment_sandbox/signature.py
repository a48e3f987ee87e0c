"""Signatures of webhooks (docs.stripe.com/webhooks/signature), and every way in which one can be wrong."""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_FOREIGN = "whsec_of_somebody_else"
SIGNS = ("ok", "other", "both", "none", "v0", "empty", "nonascii")


@dataclass(frozen=True)
class Sign:
    """How a delivery is signed: rightly, as of `offset_s` seconds from now, or in one of the ways that are wrong."""

    how: str = "ok"
    offset_s: int = 0

    @classmethod
    def told(cls, said: Any) -> "Sign":
        """From its name, or from {"offset_s": SECONDS}. Raises ValueError."""
        if isinstance(said, dict) and set(said) == {"offset_s"}:
            return cls("ok", int(said["offset_s"]))
        if said not in SIGNS:
            raise ValueError(f"a delivery is signed by one of {', '.join(SIGNS)}, or with an offset_s; not {said!r}")
        return cls(said)

    def header(self, body: bytes, secrets: Sequence[str], now: int) -> bytes | None:
        """The header's value, with a signature for each live secret; None where there is to be none."""
        at = now + self.offset_s
        right = [b"v1=" + digest(body, secret, at) for secret in secrets]
        signatures = {
            "ok": right,
            "other": [b"v1=" + digest(body, _FOREIGN, at)],
            "both": [b"v1=" + digest(body, _FOREIGN, at), *right],  # the right one comes second
            "none": [],
            "v0": [b"v0=" + digest(body, secret, at) for secret in secrets],
            "empty": [b"v1=" + digest(body, "", at)],
            "nonascii": [b"v1=" + "é".encode() * 32],
        }[self.how]
        return b",".join([b"t=%d" % at, *signatures]) if signatures else None


RIGHTLY = Sign()


def digest(body: bytes, secret: str, at: int) -> bytes:
    """HMAC-SHA256 of "t.body" as lower-case hexadecimal digits."""
    return hmac.new(secret.encode(), b"%d." % at + body, hashlib.sha256).hexdigest().encode()

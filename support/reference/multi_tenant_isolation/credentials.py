"""Who asks: the tenant that a signed token names, or a member of our own staff. Nothing else of a request says so."""

import uuid
from dataclasses import dataclass

import jwt
from starlette.exceptions import HTTPException
from starlette.requests import Request

from ..sessions import bearer, unauthenticated


@dataclass(frozen=True)
class Credential:
    """A valid token: its user, and the tenant, which staff have none of."""

    user: str
    tenant: uuid.UUID | None

    @classmethod
    def of(cls, request: Request, secret: str) -> "Credential":
        """Raises HTTPException 401 where the token is absent, forged, expired, or names nobody."""
        try:
            claims = jwt.decode(bearer(request.headers) or "", secret, ["HS256"], {"require": ["exp", "sub"]})
            if claims.get("role") == "staff":
                return cls(claims["sub"], None)
            return cls(claims["sub"], uuid.UUID(claims["tenant"]))
        except (jwt.InvalidTokenError, KeyError, ValueError, AttributeError) as error:
            raise unauthenticated() from error

    def of_tenant(self) -> uuid.UUID:
        """The tenant; raises HTTPException 403 for staff, who say by the path whose data they look at."""
        if self.tenant is None:
            raise HTTPException(403, "this is for tenants")
        return self.tenant

    def of_staff(self) -> str:
        """The member of staff; raises HTTPException 403 for anybody else."""
        if self.tenant is not None:
            raise HTTPException(403, "this is for our staff")
        return self.user

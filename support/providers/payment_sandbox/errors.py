"""Errors as the API words them (docs.stripe.com/api/errors)."""

from typing import Any

INVALID = "invalid_request_error"


class ApiError(ValueError):
    """An answer that is an error. `details` are further members of it, such as decline_code or payment_intent."""

    def __init__(self, status: int, type_: str, message: str, code: str | None = None, **details: Any) -> None:
        super().__init__(message)
        self.status = status
        self._members = {"type": type_, "message": message, "code": code, **details}

    @property
    def body(self) -> dict[str, Any]:
        """The answer's JSON object."""
        return {"error": {name: value for name, value in self._members.items() if value is not None}}


def invalid(message: str, param: str | None = None, code: str | None = None, status: int = 400) -> ApiError:
    """The request is wrong, in its parameter `param` if in one."""
    return ApiError(status, INVALID, message, code, param=param)


def missing(kind: str, id_: str, param: str = "id") -> ApiError:
    """There is no such object: 404 where the address names it, else 400."""
    return invalid(f"No such {kind}: '{id_}'", param, "resource_missing", 404 if param == "id" else 400)

"""The one answer of a node that lacks a store: 503, and when to ask again (RFC 9110, section 15.6.4)."""

import logging

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.websockets import WebSocket

RETRY_AFTER_S = 1

logger = logging.getLogger(__name__)


class UnavailableError(Exception):
    """A store that is needed does not answer, or not in time."""


async def answer_unavailable(request: Request | WebSocket, error: Exception) -> Response:
    """What `error`, of a store, is told as; the reason is for the operator alone."""
    logger.warning("%s: %s", request.url.path, error)
    return JSONResponse({"error": "unavailable"}, 503, headers={"Retry-After": str(RETRY_AFTER_S)})

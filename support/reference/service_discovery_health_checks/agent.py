"""A client of the Consul agent that a node talks to."""

from urllib.parse import urlsplit

import requests
from consul import Consul
from consul.exceptions import ConsulException

ANSWERS_WITHIN_S = 1.0
# What the client raises when the agent does not answer, refuses, or answers what makes no sense.
TROUBLE = (ConsulException, requests.RequestException, ValueError)


def connect(url: str) -> Consul:
    """A client with connections of its own, because one is not to be used by two threads at once."""
    where = urlsplit(url)
    return Consul(where.hostname, where.port or 8500, scheme=where.scheme, connections_timeout=ANSWERS_WITHIN_S)

"""The instances of one service as Consul's DNS names them, which leaves out those that fail their checks."""

import asyncio
import socket
import time
from contextlib import suppress

import dns.asyncresolver
from dns.exception import DNSException
from dns.rdatatype import SRV, A
from dns.resolver import Answer

from .watch import Place

ANSWERS_WITHIN_S = 1.0
DOMAIN = "service.consul."


class Names:
    """Answers are kept for as long as they say, which by Consul's default is not at all."""

    def __init__(self, server: str) -> None:
        """`server` is host:port."""
        self._host, _, self._port = server.partition(":")
        self._kept: dict[str, tuple[float, list[Place]]] = {}

    async def places(self, service: str, tag: str) -> list[Place]:
        """The instances, of those with `tag` if it is not empty."""
        name = ".".join([*filter(None, [tag, service]), DOMAIN])
        until, places = self._kept.get(name, (0.0, []))
        if time.time() >= until:
            # A server that is away, or names nobody any more, is answered for by the past, as in a watch.
            with suppress(OSError, DNSException):
                answer = await self._ask(name)
                until, places = answer.expiration, _read(answer) or places
                self._kept[name] = until, places
        return places

    async def _ask(self, name: str) -> Answer:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(self._host, int(self._port), family=socket.AF_INET)
        resolver = dns.asyncresolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = [str(found[0][4][0])], int(self._port)
        # By TCP, because an answer by UDP has room for three instances.
        return await resolver.resolve(name, SRV, tcp=True, lifetime=ANSWERS_WITHIN_S)


def _read(answer: Answer) -> list[Place]:
    """Each SRV record, with the address that the answer's additional section has for its target."""
    known = [one for one in answer.response.additional if one.rdtype == A]
    addresses = {str(one.name): [record.address for record in one] for one in known}
    named = {(address, record.port) for record in answer for address in addresses.get(str(record.target), [])}
    return sorted(Place(address, port) for address, port in named if port)

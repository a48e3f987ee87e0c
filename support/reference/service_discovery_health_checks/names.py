"""The instances of one service as Consul's DNS names them, which leaves out those that fail their checks."""

import asyncio
import socket
import time

import dns.asyncresolver
from dns.exception import DNSException
from dns.rdatatype import SRV, A
from dns.resolver import NXDOMAIN, Answer, NoAnswer

from ..unavailable import UnavailableError
from .watch import Place

FIRST_ANSWER_WITHIN_S = 2.0
ANSWERS_WITHIN_S = 1.0  # where there is an earlier answer to go by
SILENT_ANSWERS_WITHIN_S = 0.5  # the same, of a server that has not answered when it was asked last
# A server that does not answer is asked again after so long: else every call would wait for it (RFC 8767, section 5).
ASKED_AGAIN_AFTER_S = 2.0
DOMAIN = "service.consul."


class Names:
    """Answers are kept for as long as they say, which by Consul's default is not at all."""

    def __init__(self, server: str) -> None:
        """`server` is host:port."""
        self._host, _, self._port = server.partition(":")
        self._kept: dict[str, tuple[float, list[Place]]] = {}
        self._is_silent = False

    async def places(self, service: str, tag: str) -> list[Place]:
        """The instances, of those with `tag` if it is not empty. UnavailableError when nobody tells, or ever told."""
        name = ".".join([*filter(None, [tag, service]), DOMAIN])
        until, places = self._kept.get(name, (0.0, []))
        if time.time() < until:
            return places
        if places:  # whoever calls while this one asks goes by the past, and so do all while nobody answers
            self._kept[name] = time.time() + ASKED_AGAIN_AFTER_S, places
        try:
            answer = await self._ask(name, self._patience_s() if places else FIRST_ANSWER_WITHIN_S)
        except (NXDOMAIN, NoAnswer):
            until = 0.0  # a server that names nobody any more is answered for by the past, as in a watch
        except (OSError, DNSException) as error:
            self._is_silent = True
            if places:
                return places
            raise UnavailableError(f"Consul's DNS does not tell of {service}") from error
        else:
            until, places = answer.expiration, _read(answer) or places
        self._is_silent = False
        if places:
            self._kept[name] = until, places
        return places

    def _patience_s(self) -> float:
        return SILENT_ANSWERS_WITHIN_S if self._is_silent else ANSWERS_WITHIN_S

    async def _ask(self, name: str, within_s: float) -> Answer:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(self._host, int(self._port), family=socket.AF_INET)
        resolver = dns.asyncresolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = [str(found[0][4][0])], int(self._port)
        # By TCP, because an answer by UDP has room for three instances.
        return await resolver.resolve(name, SRV, tcp=True, lifetime=within_s)


def _read(answer: Answer) -> list[Place]:
    """Each SRV record, with the address that the answer's additional section has for its target."""
    known = [one for one in answer.response.additional if one.rdtype == A]
    addresses = {str(one.name): [record.address for record in one] for one in known}
    named = {(address, record.port) for record in answer for address in addresses.get(str(record.target), [])}
    return sorted(Place(address, port) for address, port in named if port)

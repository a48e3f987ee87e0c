"""Where a call without an account comes from, as far as that can be believed."""

from ipaddress import IPv6Address, ip_address, ip_network

from starlette.requests import Request

NETWORK_BITS = 64  # of an IPv6 address; whoever has such a network may call from any address in it (RFC 6177)


def caller_of(request: Request, proxies: int) -> str:
    """The network that a call comes from, with `proxies` of ours in front of this node.

    Each proxy adds to X-Forwarded-For the address that it was called from. So the last ones are ours, and what stands
    before them anybody may have written.
    """
    peer = request.client.host if request.client else ""
    told = ",".join(request.headers.getlist("x-forwarded-for"))
    chain = [*(one.strip() for one in told.split(",") if one.strip()), peer]
    try:
        return _network(chain[max(0, len(chain) - 1 - proxies)])
    except ValueError:  # no proxy of ours writes that
        return peer


def _network(text: str) -> str:
    """One text for each network, however its address is spelt. Raises ValueError."""
    address = ip_address(text)
    if not isinstance(address, IPv6Address):
        return str(address)
    # An IPv4 address may be spelt as an IPv6 one (RFC 4291, section 2.5.5.2); all of these have 64 bits in common.
    mapped = address.ipv4_mapped
    return str(mapped or ip_network((address, NETWORK_BITS), strict=False))

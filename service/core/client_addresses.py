"""Addresses of clients: who sent a request, also through proxies that the zoo trusts."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Proxies = tuple[Network, ...]
# A subscriber usually has a whole IPv6 network of this size.
_IPV6_PREFIX = 64


def networks_in(text: str) -> tuple[Network, ...]:
    """The addresses and networks in a list separated by commas. Raises ValueError."""
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())


def sender_address(peer: str, *, forwarded_for: str, trusted: Iterable[Network]) -> str:
    """The address of the last machine that no trusted proxy vouches for.

    Args:
        peer: The other end of the connection.
        forwarded_for: ``X-Forwarded-For``: each proxy appends the address that it was reached from.
            Only the entries of trusted proxies count; clients can send any.
        trusted: Networks of the proxies.

    Returns:
        An IPv4 or IPv6 address, or ``peer`` as it is if it is neither.
    """
    networks = tuple(trusted)
    address = _parsed(peer)
    if address is None:
        return peer
    for entry in reversed(forwarded_for.split(",")):
        previous = _parsed(entry.strip())
        if previous is None or not any(address in network for network in networks):
            break
        address = previous
    return str(address)


def is_trusted(peer: str, trusted: Iterable[Network]) -> bool:
    """Whether the other end of a connection is a trusted proxy."""
    address = _parsed(peer)
    return address is not None and any(address in network for network in trusted)


def client_address(peer: str, *, forwarded_for: str, trusted: Iterable[Network]) -> str:
    """The address that limits apply to: that of ``sender_address``, limited."""
    return limited_address(sender_address(peer, forwarded_for=forwarded_for, trusted=trusted))


def limited_address(text: str) -> str:
    """What counts as one address: an IPv4 address, the /64 network of IPv6, or the text itself."""
    address = _parsed(text)
    if address is None or isinstance(address, IPv4Address):
        return text if address is None else str(address)
    return str(ip_network((address, _IPV6_PREFIX), strict=False))


def _parsed(text: str) -> Address | None:
    """The address in plain form, also for an IPv4 address that arrives through an IPv6 socket."""
    try:
        address = ip_address(text.split("%", 1)[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address

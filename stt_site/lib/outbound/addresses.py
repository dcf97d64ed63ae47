"""Which addresses may be connected to for somebody else: those of the public internet, and what the operator allows."""

import socket
from collections.abc import Iterable
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address

GLOBAL_UNICAST = IPv6Network("2000::/3")
# `is_global` lets these through although they lead, or may lead, inside: translations of IPv4 (mapped, NAT64, 6to4,
# Teredo), the platform addresses of clouds, site-local and multicast ranges.
DENIED_V4 = "0.0.0.0/8 100.64.0.0/10 168.63.129.16/32 192.0.0.0/24 192.88.99.0/24 198.18.0.0/15 224.0.0.0/3"
DENIED_V6 = "::/8 64:ff9b:1::/48 100::/64 2001::/23 2002::/16 3fff::/20 5f00::/16 fc00::/7 fe80::/10 fec0::/10 ff00::/8"
DENIED = tuple(ip_network(block) for block in f"{DENIED_V4} {DENIED_V6}".split())


def is_public(address: Address) -> bool:
    """Also False for the addresses of this machine itself, whatever network they are of."""
    if not address.is_global or _within(address, DENIED):
        return False
    if address.version == 6 and address not in GLOBAL_UNICAST:
        return False
    return not _is_own(address)


def is_allowed(address: Address, blocks: Iterable[str]) -> bool:
    """Whether the operator's list names it. A translated form of a listed address is not listed."""
    return _within(address, [_network(block) for block in blocks])


def parsed(text: str) -> Address:
    """What a resolver answered. A zone index (fe80::1%eth0) names an interface of ours and is no part of it."""
    return ip_address(text.partition("%")[0])


def _within(address: Address, networks: Iterable[IPv4Network | IPv6Network]) -> bool:
    return any(network.version == address.version and address in network for network in networks)


@cache
def _network(block: str) -> IPv4Network | IPv6Network:
    return ip_network(block)


def _is_own(address: Address) -> bool:
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            # Sends nothing. To an address of its own the kernel talks from that address.
            probe.connect((str(address), 9))
        except OSError:
            return False
        return bool(ip_address(probe.getsockname()[0].partition("%")[0]) == address)

"""Which IP addresses may be connected to: public ones, judged after the one and only look-up of the name."""

import re
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from beha2vec_core.pages.fetching.limits import NotFetched, Status

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolver = Callable[[str, int], list[str]]

# beyond what `is_global` knows in every Python: IETF assignments (Oracle's metadata service among them), 6to4 relays,
# Azure's wire server, which answers inside Azure only though its address is a public one
_NOT_PUBLIC_4 = [ip_network(n) for n in ("192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32")]
# IPv6 addresses of web sites are in 2000::/3; of that, Teredo and other protocols', documentation, 6to4
_PUBLIC_6 = ip_network("2000::/3")
_NOT_PUBLIC_6 = [ip_network(n) for n in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")]
_NAT64 = ip_network("64:ff9b::/96")
# a last label that is a number makes a host an IPv4 address: 2130706433, 0x7f.1, 127.1
_NUMERIC = re.compile(r"(?:^|\.)(?:0x[0-9a-f]*|\d+)\.?$", re.IGNORECASE)


def is_public(address: Address) -> bool:
    """Whether the address is one of the public internet.

    Not so private, loopback, link-local (where clouds keep their metadata), multicast, reserved, documentation and
    tunnel addresses. An IPv4 address inside an IPv6 one (mapped, NAT64) is judged itself.
    """
    if isinstance(address, IPv4Address):
        return address.is_global and not address.is_multicast and not any(address in n for n in _NOT_PUBLIC_4)
    if address.ipv4_mapped is not None:
        return is_public(address.ipv4_mapped)
    if address in _NAT64:
        return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
    return address in _PUBLIC_6 and address.is_global and not any(address in n for n in _NOT_PUBLIC_6)


def is_disguised(host: str) -> bool:
    """Whether a host is an IPv4 address in another form than four plain decimals: ``2130706433``, ``127.1``."""
    if ":" in host or not _NUMERIC.search(host):
        return False
    try:
        IPv4Address(host)
    except ValueError:
        return True
    return False


def system_resolver(host: str, port: int) -> list[str]:
    """The addresses of a name, as the machine's resolver gives them (it bounds its own time)."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(frozen=True)
class AddressGuard:
    """Turns a host name into addresses that may be connected to.

    Attributes:
        allowed_networks: addresses that are allowed although not public. For tests against a local server; there is
            deliberately no setting for it.
        resolve: gives the addresses of a name.
    """

    allowed_networks: tuple[Network, ...] = ()
    resolve: Resolver = system_resolver

    @classmethod
    def of(cls, allowed_networks: Iterable[str] = (), resolve: Resolver | None = None) -> "AddressGuard":
        """Make a guard from networks as text, such as ``127.0.0.1/32``."""
        return cls(tuple(ip_network(network) for network in allowed_networks), resolve or system_resolver)

    def addresses(self, host: str, port: int) -> list[str]:
        """Look the host up once. All its addresses must be allowed: a name that is half inside is no public site.

        Raises:
            NotFetched: an address is not allowed, or there is none.
        """
        if is_disguised(host):
            raise NotFetched(Status.REFUSED, "the host is a number, not a name")
        try:
            found = [ip_address(address) for address in self.resolve(host, port)]
        except (OSError, UnicodeError) as problem:
            raise NotFetched(Status.UNREACHABLE, "the host name has no address") from problem
        if not found:
            raise NotFetched(Status.UNREACHABLE, "the host name has no address")
        if not all(is_public(address) or any(address in net for net in self.allowed_networks) for address in found):
            raise NotFetched(Status.REFUSED, "the host has a private or reserved address")
        return [str(address) for address in found]

"""Where the operation at hand came from: kept beside the call, so that no service takes a request."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network

IPV6_PREFIX = 64  # bits of an address that one customer has, and may change at will the rest of (RFC 6177)


@dataclass(frozen=True, slots=True)
class Origin:
    """contract: the name of the contract, "admin" or "command".

    request_id: as in the X-Request-ID header; empty outside of requests.
    address: the caller's IP address, or None.
    """

    contract: str = "command"
    request_id: str = ""
    address: str | None = None

    @property
    def network(self) -> str:
        """Whose address it is: an IPv4 address, a network of 64 bits of IPv6, or "unknown"."""
        if self.address is None:
            return "unknown"
        parsed = ip_address(self.address)
        whole = isinstance(parsed, IPv6Address)
        return str(ip_network((parsed, IPV6_PREFIX), strict=False)) if whole else str(parsed)


_current: ContextVar[Origin] = ContextVar("origin", default=Origin())


def current() -> Origin:
    """The origin of the operation at hand; the operator's where nobody set one."""
    return _current.get()


@contextmanager
def coming_from(origin: Origin) -> Iterator[None]:
    """Make `origin` the current one for the body of the `with`."""
    token = _current.set(origin)
    try:
        yield
    finally:
        _current.reset(token)

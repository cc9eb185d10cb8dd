"""Around every request: its origin and id, a line of log, what pages may load; sessions for the admin site only."""

import logging
import time
from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse
from django.utils.encoding import escape_uri_path

from usermgmt.http import rates
from usermgmt.http.contracts import contract_of, is_admin
from usermgmt.origin import Origin, coming_from

logger = logging.getLogger("usermgmt.access")

Handler = Callable[[HttpRequest], HttpResponse]


def address_of(request: HttpRequest) -> str | None:
    """The caller's IP address: the connection's, or, behind TRUSTED_PROXIES, the last one in
    X-Forwarded-For that is not a proxy of ours (RFC 7239 names the same risk: the rest is hearsay)."""
    address: str = request.META.get("REMOTE_ADDR", "")
    hops = [hop.strip() for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
    while hops and _is_trusted(address):
        address = hops.pop()
    parsed = _parsed(address)
    return None if parsed is None else str(parsed)


def _is_trusted(address: str) -> bool:
    parsed = _parsed(address)
    return parsed is not None and any(parsed in network for network in settings.TRUSTED_PROXIES)


@lru_cache(maxsize=1024)
def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    """The address, in the one form that networks and databases compare; None for what is none."""
    try:
        # A zone ("%eth0", RFC 4007 11) names an interface of the machine that wrote it, and databases refuse it.
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    # What a socket for both families says of an IPv4 caller (RFC 4291 2.5.5.2).
    return getattr(address, "ipv4_mapped", None) or address


def _user_id_of(request: HttpRequest) -> int | None:
    """Whose call it was, as far as somebody asked already: `request.user` of the admin site is a query."""
    user = getattr(request, "_cached_user" if is_admin(request) else "user", None)
    return getattr(user, "pk", None)


class OriginMiddleware:
    """X-Request-ID in and out, the origin for the audit trail, no caching unless said, one line of log."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        if not _is_trusted(request.META.get("REMOTE_ADDR", "")):
            # Hearsay, like X-Forwarded-For: SECURE_PROXY_SSL_HEADER believes it from a proxy of ours only.
            request.META.pop("HTTP_X_FORWARDED_PROTO", None)
        called = contract_of(request)
        request_id = called.request_id(request.headers.get("X-Request-ID", ""))
        contract = "admin" if is_admin(request) else called.name
        origin = Origin(contract=contract, request_id=request_id, address=address_of(request))
        with coming_from(origin):
            response = self.get_response(request)
            if called.always_tells:
                rates.tell_stranger(response, called)
        response.headers["X-Request-ID"] = request_id
        # Identity data is everywhere; a page that may be kept says so itself.
        response.headers.setdefault("Cache-Control", "no-store")
        logger.info(
            "%s %s %s",
            request.method,
            escape_uri_path(request.path),  # a line break in it would make a second line
            response.status_code,
            extra={
                "fields": {
                    "method": request.method,
                    "path": request.path,  # never the query: it may hold names and addresses
                    "status": response.status_code,
                    "milliseconds": round((time.perf_counter() - started) * 1000, 1),
                    "request_id": request_id,
                    "contract": contract,
                    "address": origin.address,
                    "user": _user_id_of(request),
                }
            },
        )
        return response


class ContentPolicyMiddleware:
    """The Content-Security-Policy of the settings on every answer: one for all, so a constant."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", settings.CONTENT_SECURITY_POLICY)
        return response


class _ForAdmin:
    """Skips a middleware for everything but the admin site: the APIs have no cookies to serve or to forge."""

    def __call__(self, request: HttpRequest) -> Any:
        if is_admin(request):
            return super().__call__(request)  # type: ignore[misc]
        return self.get_response(request)  # type: ignore[attr-defined]


class AdminSessionMiddleware(_ForAdmin, SessionMiddleware):
    """Sessions."""


class AdminAuthenticationMiddleware(_ForAdmin, AuthenticationMiddleware):
    """`request.user` by session."""


class AdminMessageMiddleware(_ForAdmin, MessageMiddleware):
    """One-time messages."""

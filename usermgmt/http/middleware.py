"""Around every request: its origin and id, a line of log, what pages may load; sessions for the admin site only.

Calls, which need little of it, have a short way in: `CallsMiddleware`.
"""

import logging
import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, cast

from corsheaders.middleware import CorsMiddleware
from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.exceptions import DisallowedHost
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.security import SecurityMiddleware
from django.utils.cache import patch_vary_headers
from django.utils.encoding import escape_uri_path

from usermgmt.http import rates
from usermgmt.http.contracts import contract_of, is_admin, is_page
from usermgmt.origin import Origin, coming_from

logger = logging.getLogger("usermgmt.access")

_VARY = ("origin",)  # as CorsMiddleware has it: what a page of elsewhere may read is not the same for all

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
        request_id = called.request_id(request.META.get("HTTP_X_REQUEST_ID", ""))
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


class CallsMiddleware:
    """Answers calls without the middleware that stands between this one and the view.

    A dozen of those cost a short call as much as its own work, and do little for it: there is no session, no form and
    no file in a call, and the headers are the same each time. So pages go on through all of them (`get_response`).
    Calls are looked at here as they would be there (the host, HTTPS, other origins), go to the view, and get the
    headers that Django's own middleware gave to an empty answer. So does whoever comes by HTTP where HTTPS alone is
    served, for a page, too: Django's own middleware gives those no headers, as it answers in front of what adds them.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response
        view = _innermost(get_response)
        self._view = view
        # As Django does with all middleware: what is raised within has become an answer.
        self._moved: Any = convert_exception_to_response(SecurityMiddleware(view).process_request)  # type: ignore[arg-type]
        self._asked = convert_exception_to_response(self._ask)
        self._from_elsewhere = PreflightMiddleware(cast("Handler", self._asked))
        self._headers = {secure: self._usual_headers(secure) for secure in (False, True)}

    def __call__(self, request: HttpRequest) -> HttpResponse:
        moved = self._moved(request)
        if moved is None and is_page(request):
            return self.get_response(request)
        response: HttpResponse = self._answer(request) if moved is None else moved
        headers: Any = response.headers
        # Straight into where they are kept: to set each by itself, if it is not there, costs twenty times as much.
        headers._store = {**self._headers[request.is_secure()], **headers._store}
        if "content-length" not in headers._store and not response.streaming:
            headers["Content-Length"] = str(len(response.content))
        return response

    def _answer(self, request: HttpRequest) -> Any:
        if "HTTP_ORIGIN" in request.META or "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in request.META:
            return self._from_elsewhere(request)
        response: Any = self._asked(request)
        if response.has_header("Vary"):
            patch_vary_headers(response, _VARY)
        return response

    def _ask(self, request: HttpRequest) -> Any:
        request.get_host()  # raises DisallowedHost
        return self._view(request)

    def _usual_headers(self, secure: bool) -> Mapping[str, tuple[str, str]]:
        """Those of every answer, by their names in lower case."""
        request, response = _Empty(secure), HttpResponse()
        del response.headers["Content-Type"]
        patch_vary_headers(response, _VARY)
        for middleware in (
            ContentPolicyMiddleware(lambda _: response),
            XFrameOptionsMiddleware(lambda _: response),
            SecurityMiddleware(lambda _: response),
        ):
            middleware.process_response(request, response)
        return {name.lower(): (name, value) for name, value in response.items()}


class PreflightMiddleware(CorsMiddleware):
    """corsheaders', which answers preflights itself, before anybody asks for which host: one for another host goes on,
    to be refused as every request for it is."""

    def check_preflight(self, request: HttpRequest) -> HttpResponseBase | None:
        answer: HttpResponseBase | None = super().check_preflight(request)
        if answer is not None:
            try:
                request.get_host()
            except DisallowedHost:
                return None
        return answer


class _Empty(HttpRequest):
    """A request for nothing."""

    def __init__(self, secure: bool) -> None:
        super().__init__()
        self._secure = secure

    def _get_scheme(self) -> str:
        return "https" if self._secure else "http"


def _innermost(get_response: Any) -> Any:
    """What the last of the middleware calls: Django's handler, which finds the view. Django wraps each of them
    (`functools.wraps`), and each keeps what it calls."""
    inner = getattr(getattr(get_response, "__wrapped__", None), "get_response", None)
    return get_response if inner is None else _innermost(inner)


class ContentPolicyMiddleware:
    """The Content-Security-Policy of the settings on every answer: one for all, so a constant."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.process_response(request, self.get_response(request))

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
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

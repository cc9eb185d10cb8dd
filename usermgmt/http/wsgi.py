"""Between the server and Django: bodies of unknown length, and headers that Django reads too trustingly."""

import contextlib
import io
import re
from collections.abc import Callable, Iterable
from typing import IO, Any

from django.conf import settings
from django.core.cache import close_caches
from django.core.handlers.base import reset_urlconf
from django.core.handlers.wsgi import LimitedStream, WSGIHandler, WSGIRequest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connections, reset_queries
from django.urls import ResolverMatch
from django.utils.http import parse_header_parameters

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]

_PARAMETER = re.compile(r";([^;,=]*)=[^;,]*")
_NUMBER = re.compile(r"/([0-9]+)(?=/|\Z)")

_BLOCK = 64 * 1024  # bytes


class _Body(LimitedStream):
    """A body that ends with its length. failed: the client broke off, or stalled; there is no use in reading on."""

    failed = False

    def read(self, size: int | None = -1, /) -> bytes:
        try:
            return super().read(size)
        except OSError:
            self.failed = True
            raise


class Bodies:
    """Bodies as Django needs them, and read to their end, whatever Django leaves of them.

    A chunked one (RFC 9112 7.1) is read up to `limit` + 1 bytes, and its length announced: Django reads only
    what Content-Length announces, so it would seem empty.
    What is left of any is read and thrown away, up to `patience` bytes: a server that closes on a client that
    still sends resets the connection, and the client never sees the answer (RFC 9112 9.6).
    """

    def __init__(self, application: Application, *, limit: int, patience: int) -> None:
        self.application = application
        self.limit = limit
        self.patience = patience

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        body = self._sent(environ)
        if body is None:
            return self.application(environ, start_response)
        answer = self.application({**environ, "wsgi.input": body}, start_response)
        if not body.failed:
            self._drain(body)
        return answer

    def _sent(self, environ: dict[str, Any]) -> "_Body | None":
        """The body, which ends where it ends; None if there is none."""
        length = environ.get("CONTENT_LENGTH", "")
        if length.isascii() and length.isdigit():
            return _Body(environ["wsgi.input"], int(length)) if int(length) else None
        # A server that does not say so hands over the bare connection, which has no end.
        chunked = "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower()
        if length or not chunked or not environ.get("wsgi.input_terminated"):
            return None
        body = environ["wsgi.input"].read(self.limit + 1)
        self._drain(environ["wsgi.input"])
        environ["CONTENT_LENGTH"] = str(len(body))
        return _Body(io.BytesIO(body), len(body))

    def _drain(self, body: "IO[bytes] | _Body") -> None:
        left = self.patience
        with contextlib.suppress(OSError):  # the client is gone, and so is its answer
            while left > 0 and (block := body.read(_BLOCK)):
                left -= len(block)


class Request(WSGIRequest):
    """A request whose text is UTF-8, whatever a charset in its Content-Type says; the JSON gate refuses others.

    Django reads the query in that charset already while it makes the request: `charset=base64` would end
    outside of every handler, as the server's own 500.
    """

    def __init__(self, environ: dict[str, Any]) -> None:
        for header in ("CONTENT_TYPE", "HTTP_ACCEPT"):
            if header in environ:
                environ[header] = _PARAMETER.sub(_unless_extended, environ[header])
        super().__init__(environ)

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        self.content_type, self.content_params = parse_header_parameters(meta.get("CONTENT_TYPE", ""))


class Handler(WSGIHandler):
    """Django's handler, making our requests, and sending no body where HTTP has none."""

    request_class = Request

    def __init__(self) -> None:
        super().__init__()
        self._written: dict[str, ResolverMatch] = {}
        look_once_a_request()

    def resolve_request(self, request: Any) -> ResolverMatch:
        """As Django does, which goes down the table of URLs; a path that is written in it, but for one number, is
        looked for there once, whichever the number."""
        path: str = request.path_info
        shape, numbers = _NUMBER.subn("/0", path, count=2)
        known = self._written.get(shape)
        if known is None or hasattr(request, "urlconf"):
            match: ResolverMatch = super().resolve_request(request)
            if len(match.kwargs) == numbers < 2 and _is_written(match, path) and not hasattr(request, "urlconf"):
                self._written[shape] = match
            return match
        if numbers:
            (name,), (number,) = known.kwargs, _NUMBER.findall(path)
            kwargs = {name: number}
            known = ResolverMatch(known.func, (), kwargs, known.url_name, route=known.route, captured_kwargs=kwargs)
        request.resolver_match = known
        return known

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        answer = super().__call__(environ, start_response)
        if environ["REQUEST_METHOD"] != "HEAD":
            return answer
        # RFC 9110 9.3.2. The server would throw it away, and warn of each.
        answer.close()
        return []


def look_once_a_request() -> None:
    """Have connections to databases looked at when a request begins, and not at its end again.

    Django looks through all that there are four times a request, which is a tenth of a short one: for connections that
    are too old or broken, at both ends; to clear the log of queries, which DEBUG keeps alone; to close caches, of which
    there are none. What is broken at the end of a request its thread closes before the next. Nor is another table of
    URLs put back, as no request has one of its own.
    """
    if all(database["CONN_MAX_AGE"] != 0 for database in connections.settings.values()):
        request_finished.disconnect(close_old_connections)
    request_finished.disconnect(close_caches)
    request_finished.disconnect(reset_urlconf)
    if not settings.DEBUG:
        request_started.disconnect(reset_queries)


def _is_written(match: ResolverMatch, path: str) -> bool:
    """Whether the path is the text of its route, with a number, if any, for the one part that may be any text.

    The admin site's, which has names of its own (a namespace), are not.
    """
    if match.namespaces:
        return False
    route = f"/{match.route}"
    for name, value in match.kwargs.items():
        route = route.replace(f"<str:{name}>", value)
    return route == path


def _unless_extended(parameter: re.Match[str]) -> str:
    """Nothing for `name*=codec'language'value` (RFC 2231): Django raises on codecs that it does not know, and no
    media type that we take has such a parameter."""
    return "" if "*" in parameter[1] else parameter[0]

"""Between the server and Django: bodies of unknown length, and headers that Django reads too trustingly."""

import io
import re
from collections.abc import Callable, Iterable
from typing import Any

from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.utils.http import parse_header_parameters

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]

_PARAMETER = re.compile(r";([^;,=]*)=[^;,]*")


class ChunkedBodies:
    """Reads a chunked body up to `limit` + 1 bytes and announces its length (RFC 9112 7.1).

    Django reads only what Content-Length announces, so a chunked body would seem empty.
    """

    def __init__(self, application: Application, *, limit: int) -> None:
        self.application = application
        self.limit = limit

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if not environ.get("CONTENT_LENGTH") and "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower():
            body = environ["wsgi.input"].read(self.limit + 1)
            environ = {**environ, "wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        return self.application(environ, start_response)


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
    """Django's handler, making our requests."""

    request_class = Request


def _unless_extended(parameter: re.Match[str]) -> str:
    """Nothing for `name*=codec'language'value` (RFC 2231): Django raises on codecs that it does not know, and no
    media type that we take has such a parameter."""
    return "" if "*" in parameter[1] else parameter[0]

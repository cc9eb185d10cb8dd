"""Canaries: no answer and no line of log of the whole suite tells a secret.

Every answer that Django's test clients get, and every record that is logged meanwhile, is looked through for what
must never be there: the passwords and tokens that the test at hand sent, stored forms of passwords, digests, and
tokens. The one exception is the answer that hands a token out; `HANDED_OUT` names them all.
"""

import json
import logging
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponse

MIN_LENGTH = 8  # characters; anything shorter is in some answer by chance
MAX_LENGTH = 4096  # characters of a secret that is looked for; longer ones are made to be refused
SECRET_KEYS = re.compile(r"password|refresh|^token$|_token$|authToken|^resume$|^pass$", re.IGNORECASE)
FORMS = {
    "a hash of Argon2": re.compile(r"argon2(id)?\$"),
    "a hash of bcrypt": re.compile(r"\$2[abxy]\$\d\d\$|bcrypt_(rails|rocketchat)\$"),
    "a digest": re.compile(r"(?<![0-9A-Za-z])[0-9a-f]{64}(?![0-9A-Za-z])"),
    "a JWT": re.compile(r"eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}"),
    "an API token": re.compile(r"\bum_[A-Za-z0-9]{8,}_[\w-]{20,}"),
}
ECHO = "what was sent"
RESUMED = "the API token that was sent"
HANDED_OUT = {
    ("POST", "/auth/token"): {"a JWT"},
    ("POST", "/auth/token/refresh"): {"a JWT"},
    # The form has the token of its link in it; that no password comes back is a test of its own.
    **{
        (method, path): {ECHO}
        for method in ("GET", "HEAD", "POST")
        for path in ("/password/reset", "/invitation", "/email/verify")
    },
    ("POST", "/tokens"): {"an API token"},
    ("POST", "/api/v1/login"): {"an API token", RESUMED},
    ("POST", "/admin/accounts/apitoken/add/"): {"an API token"},
    ("GET", "/openapi.json"): {"an API token"},  # an example
    ("GET", "/openapi/native.json"): {"an API token"},
}
"""What the answer to a method and path is for."""


class Watch:
    """What one test sent that is secret, and where any of it came back."""

    def __init__(self) -> None:
        self.secrets: set[str] = set()
        self.findings: list[str] = []

    def answered(self, request: WSGIRequest, response: HttpResponse) -> None:
        """Look through an answer: its headers, save cookies, and its body."""
        sent = dict(_sent(request))
        secrets = {value for name, value in sent.items() if SECRET_KEYS.search(name)}
        public = {value for name, value in sent.items() if not SECRET_KEYS.search(name)} | sent.keys()
        self.secrets |= {value for value in secrets - public if MIN_LENGTH <= len(value) <= MAX_LENGTH}
        where = ("GET" if request.method == "HEAD" else str(request.method), request.path)
        text = "\n".join([*response.headers.values(), *_body(response)])
        self._look(text, f"the answer to {' '.join(where)}", allowed=HANDED_OUT.get(where, set()), echoed=public)

    def logged(self, record: logging.LogRecord) -> None:
        """Look through a record as each formatter would write it."""
        text = f"{record.getMessage()}\n{getattr(record, 'fields', '')}\n{record.exc_info or ''}"
        self._look(text, f"a line of {record.name}", allowed=set(), echoed=set())

    def _look(self, text: str, where: str, *, allowed: set[str], echoed: set[str]) -> None:
        for what, form in FORMS.items():
            told = {match[0] for match in form.finditer(text)} if what not in allowed else set()
            if any(not any(match in value for value in echoed) for match in told):
                self.findings.append(f"{what} in {where}")
        excused = {s for s in self.secrets if FORMS["an API token"].fullmatch(s)} if RESUMED in allowed else set()
        found = [] if ECHO in allowed else [s for s in self.secrets - echoed - excused if s in text]
        self.findings += [f"the secret {secret[:20]!r}... in {where}" for secret in found]


class Canaries(logging.Handler):
    """The watch of the test at hand; between tests nobody watches."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.watch = Watch()

    def emit(self, record: logging.LogRecord) -> None:
        self.watch.logged(record)


def _sent(request: WSGIRequest) -> Iterator[tuple[str, str]]:
    """Every text in the query and in the body, with the key that it stands under."""
    yield from parse_qsl(request.environ.get("QUERY_STRING", ""))
    payload = request.environ.get("wsgi.input")
    content = getattr(payload, "_FakePayload__content", None)  # unread: a test may be about who reads it
    body = b"" if content is None else content.getvalue()[:100_000]
    if request.content_type == "application/x-www-form-urlencoded":
        yield from parse_qsl(body.decode("utf-8", "replace"))
        return
    try:
        yield from _texts("", json.loads(body))
    except (ValueError, RecursionError):
        return


def _texts(key: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _texts(name, item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(key, item)


def _body(response: HttpResponse) -> Iterator[str]:
    if not getattr(response, "streaming", False):
        yield response.content.decode("utf-8", "replace")

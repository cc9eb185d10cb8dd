"""Idempotency-Key: a POST that is sent again gets the answer of the first, and is not done again
(draft-ietf-httpapi-idempotency-key-header).

A row of `StoredAnswer` claims a key before the call is done: its primary key lets one of many in. The row and the
answer are transactions of their own, so that what a call rolls back takes neither along.
"""

import contextlib
import hashlib
import json
import logging
import re
import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, NoReturn

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import DatabaseError, IntegrityError, connections, transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import salted_hmac
from rest_framework.exceptions import ParseError
from rest_framework.request import Request

from usermgmt.errors import Fault
from usermgmt.http.contracts import Problem, Refused
from usermgmt.http.parsers import MAX_BODY_BYTES, BodyTooLarge
from usermgmt.models import FORGOTTEN, StoredAnswer

logger = logging.getLogger("usermgmt.idempotency")

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
KEPT = timedelta(hours=24)
CLAIMED = timedelta(seconds=60)  # a claim that nobody renews is of a process that died
RETRY_AFTER = 1  # seconds, where the first is still being answered
MAX_LENGTH = 255  # characters of a key
KEY_PATTERN = r'^([!#-~][!-~]*|"([ !#-\[\]-~]|\\["\\])+")$'
REUSED = Fault(HEADER, "key_reused")
_BARE = re.compile(r"[!#-~][!-~]*\Z")
_QUOTED = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])+)"\Z')  # a string of RFC 8941 3.3.3, as the draft has it
# Who may not now may later; the others ask to come again.
_NOT_KEPT = (401, 403, 408, 409, 413, 429)
_OF_THE_MOMENT = ("ratelimit-", "x-ratelimit-", "retry-after", "date", "x-request-id")
_NONCE_BYTES = 12  # of AES-GCM (NIST SP 800-38D 8.2)


class Replayed(Exception):
    """The answer is there already."""

    def __init__(self, answer: HttpResponse) -> None:
        self.answer = answer
        super().__init__("replayed")


def in_flight() -> Refused:
    """The refusal of a key whose first request is still being answered."""
    detail = "A request with this Idempotency-Key is being answered. Try again in a moment."
    return Refused(Problem(409, "in_flight", detail, headers={"Retry-After": str(RETRY_AFTER)}))


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the answer to a request lies, and what opens it, under one SECRET_KEY."""

    key: str
    fingerprint: str
    secret: bytes = field(repr=False)


class Claim:
    """The right to do what a key stands for; given up or turned into a stored answer at the end of the call."""

    def __init__(self, place: _Place, row: StoredAnswer) -> None:
        self._place = place
        self._owner = row.owner
        # What a stranger was refused is not worth a row for a day: anybody could fill the disk with them.
        self._kept = range(200, 300 if row.actor_id is None else 500)
        self._renewal = self._later()

    def settle(self, answer: HttpResponse) -> None:
        """Store the answer of the call, or, where the call may be tried again, forget that it was made."""
        self._renewal.cancel()
        if answer.status_code not in self._kept or answer.status_code in _NOT_KEPT:
            return self.give_up()
        sealed = _seal(_packed(answer), self._place)
        try:
            self._rows().update(answer=sealed)
        except DatabaseError:
            # The call is done, and its answer is due; a retry finds the claim, and does it again once that is past.
            logger.exception("the answer to an idempotent call was not stored")
        return None

    def give_up(self) -> None:
        """Let the next with this key try."""
        self._renewal.cancel()
        with contextlib.suppress(DatabaseError):  # else the claim runs out
            self._rows().delete()

    def _rows(self) -> QuerySet[StoredAnswer]:
        """The row, as long as it is this claim's."""
        return StoredAnswer.objects.filter(key=self._place.key, owner=self._owner, answer=None)

    def _later(self) -> threading.Timer:
        timer = threading.Timer(CLAIMED.total_seconds() / 3, self._renew)
        timer.daemon = True
        timer.start()
        return timer

    def _renew(self) -> None:
        """Hold the claim for longer: the call takes its time, as a list of a thousand users does."""
        try:
            held = self._rows().update(claimed_until=timezone.now() + CLAIMED)
        except DatabaseError:
            held = 1  # away for a moment: again
        finally:
            connections.close_all()  # this thread's own
        if held:
            self._renewal = self._later()


def claim(request: Request) -> Claim | None:
    """The claim on the key of a request, for its caller, route and body; None where it has no key.

    Raises Replayed with the stored answer, ParseError for a header that is no key, and Refused: 409 while the
    first request is being answered, 422 where it had another body.
    """
    header = request.headers.get(HEADER)
    if header is None:
        return None
    sent = _key_in(header.strip(" \t"))
    body = _body_of(request._request)
    actor: Any = request.user
    told = [request.META.get("QUERY_STRING", ""), hashlib.sha256(body).hexdigest()]
    # A stranger is known by nothing but what is sent: nobody's key is in the way of anybody else's.
    caller = [*told] if actor is None else [actor.pk, actor.scope_id]
    named = [sent, request.method, request.path, caller]
    place, *former = (_place(sent, named, told, key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))
    for before in former:
        there = StoredAnswer.objects.filter(key=before.key).first()
        if there is not None and not _is_past(there):
            _tell(there, before)
    row = StoredAnswer(
        key=place.key,
        actor_id=None if actor is None else actor.pk,
        fingerprint=place.fingerprint,
        owner=secrets.token_hex(16),
        claimed_until=timezone.now() + CLAIMED,
    )
    if not _inserted(row):
        _take_over(row, place)
    return Claim(place, row)


def forget_expired() -> int:
    """Delete the answers that are past; gives how many."""
    return StoredAnswer.objects.filter(created_at__lt=timezone.now() - KEPT).delete()[0]


def _inserted(row: StoredAnswer) -> bool:
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        return False
    return True


def _take_over(row: StoredAnswer, place: _Place) -> None:
    """Take a key that is there already, if what is there is past; else raise what is to be said instead."""
    there = StoredAnswer.objects.filter(key=row.key).first()
    if there is None:
        raise in_flight()  # given up this very moment
    if not _is_past(there):
        _tell(there, place)
    mine = {name: getattr(row, name) for name in ("fingerprint", "owner", "claimed_until", "created_at")}
    rows = StoredAnswer.objects.filter(key=row.key, owner=there.owner, claimed_until=there.claimed_until)
    if not rows.update(**mine, answer=None):
        raise in_flight()  # somebody else was quicker


def _is_past(there: StoredAnswer) -> bool:
    now = timezone.now()
    return there.created_at < now - KEPT or (there.answer is None and there.claimed_until < now)


def _tell(there: StoredAnswer, place: _Place) -> NoReturn:
    if there.fingerprint != place.fingerprint:
        raise Refused(Problem(422, "invalid", faults=(REUSED,)))
    if there.answer is None:
        raise in_flight()
    if bytes(there.answer) == FORGOTTEN:
        raise Refused(Problem(409, "answer_forgotten", "This was done before, and its answer is no longer kept."))
    raise Replayed(_unpacked(_open(bytes(there.answer), place)))


def _key_in(header: str) -> str:
    """The key in the header, bare or as a string of RFC 8941; raises ParseError."""
    quoted = _QUOTED.match(header)
    key = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else header
    if len(key) > MAX_LENGTH or not (quoted or _BARE.match(header)):
        raise ParseError(f"{HEADER}: 1 to {MAX_LENGTH} visible ASCII characters, please.")
    return key


def _body_of(request: HttpRequest) -> bytes:
    """The body, which is read once and kept; raises BodyTooLarge before it is worth a digest."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not (length.isascii() and length.isdigit()):
        raise ParseError("The Content-Length is malformed.")
    if len(length) > len(str(MAX_BODY_BYTES)) or int(length) > MAX_BODY_BYTES:
        raise BodyTooLarge
    return request.body


def _place(sent: str, named: Sequence[object], told: Sequence[object], secret_key: str) -> _Place:
    """What is told of a request, in keyed digests; and the secret, of the Idempotency-Key, which is stored nowhere,
    and of SECRET_KEY: the database alone opens nothing."""
    key, fingerprint = (
        salted_hmac(f"usermgmt.idempotency.{use}", json.dumps(value), secret=secret_key, algorithm="sha256").hexdigest()
        for use, value in (("key", named), ("fingerprint", told))
    )
    return _Place(key, fingerprint, sent.encode() + b"\0" + secret_key.encode())


def _cipher(place: _Place) -> AESGCM:
    derived = HKDF(SHA256(), length=32, salt=place.key.encode(), info=b"usermgmt.idempotency.answer")
    return AESGCM(derived.derive(place.secret))


def _seal(plain: bytes, place: _Place) -> bytes:
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + _cipher(place).encrypt(nonce, plain, place.key.encode())


def _open(sealed: bytes, place: _Place) -> bytes:
    return _cipher(place).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], place.key.encode())


def _packed(answer: HttpResponse) -> bytes:
    """Status and headers in a line, then the body."""
    headers = [[name, value] for name, value in answer.items() if not name.lower().startswith(_OF_THE_MOMENT)]
    return json.dumps([answer.status_code, headers]).encode() + b"\n" + answer.content


def _unpacked(plain: bytes) -> HttpResponse:
    head, _, body = plain.partition(b"\n")
    status, headers = json.loads(head)
    answer = HttpResponse(body, status=status)
    del answer.headers["Content-Type"]  # an empty answer has none
    for name, value in headers:
        answer.headers[name] = value
    answer.headers[REPLAYED] = "true"
    return answer

"""How passwords are kept: Argon2id, and the imported hashes that a sign-in turns into it (DESIGN 2)."""

import base64
import binascii
import hashlib
import math
import re
from abc import ABC, abstractmethod
from typing import Any

import bcrypt
from django.conf import settings
from django.contrib.auth.hashers import (
    Argon2PasswordHasher,
    BasePasswordHasher,
    PBKDF2PasswordHasher,
    PBKDF2SHA1PasswordHasher,
    make_password,
)

BCRYPT_MAX_BYTES = 72
BCRYPT_CHEAP_COST = 8  # below it, cheaper by far than a hash of our own
BCRYPT_MAX_COST = 14  # about two seconds; a hash of cost 31 would hold a worker for days
# The last character of the salt carries two bits, so it is one of four; bcrypt raises on others.
PBKDF2_MAX_ITERATIONS = 2_000_000  # about half a second
ARGON2_MAX_MEMORY_KIB = 256 * 1024
ARGON2_MAX_WORK = 1024 * 1024  # KiB times passes: about a second
ARGON2_MAX_LANES = 16
# What takes as long as a round of bcrypt, of which a hash of cost c has 2 ** c; somewhat less is meant to be.
_PBKDF2_A_ROUND = 200  # iterations
_ARGON2_A_ROUND = 64  # KiB times passes
_BCRYPT_MIN_COST = 4
_BCRYPT_FORM = re.compile(r"\$2[abxy]\$(0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{31}\Z")
_PBKDF2_FORM = re.compile(
    r"(pbkdf2_sha256|pbkdf2_sha1)\$([1-9][0-9]{0,8})\$[\x21-\x23\x25-\x7e]{1,128}\$([A-Za-z0-9+/]{27,43}=)\Z"
)
_PBKDF2_BYTES = {"pbkdf2_sha256": 32, "pbkdf2_sha1": 20}
_ARGON2_FORM = re.compile(
    r"argon2\$argon2(id?|d)\$v=19\$m=([1-9][0-9]{0,8}),t=([1-9][0-9]{0,8}),p=([1-9][0-9]{0,8})"
    r"\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})\Z"
)


class Argon2idHasher(Argon2PasswordHasher):
    """Argon2id with the costs of the settings: OWASP's 19 MiB, 2 passes, 1 lane by default."""

    @property
    def time_cost(self) -> int:  # type: ignore[override]
        return int(settings.ARGON2_PASSES)

    @property
    def memory_cost(self) -> int:  # type: ignore[override]
        return int(settings.ARGON2_MEMORY_KIB)

    @property
    def parallelism(self) -> int:  # type: ignore[override]
        return int(settings.ARGON2_LANES)

    def harden_runtime(self, password: str, encoded: str) -> None:
        _harden(password, encoded)


class _ImportedBcrypt(BasePasswordHasher, ABC):
    """bcrypt made elsewhere: verified, never made here. Stored as `algorithm$` + the hash as it came."""

    @abstractmethod
    def prepare(self, password: str) -> bytes:
        """The bytes that went into bcrypt."""

    def verify(self, password: str, encoded: str) -> bool:
        secret = self.prepare(password)
        # bcrypt 5 raises above 72 bytes, and older ones cut silently: both end as a plain failure here,
        # one that takes as long as any other.
        fits = len(secret) <= BCRYPT_MAX_BYTES and b"\0" not in secret
        same = bcrypt.checkpw(secret if fits else b"", encoded.partition("$")[2].encode("ascii"))
        return same and fits

    def must_update(self, encoded: str) -> bool:
        return True

    def safe_summary(self, encoded: str) -> Any:
        return {"algorithm": self.algorithm}

    def harden_runtime(self, password: str, encoded: str) -> None:
        _harden(password, encoded)


class RailsBcryptHasher(_ImportedBcrypt):
    """`has_secure_password` and Devise without pepper: bcrypt of the password."""

    algorithm = "bcrypt_rails"

    def prepare(self, password: str) -> bytes:
        return password.encode()


class RocketChatBcryptHasher(_ImportedBcrypt):
    """Rocket.Chat (Meteor accounts-password): bcrypt of the hexadecimal SHA-256 of the password."""

    algorithm = "bcrypt_rocketchat"

    def prepare(self, password: str) -> bytes:
        return hashlib.sha256(password.encode()).hexdigest().encode("ascii")


class ImportedPBKDF2Hasher(PBKDF2PasswordHasher):
    """PBKDF2 with SHA-256 as Django keeps it: verified, and Argon2id from the next sign-in on."""

    def must_update(self, encoded: str) -> bool:
        return True

    def harden_runtime(self, password: str, encoded: str) -> None:
        _harden(password, encoded)


class ImportedPBKDF2SHA1Hasher(PBKDF2SHA1PasswordHasher):
    """The same with SHA-1."""

    def must_update(self, encoded: str) -> bool:
        return True

    def harden_runtime(self, password: str, encoded: str) -> None:
        _harden(password, encoded)


IMPORTED = {"rails": RailsBcryptHasher.algorithm, "rocketchat": RocketChatBcryptHasher.algorithm}
# By its name in Django's form; Rocket.Chat's is Django's bcrypt of a sha256 in all but the name.
_BCRYPT_OF = {"bcrypt": "rails", "bcrypt_sha256": "rocketchat"} | {name: source for source, name in IMPORTED.items()}


def imported_cost(stored: str) -> int | None:
    """The cost of an imported hash as that of the bcrypt that takes about as long; None for a hash of our own, with
    the costs of the settings, and for no password."""
    algorithm, _, digest = stored.partition("$")
    if algorithm == "argon2":
        argon2 = _ARGON2_FORM.match(stored)
        return _argon2_cost(argon2) if argon2 is not None else None
    if algorithm in _PBKDF2_BYTES:
        pbkdf2 = _PBKDF2_FORM.match(stored)
        return _cost_of(int(pbkdf2[2]) / _PBKDF2_A_ROUND) if pbkdf2 is not None else None
    match = _BCRYPT_FORM.match(digest) if algorithm in IMPORTED.values() else None
    return int(match[1]) if match is not None else None


def imported(source: str, digest: str) -> str:
    """The stored form of a bcrypt hash from another system.

    source: a key of `IMPORTED`. digest: e.g. "$2a$12$...". Raises ValueError: an unknown source, not a
    bcrypt hash, or a cost that would make each sign-in a denial of service.
    """
    if source not in IMPORTED:
        raise ValueError(f"unknown source of hashes {source!r}; known: {', '.join(IMPORTED)}")
    match = _BCRYPT_FORM.match(digest)
    if match is None:
        raise ValueError("not a bcrypt hash")
    if int(match[1]) > BCRYPT_MAX_COST:
        raise ValueError(f"bcrypt cost {match[1]} is above {BCRYPT_MAX_COST}")
    return f"{IMPORTED[source]}${digest}"


def recognised(digest: str, source: str = "rails") -> str:
    """The stored form of a hash from another system, whose kind its form tells: bcrypt, Argon2, PBKDF2, bare or as
    Django keeps them.

    source: as in `imported`, of a bare bcrypt hash, which does not tell. Raises ValueError, as `imported` does.
    """
    algorithm, _, rest = digest.partition("$")
    if digest.startswith("$argon2"):
        return _bounded_argon2(f"argon2{digest}")
    if not algorithm:
        return imported(source, digest)
    if algorithm in _BCRYPT_OF:
        return imported(_BCRYPT_OF[algorithm], rest)
    if algorithm == "argon2":
        return _bounded_argon2(digest)
    if algorithm in _PBKDF2_BYTES:
        return _bounded_pbkdf2(digest)
    raise ValueError("not a hash of a known kind")


def _bounded_argon2(stored: str) -> str:
    match = _ARGON2_FORM.match(stored)
    if match is None or not (_is_base64(match[5]) and _is_base64(match[6])):
        raise ValueError("not an Argon2 hash")
    memory, passes, lanes = int(match[2]), int(match[3]), int(match[4])
    if memory > ARGON2_MAX_MEMORY_KIB or memory * passes > ARGON2_MAX_WORK or lanes > ARGON2_MAX_LANES:
        raise ValueError(f"Argon2 costs m={memory},t={passes},p={lanes} are too high")
    if memory < 8 * lanes:
        raise ValueError("not an Argon2 hash")
    return stored


def _bounded_pbkdf2(stored: str) -> str:
    match = _PBKDF2_FORM.match(stored)
    if match is None or not _is_base64(match[3].rstrip("="), size=_PBKDF2_BYTES[match[1]]):
        raise ValueError("not a PBKDF2 hash")
    if int(match[2]) > PBKDF2_MAX_ITERATIONS:
        raise ValueError(f"{match[2]} iterations of PBKDF2 are above {PBKDF2_MAX_ITERATIONS}")
    return stored


def _is_base64(text: str, *, size: int | None = None) -> bool:
    """Whether it is unpadded base64 without a stray bit. size: in bytes."""
    try:
        value = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        return False
    return base64.b64encode(value).decode().rstrip("=") == text and size in (None, len(value))


def _argon2_cost(match: re.Match[str]) -> int | None:
    costs = (int(match[2]), int(match[3]), int(match[4]))
    if match[1] == "id" and costs == (settings.ARGON2_MEMORY_KIB, settings.ARGON2_PASSES, settings.ARGON2_LANES):
        return None
    return _cost_of(costs[0] * costs[1] / _ARGON2_A_ROUND)


def _cost_of(rounds: float) -> int:
    """The cost of the bcrypt that has at least so many rounds."""
    return max(_BCRYPT_MIN_COST, math.ceil(math.log2(rounds)))


def _harden(password: str, encoded: str) -> None:
    """An imported hash that is too cheap to tell how busy the machine is (`accounts.timing`) costs one of our own,
    too."""
    cost = imported_cost(encoded)
    if cost is not None and cost < BCRYPT_CHEAP_COST:
        make_password(password)

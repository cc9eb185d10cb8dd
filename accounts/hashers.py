"""How passwords are kept: Argon2id, and the imported hashes that a sign-in turns into it (DESIGN 2)."""

import hashlib
import re
from abc import ABC, abstractmethod
from typing import Any

import bcrypt
from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher, BasePasswordHasher, make_password

BCRYPT_MAX_BYTES = 72
BCRYPT_CHEAP_COST = 8  # below it, cheaper by far than a hash of our own
BCRYPT_MAX_COST = 14  # about two seconds; a hash of cost 31 would hold a worker for days
# The last character of the salt carries two bits, so it is one of four; bcrypt raises on others.
_BCRYPT_FORM = re.compile(r"\$2[abxy]\$(0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{31}\Z")


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
        """One that is too cheap to tell how busy the machine is (`accounts.timing`) costs one of our own too."""
        if (imported_cost(encoded) or 0) < BCRYPT_CHEAP_COST:
            make_password(password)


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


IMPORTED = {"rails": RailsBcryptHasher.algorithm, "rocketchat": RocketChatBcryptHasher.algorithm}


def imported_cost(stored: str) -> int | None:
    """The cost of an imported hash; None for a hash of our own, and for no password."""
    algorithm, _, digest = stored.partition("$")
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

"""API tokens as text: what they look like, and what is stored of one (DESIGN 2, "Tokens").

`um_`, 16 characters by which the row is found, `_`, 43 characters that are the secret: letters and digits
only, so that a double click takes all of it and no other token looks like one.
"""

import hmac
import re
import secrets
import string

from django.conf import settings
from django.utils.crypto import salted_hmac

PREFIX = "um_"
LOOKUP_LENGTH = 16
SECRET_LENGTH = 43  # of 62 characters: 256 bits
_LOOKUP_CHARACTERS = string.ascii_lowercase + string.digits
_SECRET_CHARACTERS = string.ascii_letters + string.digits
_FORM = re.compile(rf"{PREFIX}([a-z0-9]{{{LOOKUP_LENGTH}}})_[A-Za-z0-9]{{{SECRET_LENGTH}}}\Z", re.ASCII)
_NOBODYS = "0" * 64  # a digest to compare with where there is no row


def made() -> tuple[str, str]:
    """A new token: its public part, and all of it."""
    lookup = _random(_LOOKUP_CHARACTERS, LOOKUP_LENGTH)
    return lookup, f"{PREFIX}{lookup}_{_random(_SECRET_CHARACTERS, SECRET_LENGTH)}"


def is_one(text: str) -> bool:
    """Whether `text` means to be an API token, sound or not."""
    return text.startswith(PREFIX)


def lookup_of(text: str) -> str | None:
    """The public part of a token; None for what can't be one."""
    form = _FORM.match(text)
    return None if form is None else form[1]


def digest_of(text: str) -> str:
    """What is stored of a token: a digest keyed by SECRET_KEY, so that a copied database lets nobody test guesses."""
    return _digest(text, settings.SECRET_KEY)


def verified(text: str, digest: str | None) -> bool:
    """Whether `digest` is that of `text`, by SECRET_KEY or a former one.

    It takes the same time for every digest, also for None: there is no row.
    """
    found = [
        hmac.compare_digest(_digest(text, key), digest or _NOBODYS)
        for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    ]
    return digest is not None and any(found)


def _digest(text: str, key: str) -> str:
    return salted_hmac("accounts.opaque_tokens", text, secret=key, algorithm="sha256").hexdigest()


def _random(characters: str, length: int) -> str:
    return "".join(secrets.choice(characters) for _ in range(length))

"""Which of the keys signs now, and which verify."""

import stat
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

from accounts.keys import directory, material
from accounts.keys.directory import DatedKey
from accounts.keys.material import Key, Unusable

LEEWAY = timedelta(minutes=5)  # of the clocks of machines that share the keys
RELOAD_SECONDS = 1  # at most so often does an unknown name make us look at the files


@dataclass(frozen=True, slots=True, eq=False)
class Keyring:
    """signing: the key of new tokens. known: every key that verifies, by kid. A ring is equal to itself alone: as long
    as it is the same, so is what it verifies."""

    signing: Key
    known: Mapping[str, Key]

    def named(self, kid: Any) -> Key:
        """The key of that name; raises KeyError, also for what is no name at all."""
        if not isinstance(kid, str):
            raise KeyError("kid")
        return self.known[kid]

    def jwks(self) -> list[dict[str, Any]]:
        """The public keys, for the JWKS document."""
        return [jwk for key in self.known.values() if (jwk := key.jwk()) is not None]


@dataclass(frozen=True, slots=True)
class _Settings:
    """What the settings say of keys."""

    algorithm: str
    files: tuple[str, ...]
    texts: tuple[str, ...]
    secrets: tuple[str, ...]
    lifetime: float  # seconds that the longest-lived token has


@dataclass(frozen=True, slots=True)
class _Made:
    """A ring, of what it was made, and the time in which it is right: until the next key begins or retires."""

    ring: Keyring
    asked: _Settings
    dated: tuple[DatedKey, ...]
    since: float
    until: float


_made: _Made | None = None
_looked_at = 0.0


def keyring() -> Keyring:
    """The keys as they are now; raises ImproperlyConfigured if there is none to sign, or a setting names what is none.

    A key that was made meanwhile, by whatever process, is in it.
    """
    global _made  # noqa: PLW0603  # one ring a process, replaced whole: threads need no lock
    asked = _asked()
    dated = directory.present(settings.JWT_KEY_DIR)
    now = time.time()
    made = _made
    if made is None or made.dated is not dated or made.asked != asked or not made.since <= now < made.until:
        _made = made = _make(asked, dated, now)
    return made.ring


def named(kid: Any) -> Key:
    """The key of that name, also one that was made a moment ago; raises KeyError."""
    global _looked_at  # noqa: PLW0603  # as above
    try:
        return keyring().named(kid)
    except KeyError:
        # A file system that many machines share may tell late that the directory changed.
        if time.monotonic() - _looked_at < RELOAD_SECONDS:
            raise
        _looked_at = time.monotonic()
        directory.reload(settings.JWT_KEY_DIR)
        return keyring().named(kid)


def check() -> None:
    """Raise ImproperlyConfigured for whatever is wrong with the keys; a running server only logs what it can do
    without."""
    reading = directory.read(settings.JWT_KEY_DIR)
    faults = [*reading.faults.values()]
    faults += [
        f"{path}: others may read it: chmod 600 {path}, and rotate the key if they did"
        for path in directory.exposed(reading.keys)
    ]
    if faults:
        raise ImproperlyConfigured(f"JWT_KEY_DIR: {'; '.join(faults)}")
    keyring()


def open_files() -> list[str]:
    """The private keys among JWT_KEY_FILES that everybody on the machine may read or write."""
    found = zip(settings.JWT_KEY_FILES, _of_files(tuple(settings.JWT_KEY_FILES)), strict=True)
    return [name for name, key in found if key.private is not None and directory.mode_of(Path(name)) & stat.S_IRWXO]


def retired(dated: Sequence[DatedKey], now: float) -> list[DatedKey]:
    """The keys of the directory whose tokens are all past."""
    asked = _asked()
    return [item for item in dated if _end(item.place, dated, asked) <= now]


@lru_cache(maxsize=1)
def _asked() -> _Settings:
    lifetime = max(settings.JWT_REFRESH_LIFETIME, settings.JWT_ACCESS_LIFETIME)
    return _Settings(
        algorithm=settings.JWT_ALGORITHM,
        files=tuple(settings.JWT_KEY_FILES),
        texts=tuple(settings.JWT_KEYS),
        secrets=(settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS),
        lifetime=(lifetime + LEEWAY).total_seconds(),
    )


def _ask_again(**changed: Any) -> None:
    _asked.cache_clear()


setting_changed.connect(_ask_again, dispatch_uid="accounts.keys.ring")


def _end(place: tuple[float, str], dated: Sequence[DatedKey], asked: _Settings) -> float:
    """When the tokens of a key are past: counted from the day its successor, the next key of the present
    algorithm, began to sign."""
    following = (item for item in dated if item.key.algorithm == asked.algorithm and item.place > place)
    successor = next(following, None)
    return float("inf") if successor is None else successor.begins + asked.lifetime


def _make(asked: _Settings, dated: tuple[DatedKey, ...], now: float) -> _Made:
    begun = [item.key for item in dated if item.key.algorithm == asked.algorithm and item.begins <= now]
    given = [*_of_files(asked.files), *_of_texts(asked.texts)]
    shared = _of_secrets(asked.secrets)
    ends = {item.key.kid: _end(item.place, dated, asked) for item in dated}
    # Before every key of the directory it was SECRET_KEY's that signed. Its end is known only by its successor
    # there: beside asymmetric keys of the settings' own it would verify for ever.
    first_end = _end((float("-inf"), ""), dated, asked)
    alive = [item.key for item in reversed(dated) if now < ends[item.key.kid]]
    own = shared if now < first_end and (asked.algorithm == "HS256" or first_end < float("inf")) else []
    fitting = [key for key in [*given, *own] if key.algorithm == asked.algorithm]
    signing = begun[-1] if begun else next(iter(fitting), None)
    if signing is None or signing.private is None:
        raise ImproperlyConfigured(
            f"{asked.algorithm} needs a key that signs: make one with `manage.py rotate_jwt_key --after 0`, or name"
            " private keys in JWT_KEY_FILES or JWT_KEYS, of that kind the first a private key."
        )
    known = {key.kid: key for key in reversed([signing, *alive, *given, *own])}
    moments = [item.begins for item in dated] + [*ends.values(), first_end]
    return _Made(
        ring=Keyring(signing=signing, known=dict(reversed(known.items()))),
        asked=asked,
        dated=dated,
        since=max((moment for moment in moments if moment <= now), default=float("-inf")),
        until=min((moment for moment in moments if moment > now), default=float("inf")),
    )


@lru_cache(maxsize=8)
def _of_files(names: tuple[str, ...]) -> tuple[Key, ...]:
    found = []
    for name in names:
        try:
            found.append(material.from_pem(Path(name).read_bytes()))
        except (OSError, Unusable) as error:
            raise ImproperlyConfigured(f"JWT_KEY_FILES: {name}: {error}") from error
    return tuple(found)


@lru_cache(maxsize=8)
def _of_texts(texts: tuple[str, ...]) -> tuple[Key, ...]:
    found = []
    for number, text in enumerate(texts, start=1):
        try:
            found.append(material.from_pem(text.encode()))
        except Unusable as error:
            raise ImproperlyConfigured(f"JWT_KEYS: the text {number}: {error}") from error
    return tuple(found)


def _of_secrets(secrets: tuple[str, ...]) -> list[Key]:
    try:
        return [material.derived(secret) for secret in secrets]
    except Unusable as error:
        raise ImproperlyConfigured(f"SECRET_KEY or SECRET_KEY_FALLBACKS: {error}.") from error

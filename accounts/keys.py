"""The keys that sign and verify JWTs: one of them signs, every known one verifies (native contract 1)."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.crypto import salted_hmac
from jwt.utils import base64url_encode

RSA_MIN_BITS = 2048  # RFC 7518 3.3


@dataclass(frozen=True, slots=True)
class Key:
    """kid: its public name. algorithm: the only one it is used with. private: None for one that only verifies."""

    kid: str
    algorithm: str
    public: Any = field(repr=False)
    private: Any = field(repr=False, default=None)

    def jwk(self) -> dict[str, Any] | None:
        """The public key as in RFC 7517; None for a shared secret."""
        if self.algorithm == "HS256":
            return None
        return {**_jwk(self.algorithm, self.public), "kid": self.kid, "alg": self.algorithm, "use": "sig"}


@dataclass(frozen=True, slots=True)
class Keyring:
    """signing: the key of new tokens. known: every key that verifies, by kid."""

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


def keyring() -> Keyring:
    """The keys that the settings name; raises ImproperlyConfigured for keys that can't serve."""
    return _keyring(
        settings.JWT_ALGORITHM,
        tuple(settings.JWT_KEY_FILES),
        (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS),
    )


@lru_cache(maxsize=8)
def _keyring(algorithm: str, files: Sequence[str], secrets: Sequence[str]) -> Keyring:
    if algorithm == "HS256":
        found = [_shared(secret) for secret in secrets]
    else:
        found = [_from_pem(algorithm, Path(name)) for name in files]
        if not found or found[0].private is None:
            raise ImproperlyConfigured(f"{algorithm} needs JWT_KEY_FILES, the first a private key: it signs.")
    return Keyring(signing=found[0], known={key.kid: key for key in reversed(found)})


def _shared(secret: str) -> Key:
    """A 32-byte key of its own, so that a leaked signature says nothing of SECRET_KEY's other uses."""
    derived = salted_hmac("accounts.keys", "HS256", secret=secret, algorithm="sha256").digest()
    return Key(
        kid=hashlib.sha256(b"kid" + derived).hexdigest()[:16], algorithm="HS256", public=derived, private=derived
    )


def _from_pem(algorithm: str, path: Path) -> Key:
    try:
        pem = path.read_bytes()
        private = load_pem_private_key(pem, password=None) if b"PRIVATE KEY" in pem else None
        public = private.public_key() if private is not None else load_pem_public_key(pem)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ImproperlyConfigured(f"JWT_KEY_FILES: {path}: {error}") from error
    if not _serves(algorithm, public):
        raise ImproperlyConfigured(f"JWT_KEY_FILES: {path}: not a key for {algorithm}.")
    return Key(kid=_thumbprint(_jwk(algorithm, public)), algorithm=algorithm, public=public, private=private)


def _serves(algorithm: str, public: Any) -> bool:
    if algorithm == "RS256":
        return isinstance(public, rsa.RSAPublicKey) and public.key_size >= RSA_MIN_BITS
    if algorithm == "ES256":
        return isinstance(public, ec.EllipticCurvePublicKey) and public.curve.name == "secp256r1"
    return isinstance(public, ed25519.Ed25519PublicKey)


def _jwk(algorithm: str, public: Any) -> dict[str, Any]:
    """The members that make up the key, nothing else."""
    jwk = jwt.get_algorithm_by_name(algorithm).to_jwk(public, as_dict=True)
    return {name: jwk[name] for name in ("kty", "crv", "x", "y", "n", "e") if name in jwk}


def _thumbprint(jwk: Mapping[str, Any]) -> str:
    """RFC 7638: the digest of the required members, sorted, without white space."""
    canonical = json.dumps(jwk, sort_keys=True, separators=(",", ":")).encode()
    return base64url_encode(hashlib.sha256(canonical).digest()).decode("ascii")

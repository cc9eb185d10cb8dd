"""A key by itself: what it is made of, its name, and the one algorithm that it is used with."""

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from django.utils.crypto import salted_hmac
from jwt.exceptions import InvalidKeyError
from jwt.utils import base64url_decode, base64url_encode

ALGORITHMS = ("HS256", "RS256", "ES256", "EdDSA")
RSA_MIN_BITS = 2048  # RFC 7518 3.3
SECRET_MIN_BYTES = 32  # RFC 7518 3.2: as long as HS256's output


class Unusable(ValueError):
    """What was given is no key that can serve; the text says why, and nothing of the key."""


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


def from_pem(pem: bytes) -> Key:
    """The key of a PEM text, private or public; the algorithm follows from its kind. Raises Unusable."""
    try:
        private: Any = load_pem_private_key(pem, password=None) if b"PRIVATE KEY" in pem else None
        public = private.public_key() if private is not None else load_pem_public_key(pem)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Unusable(str(error)) from error
    algorithm = _algorithm_of(public)
    return Key(kid=_thumbprint(_jwk(algorithm, public)), algorithm=algorithm, public=public, private=private)


def check_length(secret: bytes) -> None:
    """Raise Unusable for a shared secret that is short."""
    if len(secret) < SECRET_MIN_BYTES:
        raise Unusable(f"a secret of fewer than {SECRET_MIN_BYTES} bytes")


def from_secret(secret: bytes) -> Key:
    """The key of a shared secret. Raises Unusable for one that is short."""
    check_length(secret)
    kid = hashlib.sha256(b"kid" + secret).hexdigest()[:16]
    return Key(kid=kid, algorithm="HS256", public=secret, private=secret)


def from_text(text: bytes) -> Key:
    """The key of a file that `made` wrote: PEM, or a secret in base64url. Raises Unusable."""
    if b"-----BEGIN" in text:
        return from_pem(text)
    try:
        return from_secret(base64url_decode(text.strip()))
    except (ValueError, TypeError) as error:
        raise error if isinstance(error, Unusable) else Unusable("neither PEM nor base64url") from error


@lru_cache(maxsize=8)
def derived(secret_key: str) -> Key:
    """A 32-byte key of its own, so that a leaked signature says nothing of SECRET_KEY's other uses. Raises Unusable."""
    check_length(secret_key.encode())
    return from_secret(salted_hmac("accounts.keys", "HS256", secret=secret_key, algorithm="sha256").digest())


def made(algorithm: str) -> tuple[Key, bytes]:
    """A new key, and the text that `from_text` reads it from."""
    if algorithm == "HS256":
        secret = secrets.token_bytes(SECRET_MIN_BYTES)
        return from_secret(secret), base64url_encode(secret) + b"\n"
    private: Any
    if algorithm == "RS256":
        private = rsa.generate_private_key(public_exponent=65537, key_size=RSA_MIN_BITS)
    elif algorithm == "ES256":
        private = ec.generate_private_key(ec.SECP256R1())
    else:
        private = ed25519.Ed25519PrivateKey.generate()
    pem: bytes = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return from_pem(pem), pem


def _algorithm_of(public: Any) -> str:
    if isinstance(public, rsa.RSAPublicKey) and public.key_size >= RSA_MIN_BITS:
        return "RS256"
    if isinstance(public, ec.EllipticCurvePublicKey) and public.curve.name == "secp256r1":
        return "ES256"
    if isinstance(public, ed25519.Ed25519PublicKey):
        return "EdDSA"
    raise Unusable(f"a key for none of RS256 ({RSA_MIN_BITS} bits at least), ES256 (P-256) and EdDSA (Ed25519)")


def _jwk(algorithm: str, public: Any) -> dict[str, Any]:
    """The members that make up the key, nothing else."""
    try:
        jwk = jwt.get_algorithm_by_name(algorithm).to_jwk(public, as_dict=True)
    except InvalidKeyError as error:
        raise Unusable(str(error)) from error
    return {name: jwk[name] for name in ("kty", "crv", "x", "y", "n", "e") if name in jwk}


def _thumbprint(jwk: Mapping[str, Any]) -> str:
    """RFC 7638: the digest of the required members, sorted, without white space."""
    canonical = json.dumps(jwk, sort_keys=True, separators=(",", ":")).encode()
    return base64url_encode(hashlib.sha256(canonical).digest()).decode("ascii")

"""Key files that tests need; made once, for a pair of RSA keys takes longer than a test may."""

from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

MAKERS = {
    "RS256": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "RS256 weak": lambda: rsa.generate_private_key(public_exponent=65537, key_size=1024),  # noqa: S505  # to be refused
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "ES256 other curve": lambda: ec.generate_private_key(ec.SECP384R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
}


@lru_cache
def key(kind: str, number: int = 0):
    """A private key; the same one for the same kind and number."""
    return MAKERS[kind]()


def private(kind: str, number: int = 0) -> bytes:
    return key(kind, number).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def public(kind: str, number: int = 0) -> bytes:
    return key(kind, number).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def locked(kind: str) -> bytes:
    """A private key under a passphrase."""
    return key(kind).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"passphrase"))

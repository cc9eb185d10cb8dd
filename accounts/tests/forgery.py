"""What attackers make: any header and claims, under any signature (RFC 8725)."""

import base64
import json
from typing import Any

import jwt

from accounts import keys
from accounts.tests import pems


def encoded(part: Any) -> str:
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def parts(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of a token, believed without a look at its signature."""
    return jwt.get_unverified_header(text), jwt.decode(text, options={"verify_signature": False})


def forged(header: Any, claims: Any, *, algorithm: str, key: Any) -> str:
    """A token of that header and those claims (bytes: as they are), signed by that key whatever they say."""
    message = f"{encoded(header)}.{encoded(claims)}"
    return f"{message}.{encoded(jwt.get_algorithm_by_name(algorithm).sign(message.encode(), key))}"


def ours(text: str, header: Any = None, claims: Any = None) -> str:
    """The token with these changes (bytes: instead of it), signed by our own key, as if the signer had gone mad: what
    refuses it is the thing that was changed alone."""
    true_header, true_claims = parts(text)
    key = keys.keyring().signing
    return forged(
        header if isinstance(header, bytes) else true_header | (header or {}),
        claims if isinstance(claims, bytes) else true_claims | (claims or {}),
        algorithm=key.algorithm,
        key=key.private,
    )


def stranger(algorithm: str) -> Any:
    """A private key, or a secret, that is none of ours."""
    return b"e" * 32 if algorithm == "HS256" else pems.key(algorithm, 66)

"""Who a login is for: the forms in which clients say so (contract 2)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from accounts.services import sign_ins


@dataclass(frozen=True, slots=True)
class Named:
    """Whom a login names. typed: as the body has it. email: the address; of nobody, what is no address."""

    typed: str
    email: str


def named_by(body: Mapping[str, Any]) -> Named | None:
    """Whom the body names; None where it names nobody.

    `user` is a text or an object; a text with `@` is an e-mail, wherever it stands: the Python client sends an address
    with a capital in it as `username`.
    """
    named = body.get("user")
    names = named if isinstance(named, Mapping) else {"username": named, **_texts(body)}
    for key in ("username", "email"):
        name = names.get(key)
        if isinstance(name, str) and name:
            by_email = key == "email" or "@" in name
            return Named(name, name if by_email else sign_ins.address_of(name))
    return None


def _texts(body: Mapping[str, Any]) -> dict[str, Any]:
    return {key: body[key] for key in ("username", "email") if body.get(key)}

"""Rules of this contract that are none of the directory's (contract 3)."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from accounts import emails, grants, passwords, policies
from accounts.grants import Grant
from accounts.roles import ADMINISTRATOR
from usermgmt.actor import Actor
from usermgmt.errors import Fault


def password_policy() -> passwords.Policy:
    """A length alone: the product has no policy when a user is made."""
    return passwords.Policy(minimum=settings.ROCKETCHAT_PASSWORD_MIN_LENGTH, guessable=True)


def faults_of(actor: Actor | None, sent: Mapping[str, Any], *, administrator: bool) -> list[Fault]:
    """The faults of the service's arguments.

    actor: None: a stranger. administrator: whether the user is one already.
    """
    faults = []
    makes = sent.get("client_id", 0) is None and not administrator
    if makes and not (actor is not None and policies.can_make_administrators(actor)):
        faults.append(Fault("roles", "not_yours_to_give", {"role": ADMINISTRATOR}))
    if "active" in sent and not (actor is not None and grants.has(actor, Grant.SET_ACTIVE)):
        faults.append(Fault("active", "not_yours_to_set"))
    return faults + _of_domain(sent.get("email", ""))


def _of_domain(email: str) -> list[Fault]:
    """Whether addresses of that domain are taken, by ROCKETCHAT_ALLOWED_DOMAINS and ROCKETCHAT_BLOCKED_DOMAINS."""
    domain = emails.canonical(email).rpartition("@")[2]
    allowed, blocked = settings.ROCKETCHAT_ALLOWED_DOMAINS, settings.ROCKETCHAT_BLOCKED_DOMAINS
    if allowed and domain not in allowed:
        return [Fault("email", "domain_not_allowed")]
    return [Fault("email", "domain_blocked")] if domain in blocked else []

"""Rules of this contract that are none of the directory's (contract 3)."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.conf import settings

from accounts import emails, grants, passwords, policies
from accounts.grants import Grant
from accounts.roles import ADMINISTRATOR
from accounts.services import profiles
from usermgmt.actor import Actor
from usermgmt.errors import Fault, raise_all


def password_policy() -> passwords.Policy:
    """A length alone: the product has no policy when a user is made."""
    return passwords.Policy(minimum=settings.ROCKETCHAT_PASSWORD_MIN_LENGTH, guessable=True)


def policy_of_changes() -> passwords.Policy:
    """That, and where the operator asks for it, the product's own policy for every later password (contract 3)."""
    policy = password_policy()
    if not settings.ROCKETCHAT_PASSWORD_POLICY:
        return policy
    return replace(policy, minimum=max(policy.minimum, 14), mixed=True, longest_run=3)


def faults_of(actor: Actor | None, sent: Mapping[str, Any], *, administrator: bool) -> list[Fault]:
    """The faults of the service's arguments.

    They have fields of their own, so that the service judges what was sent none the less.
    actor: None: a stranger. administrator: whether the user is one already.
    """
    faults = []
    makes = sent.get("client_id", 0) is None and not administrator
    if makes and not (actor is not None and policies.can_make_administrators(actor)):
        faults.append(Fault("administrator", "not_yours_to_give", {"role": ADMINISTRATOR}))
    if "active" in sent and not (actor is not None and grants.has(actor, Grant.SET_ACTIVE)):
        faults.append(Fault("active", "not_yours_to_set"))
    return faults + (_of_domain(sent["email"]) if "email" in sent else [])


def check_custom_fields(sent: Mapping[str, Any]) -> None:
    """Raise Invalid for custom fields that are not as they are defined: of them the product tells even those who may
    not make a user at all."""
    if "custom_fields" in sent:
        judged = {"custom_fields": sent["custom_fields"]}
        profiles.normalise(judged)
        raise_all([], profiles.faults_of(judged))


def _of_domain(email: str) -> list[Fault]:
    """Whether addresses of that domain are taken, by ROCKETCHAT_ALLOWED_DOMAINS and ROCKETCHAT_BLOCKED_DOMAINS."""
    domain = emails.canonical(email).rpartition("@")[2]
    allowed, blocked = settings.ROCKETCHAT_ALLOWED_DOMAINS, settings.ROCKETCHAT_BLOCKED_DOMAINS
    if allowed and domain not in allowed:
        return [Fault("email_domain", "domain_not_allowed")]
    return [Fault("email_domain", "domain_blocked")] if domain in blocked else []

"""Many users at once: the rules of `users.create` for values that are in their form already, a few queries for
a thousand of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from accounts import emails, passwords, usernames
from accounts.models import User
from accounts.services import checks, events
from accounts.services.users import NO_SUCH_CLIENT, creation
from clients.models import Client
from usermgmt import audit
from usermgmt.actor import Actor
from usermgmt.columns import fold
from usermgmt.errors import Fault, Invalid
from usermgmt.integrity import refusals


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A user to be. client_id: None makes an administrator. password_hash: a stored form, or None for no sign-in."""

    name: str
    email: str
    client_id: int | None
    given_name: str = ""
    family_name: str = ""
    active: bool = True
    email_verified: bool = False
    password_hash: str | None = field(default=None, repr=False)
    created_at: datetime | None = None  # now, if None


def insert(*, actor: Actor | None, drafts: Sequence[Draft]) -> list[User]:
    """Make all of them, or none; some thousands at the most.

    Raises Invalid with the faults of the first draft that has any.
    """
    _check(drafts)
    users = [_user(draft) for draft in drafts]
    _name(users)
    with refusals(User, checks.CONSTRAINTS, foreign_key=NO_SUCH_CLIENT), transaction.atomic():
        User.objects.bulk_create(users, batch_size=events.BATCH_SIZE)
        audit.record_all([creation(actor, user) for user in users])
    return users


def _check(drafts: Sequence[Draft]) -> None:
    addresses = [emails.canonical(draft.email) for draft in drafts]
    seen = set(User.objects.filter(email_canonical__in=addresses).values_list("email_canonical", flat=True))
    wanted = {draft.client_id for draft in drafts if draft.client_id is not None}
    known = set(Client.objects.filter(pk__in=wanted).values_list("pk", flat=True))
    for draft, address in zip(drafts, addresses, strict=True):
        parts = {"name": draft.name, "given_name": draft.given_name, "family_name": draft.family_name}
        faults = [*checks.names(parts), *checks.email_form(draft.email)]
        if address in seen:
            faults.append(Fault("email", "taken"))
        if draft.client_id is not None and draft.client_id not in known:
            faults.append(NO_SUCH_CLIENT)
        if faults:
            raise Invalid(faults)
        seen.add(address)


def _user(draft: Draft) -> User:
    created_at = draft.created_at or timezone.now()
    return User(
        name=draft.name,
        given_name=draft.given_name,
        family_name=draft.family_name,
        email=draft.email,
        client_id=draft.client_id,
        is_superuser=draft.client_id is None,
        is_active=draft.active,
        email_verified=draft.email_verified,
        password=draft.password_hash or passwords.hashed(None),
        created_at=created_at,
        updated_at=created_at,
    )


def _name(users: Sequence[User]) -> None:
    """Give each a user name of its own."""
    for user in users:
        user.username = usernames.made_from(user.email)
    folded = [fold(user.username) for user in users]
    taken = set(User.objects.filter(username_canonical__in=folded).values_list("username_canonical", flat=True))
    for user, name in zip(users, folded, strict=True):
        if name in taken:
            user.username = usernames.made_from(user.email, distinct=True)
        taken.add(fold(user.username))

"""Many users at once: the rules of `users.create`, a few queries and one transaction for a thousand of them."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import OperationalError, transaction
from django.db.models import BigIntegerField
from django.utils import timezone

from accounts import emails, hashing, passwords, policies, usernames
from accounts.models import User
from accounts.services import checks, duties, events, mails, memberships
from accounts.services.users import NO_SUCH_CLIENT, creation
from clients.models import Client
from usermgmt import audit
from usermgmt.actor import Actor
from usermgmt.columns import fold
from usermgmt.errors import BASE, Fault, Forbidden, Invalid, TooManyRequests, all_faults
from usermgmt.integrity import is_deadlock, refusals

ATTEMPTS = 10  # each but the first because somebody else took a name or an address in the milliseconds before
_SENT = ("name", "email", "given_name", "middle_name", "family_name")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A user to be.

    client_id: None makes an administrator. password_hash: a stored form, instead of a password; without either
    there is no sign-in. must_change_password: None leaves it to the setting. invite: by mail, to set the first
    password. created_at: None is now.
    reported: faults that the contract found while reading; one of `BASE` says that there is no draft at all.
    """

    name: str = ""
    email: str = ""
    client_id: int | None = None
    given_name: str = ""
    middle_name: str = ""
    family_name: str = ""
    active: bool = True
    email_verified: bool = False
    password: str | None = field(default=None, repr=False)
    password_hash: str | None = field(default=None, repr=False)
    must_change_password: bool | None = None
    invite: bool = False
    created_at: datetime | None = None
    reported: Sequence[Fault] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a draft: a user, or faults; neither, where others' faults kept a sound one from being made."""

    user: User | None = None
    faults: Sequence[Fault] = ()


@dataclass(slots=True)
class _Item:
    """A draft on its way. found: the faults that it has by itself. faults: all of them, so far."""

    draft: Draft
    sent: dict[str, Any] = field(default_factory=dict, repr=False)  # with the password
    found: list[Fault] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    client: Client | None = None
    stored: str = field(default="", repr=False)
    user: User | None = None


def create(*, actor: Actor | None, drafts: Sequence[Draft], atomic: bool = False) -> list[Outcome]:
    """Make those that keep the rules, as if one after the other; atomic: all of them, or none. Some thousands at most.

    Gives an outcome for each draft, in their order. Raises Forbidden (by a token bound to a client, where one of
    them is of another: then nothing is made), TooManyRequests, with nothing made, where as many
    passwords are being hashed already as this process takes on, or where others take the same names without end.
    """
    if actor is not None and not all(policies.can_create_in(actor, draft.client_id) for draft in drafts):
        raise Forbidden
    policy = passwords.standard()
    with hashing.turn() if any(draft.password is not None for draft in drafts) else nullcontext():
        items = [_judged(draft, policy) for draft in drafts]
        _look_up(items, atomic=atomic)
        for attempt in range(ATTEMPTS):
            sound = [item for item in items if not item.faults]
            if atomic and len(sound) < len(items):
                break
            if attempt == 0:
                _hash(sound)  # slow: outside the transaction
            if _insert(sound, actor):
                break
            _look_up(sound, atomic=atomic)
        else:
            raise TooManyRequests(1)
    return [Outcome(item.user, item.faults) for item in items]


def insert(*, actor: Actor | None, drafts: Sequence[Draft]) -> list[User]:
    """Make all of them, or none. Raises Invalid with the faults of the first draft that has any."""
    made = create(actor=actor, drafts=drafts, atomic=True)
    for outcome in made:
        if outcome.faults:
            raise Invalid(outcome.faults)
    return [outcome.user for outcome in made if outcome.user is not None]


def _judged(draft: Draft, policy: passwords.Policy) -> _Item:
    """The draft in the form in which it is kept, and the faults that show without a look at others."""
    item = _Item(draft, faults=list(draft.reported))
    if any(fault.field == BASE for fault in draft.reported):
        return item
    item.sent = {name: getattr(draft, name) for name in _SENT}
    if draft.password is not None:
        item.sent["password"] = draft.password
    checks.normalise(item.sent, User(), name_from_parts=not draft.name.strip())
    item.found = checks.by_themselves(item.sent, User(), policy)
    if draft.invite:
        has_password = bool(draft.password or draft.password_hash)
        item.found += checks.invitation(has_password=has_password, active=draft.active)
    item.faults = all_faults(draft.reported, item.found)
    return item


def _look_up(items: Sequence[_Item], *, atomic: bool) -> None:
    """Find the faults that depend on what there is: in the directory, and before each item, in two queries.

    An item that is not made takes nothing from those behind it; where it is all or none, it would once it is mended.
    """
    addresses = [emails.canonical(item.sent["email"]) if item.sent else "" for item in items]
    taken = set(User.objects.filter(email_canonical__in=set(addresses)).values_list("email_canonical", flat=True))
    wanted = {item.draft.client_id for item in items if item.draft.client_id is not None}
    # Django leaves out what no column holds where it looks for one number, but not where it looks for many.
    clients = Client.objects.in_bulk([number for number in wanted if 0 < number <= BigIntegerField.MAX_BIGINT])
    for item, address in zip(items, addresses, strict=True):
        if not item.sent:
            continue
        faults = list(item.found)
        readable = not any(fault.field == "email" for fault in item.faults)
        if readable and address in taken:
            faults.append(Fault("email", "taken"))
        if item.draft.client_id is not None:
            item.client = clients.get(item.draft.client_id)
            if item.client is None:
                faults.append(NO_SUCH_CLIENT)
        item.faults = all_faults(item.draft.reported, faults)
        if readable and (atomic or not item.faults):
            taken.add(address)


def _hash(items: Sequence[_Item]) -> None:
    """Give each what is stored of its password; several have turns at once, on all cores."""
    waiting = [item for item in items if item.draft.password is not None]
    for item, stored in zip(waiting, hashing.hashed_all([item.draft.password for item in waiting]), strict=True):
        item.stored = stored
    for item in items:
        item.stored = item.stored or item.draft.password_hash or passwords.hashed(None)


def _insert(items: Sequence[_Item], actor: Actor | None) -> bool:
    """Make all users, with their rows of the audit trail, or none: whether nobody else got in between."""
    users = [_user(item, actor) for item in items]
    _name(users)
    try:
        with refusals(User, checks.CONSTRAINTS, foreign_key=NO_SUCH_CLIENT), transaction.atomic():
            User.objects.bulk_create(users, batch_size=events.BATCH_SIZE)
            memberships.join_default(users)
            audit.record_all([creation(actor, user) for user in users])
            invited = [user for item, user in zip(items, users, strict=True) if item.draft.invite]
            mails.invite(actor=actor, users=invited)
    except Invalid:
        return False
    except OperationalError as error:
        if not is_deadlock(error):
            raise
        return False
    for item, user in zip(items, users, strict=True):
        item.user = user
    return True


def _user(item: _Item, actor: Actor | None) -> User:
    draft = item.draft
    created_at = draft.created_at or timezone.now()
    return User(
        **{name: value for name, value in item.sent.items() if name != "password"},
        client=item.client,
        is_superuser=item.client is None,
        is_active=draft.active,
        email_verified=draft.email_verified,
        must_change_password=duties.of_new_user(actor=actor, password=draft.password, said=draft.must_change_password),
        password=item.stored,
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

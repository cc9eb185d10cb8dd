"""Users are made."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import transaction

from accounts import passwords, usernames
from accounts.models import User
from accounts.services import authority, checks, duties, mails, memberships, records, roles
from accounts.services.records import NO_RECORDS, Records
from accounts.services.users.entries import creation
from accounts.services.users.homes import NO_SUCH_CLIENT, NOT_YET, Home, client_of
from accounts.services.users.locking import told_in_full
from clients.services import default_client
from usermgmt import audit, statements
from usermgmt.actor import Actor
from usermgmt.errors import Fault, Invalid, raise_all
from usermgmt.integrity import refusals

_USERNAME_TAKEN = (Fault("username", "taken"),)
_NOT_COLUMNS = ("password", "roles", "records")  # of what is sent; of the password there is a hash


def create(
    *,
    actor: Actor | None,
    client_id: int | Home | None,
    name: str = "",
    email: str = "",
    username: str | None = None,
    given_name: str = "",
    middle_name: str = "",
    family_name: str = "",
    nickname: str = "",
    bio: str = "",
    status_text: str = "",
    custom_fields: Mapping[str, Any] | None = None,
    external_id: str = "",
    featured: bool = False,
    public_profile: bool = False,
    properties: Mapping[str, Any] | None = None,
    records: Records = NO_RECORDS,
    roles: Collection[str] = (),
    password: str | None = None,
    password_hash: str | None = None,
    active: bool = True,
    email_verified: bool = False,
    must_change_password: bool | None = None,
    join_default_teams: bool = True,
    invite: bool = False,
    welcome: bool = False,
    prove_email: bool = False,
    send_password: bool = False,
    proof: Callable[[User], None] | None = None,
    password_policy: passwords.Policy | None = None,
    reported: Sequence[Fault] = (),
) -> User:
    """Make a user; of no client (None), an administrator.

    client_id: HOME is the client of the token at hand, of the actor, or the directory's default one.
    username: made from the e-mail if None. name: made from its parts if blank. custom_fields: judged if not None.
    external_id: in some other system. records: see `records`; their properties, like the user's, are whole.
    roles: names of groups; `accounts.roles.ADMINISTRATOR` is none. join_default_teams: those of the client.
    password: None makes a user who cannot sign in. password_hash: a stored form made by
    `accounts.hashers.imported`, instead of a password. must_change_password: if None, as
    `passwords.must_change` has it for what an administrator chose through an API. invite: send a mail with a
    link to set the first password, so there must be none yet. welcome: send a mail that greets. prove_email: send one
    with a link that proves the address. send_password: send one with a password made at random, which must be changed;
    whatever other one is sent along is none. proof: asked in the transaction, once the user and the records are
    there; raises Invalid, then nothing is. password_policy: the standard one if None.
    reported: faults that the contract found while reading; raised together with the rules' own.
    Raises Forbidden (outside of the client that the actor's token is bound to; or what no role lets set), Invalid.
    """
    if send_password:
        password = password_hash = None
    client, faults = client_of(actor, client_id)
    place = client_id if not isinstance(client_id, Home) else client.pk if client is not None else None
    sent: dict[str, Any] = {
        "name": name,
        "email": email,
        "given_name": given_name,
        "middle_name": middle_name,
        "family_name": family_name,
        "nickname": nickname,
        "bio": bio,
        "status_text": status_text,
        "external_id": external_id,
        "featured": featured,
        "public_profile": public_profile,
        "roles": sorted(set(roles)),
    }
    authority.check_creation(actor, place, sent)
    if custom_fields is not None:
        sent["custom_fields"] = dict(custom_fields)
    if properties is not None:
        sent["properties"] = dict(properties)
    if records:
        sent["records"] = records
    if username is not None:
        sent["username"] = username
    if password is not None:
        sent["password"] = password
    new = User(client_id=place if client is None else client.pk or NOT_YET)
    checks.normalise(sent, new, name_from_parts=not name.strip())
    if invite:
        faults += checks.invitation(has_password=bool(password or password_hash or send_password), active=active)
    raise_all(reported, faults + checks.faults_of(sent, new, password_policy or passwords.standard()))
    authority.check_gift(actor, sent["roles"])
    stored = password_hash or passwords.hashed(password)  # slow: outside the transaction

    user = User(
        **{field: value for field, value in sent.items() if field not in _NOT_COLUMNS},
        client=client,
        is_superuser=client is None,
        is_active=active,
        email_verified=email_verified,
        must_change_password=send_password
        or duties.of_new_user(actor=actor, password=password, said=must_change_password),
        password=stored,
    )
    along = _Along(
        actor,
        records=records,
        roles=sent["roles"],
        teams=join_default_teams,
        invite=invite,
        welcome=welcome,
        prove_email=prove_email and active and not email_verified,
        password=send_password,
        proof=proof,
    )
    with told_in_full(sent, lambda: new):
        return _insert(user, along) if username is not None else _insert_named(user, along)


@dataclass(frozen=True, slots=True)
class _Along:
    """What is done in the transaction that makes a user. teams: whether to join those that everybody joins.
    invite, welcome, prove_email, password: the mails to send. proof: asked once the rest is there."""

    actor: Actor | None
    records: Records
    roles: list[str]
    teams: bool
    invite: bool
    welcome: bool
    prove_email: bool
    password: bool
    proof: Callable[[User], None] | None


def _insert(user: User, along: _Along) -> User:
    actor = along.actor
    with refusals(User, checks.CONSTRAINTS, foreign_key=NO_SUCH_CLIENT), transaction.atomic():
        if user.client is not None and user.client.pk is None:
            user.client = default_client.made(actor=actor)
        statements.insert(user)
        entry = creation(actor, user)
        if along.roles:
            entry = replace(entry, changes={**entry.changes, **roles.give(user, along.roles)})
        if along.records:
            entry = replace(entry, changes={**entry.changes, **records.write(user, along.records)})
        if along.proof is not None:
            along.proof(user)
        audit.record_all([entry])
        if along.teams:
            memberships.join_default([user])
        if along.invite:
            mails.invite(actor=actor, users=[user])
        mails.greet(user, welcome=along.welcome, password=along.password)
        if along.prove_email:
            mails.ask_for_proof(actor=actor, user=user)
    return user


def _insert_named(user: User, along: _Along) -> User:
    """Insert a user under a name made from the e-mail."""
    client = user.client
    user.username = usernames.made_from(user.email)
    if User.objects.with_username(user.username).exists():
        user.username = usernames.made_from(user.email, distinct=True)
    try:
        return _insert(user, along)
    except Invalid as refusal:
        if refusal.faults != _USERNAME_TAKEN:
            raise
        # Somebody took the name that was made here since it was looked up: not the caller's fault.
        user.client = client  # the default one may have been made along, and is no more
        user.username = usernames.made_from(user.email, distinct=True)
        return _insert(user, along)

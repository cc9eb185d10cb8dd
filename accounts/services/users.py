"""Every write to users, whichever door it comes through."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone

from accounts import emails, passwords, policies, profile, usernames
from accounts.grants import Grant
from accounts.managers import ACTIVE_ADMINISTRATOR
from accounts.models import SignIn, User
from accounts.services import authority, checks, duties, mails, memberships, one_time_tokens, records, roles
from accounts.services.records import NO_RECORDS, Records
from accounts.services.unset import UNSET, Unset
from clients.models import Client
from clients.services import default_client
from usermgmt import audit, statements
from usermgmt.actor import Actor
from usermgmt.errors import (
    BASE,
    Fault,
    Forbidden,
    Invalid,
    NotFound,
    check_version,
    raise_all,
)
from usermgmt.integrity import refusals
from usermgmt.statements import Statement


class Home(Enum):
    """The type of `HOME`: the client for users of a contract that knows no clients, which is never none."""

    HOME = "home"


HOME: Final = Home.HOME

NO_SUCH_CLIENT = Fault("client", "must_exist")
_NOT_YET = 0  # the number of the default client before there is one; no client has it
_ERASED = Fault(BASE, "erased")
_LAST_ADMINISTRATOR = Fault(BASE, "last_administrator")
_USERNAME_TAKEN = (Fault("username", "taken"),)
_PRESENT: Final[Statement[User]] = Statement(
    lambda user_id: User.objects.select_related("client").filter(pk=user_id), user_id=int
)
_LOCKED: Final[Statement[User]] = Statement(
    lambda user_id: User.objects.select_related("client").filter(pk=user_id).select_for_update(of=("self",)),
    user_id=int,
)
_CLIENT: Final[Statement[Client]] = Statement(lambda client_id: Client.objects.filter(pk=client_id), client_id=int)
_NOT_COLUMNS = ("password", "roles", "teams", "records")  # of what is sent; of the password there is a hash
_NOT_AT_ONCE = frozenset({"password", "client_id", "active"})
"""What is judged before the lock, and again under it: a password takes a hash, which is slow, and the others may ask
for locks on the rows of others, in an order. All else is judged once, under the lock."""
_TOLD_WHERE_SET = ("external_id", "featured", "public_profile", "properties")


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
    client, faults = _client(actor, client_id)
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
    new = User(client_id=place if client is None else client.pk or _NOT_YET)
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
    with _told_in_full(sent, lambda: new):
        return _insert(user, along) if username is not None else _insert_named(user, along)


def update(
    *,
    actor: Actor | None,
    user_id: int,
    name: str | Unset = UNSET,
    email: str | Unset = UNSET,
    username: str | Unset = UNSET,
    given_name: str | Unset = UNSET,
    middle_name: str | Unset = UNSET,
    family_name: str | Unset = UNSET,
    nickname: str | Unset = UNSET,
    bio: str | Unset = UNSET,
    status_text: str | Unset = UNSET,
    custom_fields: Mapping[str, Any] | Unset = UNSET,
    external_id: str | Unset = UNSET,
    featured: bool | Unset = UNSET,
    public_profile: bool | Unset = UNSET,
    properties: Mapping[str, Any] | Unset = UNSET,
    records: Records = NO_RECORDS,
    roles: Collection[str] | Unset = UNSET,
    teams: Collection[int] | Unset = UNSET,
    password: str | Unset | None = UNSET,
    client_id: int | Home | Unset | None = UNSET,
    active: bool | Unset = UNSET,
    email_verified: bool | Unset = UNSET,
    must_change_password: bool | Unset = UNSET,
    invite: bool = False,
    welcome: bool = False,
    prove_email: bool = False,
    send_password: bool = False,
    name_from_parts: bool = True,
    versions: Collection[int] | None = None,
    proof: Callable[[User], Mapping[str, Any]] | None = None,
    password_policy: passwords.Policy | None = None,
    reported: Sequence[Fault] = (),
) -> User:
    """Change what was sent, and nothing else; tell by mail of another address or password.

    records: whoever changes the client loses all relationships but those that are sent along.
    teams: the numbers of those to be in, all of the client of the user, of the new one if it changes along; whoever
    changes the client leaves those of the former. password: None takes the password away, then there is no sign-in.
    must_change_password: if not said, a new password of one's own choice takes the duty away, and one that an
    administrator chose is treated as in `create`. invite: send a mail with a link to set the first password, to whom
    has none and may sign in. prove_email: send one with a link that proves the address, where it is not proved.
    name_from_parts: whether parts that are sent alone make the name.
    versions: the versions that the caller knows; any other is Stale.
    proof: asked with the locked row, in the transaction; raises Invalid, or gives what is to be changed along,
    whoever the actor is. The rest as in `create`.
    Raises Forbidden (see `authority.check`), MustChangePassword (an actor who must, changing anything but the own
    password), Invalid, InvalidToken (see `authority.check_signed_in`), NotFound, Stale.
    """
    given = {
        "name": name,
        "email": email,
        "username": username,
        "given_name": given_name,
        "middle_name": middle_name,
        "family_name": family_name,
        "nickname": nickname,
        "bio": bio,
        "status_text": status_text,
        "custom_fields": custom_fields,
        "external_id": external_id,
        "featured": featured,
        "public_profile": public_profile,
        "properties": properties if isinstance(properties, Unset) else dict(properties),
        "records": records or UNSET,
        "roles": roles if isinstance(roles, Unset) else sorted(set(roles)),
        "teams": teams if isinstance(teams, Unset) else sorted(set(teams)),
        "password": None if send_password else password,
        "client_id": client_id,
        "active": active,
        "email_verified": email_verified,
        "must_change_password": True if send_password else must_change_password,
    }
    sent: dict[str, Any] = {field: value for field, value in given.items() if value is not UNSET}
    client, faults = _client(actor, sent.get("client_id"))
    if isinstance(client_id, Home) and client is not None:
        sent["client_id"] = client.pk or _NOT_YET

    # Without a password there is no sign-in either: the last administrator keeps one.
    demotes = sent.get("active") is False or client is not None or sent.get("password", UNSET) is None
    said = dict(sent)
    with ExitStack() as writing:
        at_once = not (records or sent.keys() & _NOT_AT_ONCE)
        if at_once:
            writing.enter_context(_writing(sent, user_id))
            user = _locked(user_id, None, actor=actor, leaves_administrators=False)
            authority.check_signed_in(actor, user)
        else:
            user = authority.present(actor, _PRESENT.one(user_id=user_id))
        authority.check(actor=actor, user=user, sent=said, reported=reported)
        check_version(user.version, versions)
        _check_alive(user)
        duties.settle(actor=actor, user=user, sent=sent)
        checks.normalise(sent, user, name_from_parts=name_from_parts and "name" not in sent)
        if demotes and _is_last_administrator(user):
            faults.append(_LAST_ADMINISTRATOR)  # told with all the others; asked again under the lock
        policy = password_policy or passwords.standard()
        _judge(actor=actor, user=user, sent=sent, faults=faults, reported=reported, policy=policy)
        if not at_once:
            if "password" in sent:
                sent["password"] = passwords.hashed(sent["password"])  # slow: outside the transaction
            writing.enter_context(_writing(sent, user_id))
            known = user.client
            user = _locked(user_id, versions, actor=actor, leaves_administrators=demotes, related_by=records)
            if known is not None and user.client_id == known.pk:
                user.client = known  # read already; whoever shows the user needs it
            _check_alive(user)
            authority.check_signed_in(actor, user)
            authority.check(actor=actor, user=user, sent=said, reported=reported)
        if proof is not None:
            sent |= proof(user)
        former = mails.Former.of(user)
        if sent.get("client_id") == _NOT_YET:
            client = default_client.made(actor=actor)
            sent["client_id"] = client.pk
        changes = _apply(sent, user, client)
        mails.greet(user, welcome=welcome, password=send_password)
        if "password" in changes and not send_password:
            mails.withdraw_passwords(user)
        told = _tell(actor, user, former, changes)
        mails.remind(actor=actor, user=user, invitation=invite, proof=prove_email, told=told)
    return user


def _judge(
    *,
    actor: Actor | None,
    user: User,
    sent: dict[str, Any],
    faults: list[Fault],
    reported: Sequence[Fault],
    policy: passwords.Policy,
) -> None:
    """Raise every fault of what is sent for a user: those so far, those that were reported, and those of the rules."""
    faults += checks.faults_of(sent, user, policy)
    if "teams" in sent:
        faults += memberships.faults_of(sent["teams"], sent.get("client_id", user.client_id))
    refused = bool(faults or reported)  # then there is no need of a hash
    if not refused and duties.is_dodged(actor=actor, user=user, sent=sent):
        faults.append(Fault("password", "password_unchanged"))
    raise_all(reported, faults)


def _tell(actor: Actor | None, user: User, former: mails.Former, changes: audit.Changes) -> Collection[str]:
    """Let the audit trail know what changed, and whom it concerns; gives the kinds of mails that are sent for it."""
    if not changes:
        return ()
    audit.record(actor=actor, action="user.updated", target=("user", user.pk), changes=changes)
    return mails.announce(user, former, changes)


def delete(*, actor: Actor | None, user_id: int, versions: Collection[int] | None = None) -> None:
    """Delete a user for good; the audit trail stays.

    Raises Forbidden, Invalid (the last administrator), NotFound, Stale.
    """
    if actor is not None and not (policies.can_delete(actor, user_id) or Grant.DELETE in actor.grants):
        raise Forbidden  # whoever it is
    with transaction.atomic():
        user = _locked(user_id, versions, actor=actor, leaves_administrators=True)
        authority.check_deletion(actor, user)
        user.delete()
        audit.record(
            actor=actor,
            action="user.deleted",
            target=("user", user_id),
            changes={field: (value, None) for field, value in _facts(user).items()},
        )


def sign_out(*, actor: Actor | None, user_id: int) -> None:
    """End every sign-in of a user: each token, and each session of the admin site. Raises Forbidden, NotFound."""
    if actor is not None and not policies.can_sign_out(actor, user_id):
        raise Forbidden
    with transaction.atomic():
        present = User.objects.in_scope_of(actor).filter(pk=user_id)
        if not present.update(token_version=F("token_version") + 1):
            raise NotFound("user")
        SignIn.objects.filter(user_id=user_id).end()
        audit.record(actor=actor, action="user.signed_out", target=("user", user_id))


def leaving(user_id: int) -> User:
    """The user, locked until the end of the transaction, who is to be no active administrator any more.

    Raises Invalid (the last one), NotFound.
    """
    return _locked(user_id, None, actor=None, leaves_administrators=True)


@contextmanager
def _writing(sent: Mapping[str, Any], user_id: int) -> Iterator[None]:
    """The transaction of a change, in which what the database refuses is told as the rules tell it."""
    with (
        _told_in_full(sent, lambda: _PRESENT.one(user_id=user_id)),
        refusals(User, checks.CONSTRAINTS, foreign_key=NO_SUCH_CLIENT),
        transaction.atomic(),
    ):
        yield


@contextmanager
def _told_in_full(sent: Mapping[str, Any], read: Callable[[], User | None]) -> Iterator[None]:
    """Tell of all that was taken in the meantime: the database names the first, whichever that is. Where something is
    no more it does not name it: that may have been a type of records, and not the client.

    read: gives the user, whose values these were to be; None: there is none any more.
    """
    try:
        yield
    except Invalid as refusal:
        user = read() if isinstance(refusal.__cause__, IntegrityError) else None
        if user is not None and refusal.faults == (NO_SUCH_CLIENT,):
            raise_all([], checks.of_records(sent, user))
        if user is not None and any(fault.code == "taken" for fault in refusal.faults):
            raise_all(refusal.faults, checks.taken(sent, user))
        raise


def _check_alive(user: User) -> None:
    """Raise Invalid for a tombstone: nobody is behind it to be changed."""
    if user.erased_at is not None:
        raise Invalid([_ERASED])


def _client(actor: Actor | None, client_id: int | Home | None) -> tuple[Client | None, list[Fault]]:
    """The client that is meant (None: none), or the fault that there is no such client.

    The directory's default one, which is made on first use, is unsaved before.
    """
    if isinstance(client_id, Home):
        bound = None if actor is None else actor.scope_id or actor.client_id
        if bound is None:
            return default_client.present(), []
        client_id = bound
    if client_id is None:
        return None, []
    client = _CLIENT.one(client_id=client_id)
    return client, [] if client is not None else [NO_SUCH_CLIENT]


def _is_last_administrator(user: User) -> bool:
    others = User.objects.active_administrators().exclude(pk=user.pk)
    return user.is_superuser and user.is_active and not others.exists()


def _locked(
    user_id: int,
    versions: Collection[int] | None,
    *,
    actor: Actor | None,
    leaves_administrators: bool,
    related_by: Records = NO_RECORDS,
) -> User:
    """The user, its row locked until the end of the transaction.

    leaves_administrators: the user stops being an active administrator. Then the rows of all of them
    are locked too, in the order of their numbers so that no two transactions wait for each other, and
    the last one is refused with Invalid. related_by: records that are written; whom they relate the user
    to is locked, too.
    """
    if not (related_by or leaves_administrators):
        user = authority.present(actor, _LOCKED.one(user_id=user_id))
        check_version(user.version, versions)
        return user
    wanted = Q(pk=user_id) | Q(pk__in=records.related(related_by))
    if leaves_administrators:
        wanted |= ACTIVE_ADMINISTRATOR
    rows = {row.pk: row for row in User.objects.filter(wanted).order_by("pk").select_for_update()}
    user = authority.present(actor, rows.pop(user_id, None))
    check_version(user.version, versions)
    others = any(row.is_superuser and row.is_active for row in rows.values())
    if leaves_administrators and user.is_superuser and user.is_active and not others:
        raise Invalid([_LAST_ADMINISTRATOR])
    return user


def creation(actor: Actor | None, user: User, number: int | None = None) -> audit.Entry:
    """The audit trail's entry of a user just made. number: as in `audit.Entry`."""
    told = _facts(user) | {field: getattr(user, field) for field in _TOLD_WHERE_SET if getattr(user, field)}
    return audit.Entry(
        actor=actor,
        action="user.created",
        target=("user", user.pk),
        changes={field: (None, value) for field, value in told.items()},
        number=number,
    )


def _facts(user: User) -> dict[str, Any]:
    """What the audit trail tells of a user; no secrets."""
    return {
        "name": user.name,
        "email": user.email,
        "username": user.username,
        "client_id": user.client_id,
        "active": user.is_active,
    }


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


def _apply(sent: Mapping[str, Any], user: User, client: Client | None) -> audit.Changes:
    """Write to the locked row what differs, and tell what did."""
    canonical = user.email_canonical
    changes = dict(roles.give(user, sent["roles"])) if "roles" in sent else {}
    written: set[str] = set()
    for field, value in sent.items():
        column = "is_active" if field == "active" else field
        if field in ("roles", "teams", "records") or profile.is_same(before := getattr(user, column), value):
            continue
        changes[field] = (None, None) if field == "password" else (before, value)
        setattr(user, column, value)
        written.add(column)
    changes |= _apply_teams(sent, user, moved="client_id" in written)
    changes |= _apply_records(sent.get("records", NO_RECORDS), user, moved="client_id" in written)
    if not changes:
        return changes
    moved = "email" in written and emails.canonical(user.email) != canonical
    if "client_id" in written:
        user.client = client
        user.is_superuser = client is None
        written.add("is_superuser")
    if "password" in written:
        user.password_version += 1
        written.add("password_version")
    # A new address is not verified, unless that was said along.
    if moved and "email_verified" not in sent and user.email_verified:
        changes["email_verified"] = (True, False)
        user.email_verified = False
        written.add("email_verified")
    over = moved or "password" in written or ("is_active" in written and not user.is_active)
    if over:
        one_time_tokens.kill(user)
    if over or "roles" in changes or "client_id" in written:
        user.token_version += 1
        written.add("token_version")
        SignIn.objects.filter(user_id=user.pk).end()
    user.version += 1
    user.updated_at = timezone.now()
    statements.update(user, {*written, "version", "updated_at"})
    return changes


def _apply_teams(sent: Mapping[str, Any], user: User, *, moved: bool) -> audit.Changes:
    """Put the user, who has the new client already, into the teams that were sent, else out of a former client's."""
    if "teams" in sent:
        return memberships.put(user, sent["teams"])
    return memberships.leave_all(user) if moved else {}


def _apply_records(sent: Records, user: User, *, moved: bool) -> audit.Changes:
    """Take the user, who has the new client already, out of relationships in the former one; write those sent."""
    left = records.leave_client(user) if moved else {}
    written = records.write(user, sent)
    both = {field: (left[field][0], written[field][1]) for field in left.keys() & written.keys()}
    return {**left, **written, **both}

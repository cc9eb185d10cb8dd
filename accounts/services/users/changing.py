"""Users are changed: what a row holds by itself in one statement, all else under a lock on it."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any, Final

from django.utils import timezone

from accounts import emails, passwords, profile
from accounts.models import SignIn, User
from accounts.named_users import Finder
from accounts.services import authority, checks, duties, events, mails, memberships, one_time_tokens, records, roles
from accounts.services.records import NO_RECORDS, Records
from accounts.services.unset import UNSET, Unset
from accounts.services.users.homes import NOT_YET, Home, client_of
from accounts.services.users.locking import LAST_ADMINISTRATOR, PRESENT, is_last_administrator, locked, refused, writing
from clients.models import Client
from clients.services import default_client
from usermgmt import audit, statements
from usermgmt.actor import Actor
from usermgmt.errors import BASE, Fault, Invalid, check_version, raise_all

_ERASED = Fault(BASE, "erased")
_NOT_AT_ONCE = frozenset({"password", "client_id", "active"})
"""What is judged before the lock, and again under it: a password takes a hash, which is slow, and the others may ask
for locks on the rows of others, in an order. All else is judged once: under the lock, or, where it is all
`_OF_THE_ROW` and the database tells of changes, without one."""
_OF_THE_ROW = frozenset({
    "name", "username", "given_name", "middle_name", "family_name", "nickname", "bio", "status_text", "custom_fields",
    "external_id", "featured", "public_profile", "properties",
})  # fmt: skip
"""What is in the row of a user, and concerns nothing else but the trail."""
AS_READ: Final = Finder(lambda user_id: statements.marked(User.objects.select_related("client").filter(pk=user_id)))
"""What finds a user who is to be changed without a lock, for callers that name one (accounts.named_users)."""


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
    order = _Order(
        actor=actor,
        user_id=user_id,
        said=sent,
        records=records,
        invite=invite,
        welcome=welcome,
        prove_email=prove_email,
        send_password=send_password,
        name_from_parts=name_from_parts and "name" not in sent,
        versions=versions,
        proof=proof,
        policy=password_policy or passwords.standard(),
        reported=reported,
    )
    changed = _changed_as_read(order) if order.is_of_the_row and statements.has_marks(User) else None
    return _changed(order) if changed is None else changed


@dataclass(frozen=True, slots=True)
class _Order:
    """What `update` is asked for; said: what was sent. name_from_parts: of the parts that were sent, if any."""

    actor: Actor | None
    user_id: int
    said: Mapping[str, Any]
    records: Records
    invite: bool
    welcome: bool
    prove_email: bool
    send_password: bool
    name_from_parts: bool
    versions: Collection[int] | None
    proof: Callable[[User], Mapping[str, Any]] | None
    policy: passwords.Policy
    reported: Sequence[Fault]

    @property
    def is_of_the_row(self) -> bool:
        """Whether nothing but the row of the user is asked for, and written."""
        more = self.invite or self.welcome or self.prove_email or self.send_password or self.proof is not None
        return not more and self.said.keys() <= _OF_THE_ROW


def _changed_as_read(order: _Order) -> User | None:
    """The user, changed without a lock, and by one statement with its entry of the trail; None, and nothing is written,
    if somebody else changed the row since it was read here."""
    sent = dict(order.said)
    with refused(sent, order.user_id), statements.apart(User):
        user = authority.present(order.actor, AS_READ.one(order.actor, order.user_id))
        authority.check_signed_in(order.actor, user)
        _judge(order, user, sent, [])
        changes, written = _set(sent, user)
        if changes:
            event = events.row_of(_entry(order.actor, user, changes))
            if not statements.change(user, _stamped(user, written), added=[event]):
                return None
    return user


def _changed(order: _Order) -> User:
    """The user, changed under the lock on the row."""
    actor, user_id = order.actor, order.user_id
    sent = dict(order.said)
    client, faults = client_of(actor, sent.get("client_id"))
    if isinstance(sent.get("client_id"), Home) and client is not None:
        sent["client_id"] = client.pk or NOT_YET

    # Without a password there is no sign-in either: the last administrator keeps one.
    demotes = sent.get("active") is False or client is not None or sent.get("password", UNSET) is None
    order = replace(order, said=dict(sent))
    with ExitStack() as around:
        at_once = not (order.records or sent.keys() & _NOT_AT_ONCE)
        if at_once:
            around.enter_context(writing(sent, user_id))
            user = locked(user_id, None, actor=actor, leaves_administrators=False)
            authority.check_signed_in(actor, user)
        else:
            user = authority.present(actor, PRESENT.one(user_id=user_id))
        _judge(order, user, sent, faults, demotes=demotes)
        if not at_once:
            if "password" in sent:
                sent["password"] = passwords.hashed(sent["password"])  # slow: outside the transaction
            around.enter_context(writing(sent, user_id))
            known = user.client
            user = locked(user_id, order.versions, actor=actor, leaves_administrators=demotes, related_by=order.records)
            if known is not None and user.client_id == known.pk:
                user.client = known  # read already; whoever shows the user needs it
            _check_alive(user)
            authority.check_signed_in(actor, user)
            authority.check(actor=actor, user=user, sent=order.said, reported=order.reported)
        if order.proof is not None:
            sent |= order.proof(user)
        former = mails.Former.of(user)
        if sent.get("client_id") == NOT_YET:
            client = default_client.made(actor=actor)
            sent["client_id"] = client.pk
        changes = _apply(sent, user, client)
        mails.greet(user, welcome=order.welcome, password=order.send_password)
        if "password" in changes and not order.send_password:
            mails.withdraw_passwords(user)
        told = _tell(actor, user, former, changes)
        mails.remind(actor=actor, user=user, invitation=order.invite, proof=order.prove_email, told=told)
    return user


def _judge(order: _Order, user: User, sent: dict[str, Any], faults: list[Fault], *, demotes: bool = False) -> None:
    """Raise what forbids the change; put what is sent into its form.

    faults: those so far. demotes: whether an administrator who is changed so is no active one any more.
    """
    actor = order.actor
    authority.check(actor=actor, user=user, sent=order.said, reported=order.reported)
    check_version(user.version, order.versions)
    _check_alive(user)
    duties.settle(actor=actor, user=user, sent=sent)
    checks.normalise(sent, user, name_from_parts=order.name_from_parts)
    if demotes and is_last_administrator(user):
        faults.append(LAST_ADMINISTRATOR)  # told with all the others; asked again under the lock
    faults += checks.faults_of(sent, user, order.policy)
    if "teams" in sent:
        faults += memberships.faults_of(sent["teams"], sent.get("client_id", user.client_id))
    rejected = bool(faults or order.reported)  # then there is no need of a hash
    if not rejected and duties.is_dodged(actor=actor, user=user, sent=sent):
        faults.append(Fault("password", "password_unchanged"))
    raise_all(order.reported, faults)


def _check_alive(user: User) -> None:
    """Raise Invalid for a tombstone: nobody is behind it to be changed."""
    if user.erased_at is not None:
        raise Invalid([_ERASED])


def _tell(actor: Actor | None, user: User, former: mails.Former, changes: audit.Changes) -> Collection[str]:
    """Let the audit trail know what changed, and whom it concerns; gives the kinds of mails that are sent for it."""
    if not changes:
        return ()
    audit.record_all([_entry(actor, user, changes)])
    return mails.announce(user, former, changes)


def _entry(actor: Actor | None, user: User, changes: audit.Changes) -> audit.Entry:
    return audit.Entry(actor=actor, action="user.updated", target=("user", user.pk), changes=changes)


def _set(sent: Mapping[str, Any], user: User) -> tuple[dict[str, tuple[Any, Any]], set[str]]:
    """Give the user what differs of it, unsaved: what the trail is to tell, and the fields to be written."""
    changes: dict[str, tuple[Any, Any]] = {}
    written: set[str] = set()
    for field, value in sent.items():
        column = "is_active" if field == "active" else field
        if field in ("roles", "teams", "records") or profile.is_same(before := getattr(user, column), value):
            continue
        changes[field] = (None, None) if field == "password" else (before, value)
        setattr(user, column, value)
        written.add(column)
    return changes, written


def _stamped(user: User, written: Collection[str]) -> set[str]:
    """The fields to be written, with those that tell of every change."""
    user.version += 1
    user.updated_at = timezone.now()
    return {*written, "version", "updated_at"}


def _apply(sent: Mapping[str, Any], user: User, client: Client | None) -> audit.Changes:
    """Write to the locked row what differs, and tell what did."""
    canonical = user.email_canonical
    changes = dict(roles.give(user, sent["roles"])) if "roles" in sent else {}
    of_the_row, written = _set(sent, user)
    changes |= of_the_row
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
    statements.update(user, _stamped(user, written))
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

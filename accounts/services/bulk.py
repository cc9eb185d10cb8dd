"""Many users at once: the rules of `users.create`, a few queries and one transaction for a thousand of them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.contrib.auth.models import Group
from django.db import DataError, OperationalError, connection, transaction
from django.db.models import BigIntegerField
from django.db.models.base import ModelState
from django.utils import timezone

from accounts import emails, hashing, passwords, policies, roles, usernames
from accounts.models import CustomField, Event, User
from accounts.services import checks, duties, mails, memberships
from accounts.services.roles import faults_of as faults_of_roles
from accounts.services.turns import PassedOn, Stage, Turn
from accounts.services.users import NO_SUCH_CLIENT, creation
from clients.models import Client
from usermgmt import audit, copying
from usermgmt.actor import Actor
from usermgmt.columns import fold
from usermgmt.errors import BASE, Fault, Forbidden, Invalid, TooManyRequests, all_faults
from usermgmt.integrity import is_deadlock, refusals

ATTEMPTS = 10  # each but the first because somebody else took a name or an address in the milliseconds before
_SENT_WHERE_SET = (
    "given_name", "middle_name", "family_name", "nickname", "bio", "status_text", "external_id", "featured",
    "public_profile",
)  # fmt: skip
_SENT_UNLESS_NONE = ("username", "custom_fields", "properties", "password")
_OF_ITS_TURN = ("id", "client", "is_superuser", "created_at", "updated_at")  # what `_place` and the numbers are
_TABLE = User._meta.db_table
_PAIRS = 400  # of a client and an id in another system that SQLite is asked for at once; it takes 999 values


@dataclass(slots=True, kw_only=True)  # not frozen: of so many values that would cost as much as judging them
class Draft:
    """A user to be.

    client_id: None makes an administrator. password_hash: a stored form, instead of a password; without either
    there is no sign-in. must_change_password: None leaves it to the setting. invite: by mail, to set the first
    password. created_at: None is now. username: None makes one of the e-mail. roles: names of groups.
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
    username: str | None = None
    nickname: str = ""
    bio: str = ""
    status_text: str = ""
    custom_fields: Mapping[str, Any] | None = None
    external_id: str = ""
    featured: bool = False
    public_profile: bool = False
    properties: Mapping[str, Any] | None = None
    roles: Sequence[str] = ()
    reported: Sequence[Fault] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a draft: a user, or faults; neither, where others' faults kept a sound one from being made."""

    user: User | None = None
    faults: Sequence[Fault] = ()


_CLIENT: Any = User._meta.get_field("client")
_NOBODY = User()  # whoever is to be made has no value yet


@dataclass(slots=True, eq=False)
class Item:
    """A draft on its way. found: the faults that it has by itself. faults: all of them, so far."""

    draft: Draft
    sent: dict[str, Any] = field(default_factory=dict, repr=False)  # with the password
    found: list[Fault] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    client: Client | None = None
    stored: str = field(default="", repr=False)
    user: User | None = None


@dataclass(frozen=True, slots=True)
class Ready:
    """Users to be, made before their turn. teams: that they will join, by client; None: their clients were not known.
    text: what COPY takes of them, on PostgreSQL."""

    items: Sequence[Item]
    users: Sequence[User]
    teams: Mapping[int, Sequence[int]] | None
    text: copying.Begun | None


def create(*, actor: Actor | None, drafts: Sequence[Draft], atomic: bool = False) -> list[Outcome]:
    """Make those that keep the rules, as if one after the other; atomic: all of them, or none. Some thousands at most.

    Gives an outcome for each draft, in their order. Raises Forbidden (by a token bound to a client, where one of
    them is of another: then nothing is made), TooManyRequests, with nothing made, where as many
    passwords are being hashed already as this process takes on, or where others take the same names without end.
    """
    if actor is not None and not all(policies.can_create_in(actor, draft.client_id) for draft in drafts):
        raise Forbidden
    return make(actor=actor, items=judged(drafts), atomic=atomic)


def make(*, actor: Actor | None, items: Sequence[Item], atomic: bool = False) -> list[Outcome]:
    """The same of drafts that are judged already. What the actor may is the caller's to ask."""
    with hashing.turn() if any(item.draft.password is not None for item in items) else nullcontext():
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


def make_unseen(
    *, actor: Actor | None, items: Sequence[Item], turn: Turn, ready: Ready, whole: bool = False
) -> list[Outcome] | None:
    """The same without a look for who has what sound items have: the database itself refuses what is taken. None, with
    nothing made, where it refuses any; `make` tells which. Not of passwords: to hash them in vain costs more. ready:
    what `prepared` made of the items. whole: None where any item is refused at all. Whoever goes on to change users
    must say so: those behind write theirs before that, and wait for its end with what they have written, so that each
    would wait for the other."""
    if ready.teams is None or any(item.faults for item in items):
        _look_up(items, atomic=False, unseen=turn)
    sound = [item for item in items if not item.faults]
    if whole and len(sound) < len(items):
        return None
    if sound != ready.items:
        ready = _ready(sound, actor, placed=True)
    try:
        made = _insert_unseen(ready, actor, turn)
    except DataError:
        return None
    return [Outcome(item.user, item.faults) for item in items] if made else None


def prepared(items: Sequence[Item], *, actor: Actor | None, placed: bool) -> Ready:
    """Make the users of those that seem sound, so far as it does not depend on who is there; whoever waits for a turn
    with them may do that before. placed: whether the drafts have their clients."""
    if placed:
        _compare(items, *_known(items), set(), atomic=False)
    sound = [item for item in items if item.sent and not (item.found or item.draft.reported or item.faults)]
    return _ready(sound, actor, placed=placed)


def _ready(sound: Sequence[Item], actor: Actor | None, *, placed: bool) -> Ready:
    teams = memberships.joined_by_default(_clients_of(sound)) if placed else None
    _hash(sound)
    users = _made(sound, actor)
    _name_apart(users, ())
    return Ready(sound, users, teams, copying.begun(users, without=_OF_ITS_TURN))


def try_out(items: Sequence[Item]) -> list[Outcome]:
    """The faults of each, as `make` would find them; nothing is made, and no password hashed."""
    _look_up(items, atomic=False)
    return [Outcome(faults=item.faults) for item in items]


def insert(*, actor: Actor | None, drafts: Sequence[Draft]) -> list[User]:
    """Make all of them, or none. Raises Invalid with the faults of the first draft that has any."""
    made = create(actor=actor, drafts=drafts, atomic=True)
    for outcome in made:
        if outcome.faults:
            raise Invalid(outcome.faults)
    return [outcome.user for outcome in made if outcome.user is not None]


def judged(drafts: Sequence[Draft]) -> list[Item]:
    """The drafts in the form in which they are kept, and the faults that show without a look at others: nothing here
    depends on which users and clients there are."""
    policy = passwords.standard()
    defined = list(CustomField.objects.all()) if any(draft.custom_fields is not None for draft in drafts) else ()
    return [_judged_one(draft, policy, defined) for draft in drafts]


def _judged_one(draft: Draft, policy: passwords.Policy, defined: Iterable[CustomField]) -> Item:
    item = Item(draft)
    if draft.reported and any(fault.field == BASE for fault in draft.reported):
        item.faults = list(draft.reported)
        return item
    item.sent = {"name": draft.name, "email": draft.email}
    item.sent |= {name: value for name in _SENT_WHERE_SET if (value := getattr(draft, name))}
    item.sent |= {name: value for name in _SENT_UNLESS_NONE if (value := getattr(draft, name)) is not None}
    checks.normalise(item.sent, _NOBODY, name_from_parts=not draft.name.strip(), defined=defined)
    item.found = checks.by_themselves(item.sent, _NOBODY, policy, defined)
    if draft.invite:
        has_password = bool(draft.password or draft.password_hash)
        item.found += checks.invitation(has_password=has_password, active=draft.active)
    return item


def _look_up(items: Sequence[Item], *, atomic: bool, unseen: Turn | None = None) -> None:
    """Find the faults that depend on what there is: in the directory, and before each item, in a few queries. unseen:
    only those are looked for in the directory, in that turn, who have what a refused item has, or one that shares
    something with it and may be refused in its place: they are told of them.
    """
    keys, clients, groups = _known(items)
    _compare(items, keys, clients, groups, set() if unseen is not None else _taken(keys), atomic=atomic)
    if unseen is not None and any(item.faults for item in items):
        unseen.wait(Stage.IN)
        refused = {pair for item, own in zip(items, keys, strict=True) if item.faults for pair in own.items()}
        asked = [own for own in keys if not refused.isdisjoint(own.items())]
        _compare(items, keys, clients, groups, _taken(asked), atomic=atomic)


def _known(items: Sequence[Item]) -> tuple[list[dict[str, Any]], Mapping[int, Client], Collection[str]]:
    """What of each nobody else may have, and which of their clients and roles there are."""
    # Django leaves out what no column holds where it looks for one number, but not where it looks for many.
    wanted = [number for number in _clients_of(items) if 0 < number <= BigIntegerField.MAX_BIGINT]
    clients = Client.objects.in_bulk(wanted)
    return [_keys(item, clients) for item in items], clients, _groups(items)


def _compare(
    items: Sequence[Item],
    keys: Sequence[Mapping[str, Any]],
    clients: Mapping[int, Client],
    groups: Collection[str],
    taken: set[tuple[str, Any]],
    *,
    atomic: bool,
) -> None:
    """Give each item its client, and its faults.

    taken: the keys that somebody in the directory has. An item that is not made takes nothing from those behind it;
    where it is all or none, it would once it is mended.
    """
    for item, own in zip(items, keys, strict=True):
        if not item.sent:
            continue
        faults = list(item.found)
        if not taken.isdisjoint(own.items()):
            faults += [Fault(field, "taken") for field, key in own.items() if (field, key) in taken]
        if item.draft.client_id is not None:
            item.client = clients.get(item.draft.client_id)
            if item.client is None:
                faults.append(NO_SUCH_CLIENT)
        if item.draft.roles:
            faults += faults_of_roles(item.draft.roles, groups)
        item.faults = all_faults(item.draft.reported, faults) if item.draft.reported else faults
        if atomic or not item.faults:
            taken.update(own.items())


def _keys(item: Item, places: Collection[int | None]) -> dict[str, Any]:
    """What of an item nobody else may have, as the database compares it; without what has a fault of its own."""
    bad = {fault.field for fault in (*item.found, *item.draft.reported)}
    keys: dict[str, Any] = {}
    if item.sent and "email" not in bad:
        keys["email"] = emails.canonical(item.sent["email"])
    if "username" in item.sent and "username" not in bad:
        keys["username"] = fold(item.sent["username"])
    place = item.draft.client_id
    if item.sent.get("external_id") and "external_id" not in bad and (place is None or place in places):
        keys["external_id"] = (place, item.sent["external_id"])
    return keys


def _taken(keys: Sequence[Mapping[str, Any]]) -> set[tuple[str, Any]]:
    """Those of the keys that somebody has."""
    return {(field, key) for field in ("email", "username", "external_id") for key in _owners(field, keys)}


def owners(drafts: Sequence[Draft]) -> list[list[int]]:
    """For each draft the numbers of those who are there and have its address, its user name or, in the client, its id
    in another system; in order, each once."""
    items = judged(drafts)
    keys = [_keys(item, (item.draft.client_id,)) for item in items]
    found = {field: _owners(field, keys) for field in ("email", "username", "external_id")}
    return [list(dict.fromkeys(found[field][key] for field, key in own.items() if key in found[field])) for own in keys]


def _owners(field: str, keys: Sequence[Mapping[str, Any]]) -> dict[Any, int]:
    """Who has the keys, by key."""
    wanted = {own[field] for own in keys if field in own}
    if not wanted:
        return {}
    if field == "external_id":
        return _external_ids(list(wanted))
    return _having(f"{field}_canonical", wanted)


def _having(column: str, values: Collection[str]) -> dict[str, int]:
    """Who has any of the values in a column, by value. No value has a line break, as none that keeps the rules has: so
    PostgreSQL gets all of them as one text. As many parameters, or as many items of an array, cost more time than the
    look-up. LATERAL and LIMIT have it look up each in the index, whatever it makes of so many values: it would rather
    read the whole table, up to some hundred thousand rows."""
    if connection.vendor != "postgresql":
        return dict(User.objects.filter(**{f"{column}__in": values}).values_list(column, "pk"))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT wanted, found.id FROM unnest(string_to_array(%s, '\n')) AS wanted CROSS JOIN LATERAL"  # noqa: S608
            f" (SELECT id FROM {_TABLE} WHERE {column} = wanted LIMIT 1) AS found",
            ["\n".join(values)],
        )
        return dict(cursor.fetchall())


def _external_ids(pairs: list[tuple[int | None, str]]) -> dict[tuple[int | None, str], int]:
    """Who has the ids in other systems, by client and id."""
    administrators = [text for place, text in pairs if place is None]
    among = User.objects.filter(client=None, external_id__in=administrators).exclude(external_id="")
    found: dict[tuple[int | None, str], int] = {
        (None, text): pk for text, pk in (among.values_list("external_id", "pk") if administrators else ())
    }
    of_clients = [pair for pair in pairs if pair[0] is not None]
    at_once = _PAIRS if connection.vendor != "postgresql" else max(len(of_clients), 1)
    for start in range(0, len(of_clients), at_once):
        found |= _ids_of_clients(of_clients[start : start + at_once])
    return found


def _ids_of_clients(pairs: list[tuple[int | None, str]]) -> dict[tuple[int | None, str], int]:
    """What Django makes of pairs has PostgreSQL plan for longer than it looks; so the one index says it of each, on
    PostgreSQL as in `_having`."""
    among = "client_id = place AND external_id = text AND client_id IS NOT NULL AND NOT external_id = ''"
    if connection.vendor == "postgresql":
        statement = (
            "SELECT place, text, found.id"  # noqa: S608
            " FROM unnest(string_to_array(%s, '\n')::bigint[], string_to_array(%s, '\n')) AS sent (place, text)"
            f" CROSS JOIN LATERAL (SELECT id FROM {_TABLE} WHERE {among} LIMIT 1) AS found"
        )
        values: list[Any] = ["\n".join(str(place) for place, _ in pairs), "\n".join(text for _, text in pairs)]
    else:
        sent = f"VALUES {', '.join(['(%s, %s)'] * len(pairs))}"
        statement = f"WITH sent (place, text) AS ({sent}) SELECT place, text, id FROM sent JOIN {_TABLE} ON {among}"  # noqa: S608
        values = [value for pair in pairs for value in pair]
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return {(place, text): pk for place, text, pk in cursor.fetchall()}


def _groups(items: Sequence[Item]) -> dict[str, int]:
    """The numbers of all roles, by name, if any is wanted."""
    wanted = any(item.draft.roles for item in items)
    return dict(Group.objects.values_list("name", "pk")) if wanted else {}


def _hash(items: Sequence[Item]) -> None:
    """Give each what is stored of its password; several have turns at once, on all cores."""
    waiting = [item for item in items if item.draft.password is not None]
    for item, stored in zip(waiting, hashing.hashed_all([item.draft.password for item in waiting]), strict=True):
        item.stored = stored
    for item in items:
        item.stored = item.stored or item.draft.password_hash or passwords.hashed(None)


def _insert(items: Sequence[Item], actor: Actor | None) -> bool:
    """Make all users, with their rows of the audit trail, or none: whether nobody else got in between."""
    users = _made(items, actor)
    _place(users, items)
    _name(users)
    try:
        with refusals(User, checks.CONSTRAINTS, foreign_key=NO_SUCH_CLIENT), transaction.atomic():
            with copying.inserting(users, numbered=True):
                entries = [creation(actor, user) for user in users]
            memberships.join_default(users)
            _tell_roles(entries, _give_roles(items, users))
            audit.record_all(entries)
            invited = [user for item, user in zip(items, users, strict=True) if item.draft.invite]
            mails.invite(actor=actor, users=invited)
    except Invalid:
        return False
    except OperationalError as error:
        if not is_deadlock(error):
            raise
        return False
    _tell_users(items, users)
    return True


def _insert_unseen(ready: Ready, actor: Actor | None, turn: Turn) -> bool:
    """The same in a turn: once the users are written those behind go on, and the trail, which has its numbers by then,
    is written beside theirs. SQLite has one writer: there nobody can go on."""
    items, users = ready.items, ready.users
    passed = False
    _place(users, items)
    numbers: Sequence[int | None] = [None] * len(users)
    if (drawn := copying.numbers(len(users), User, Event)) is not None:
        of_users, numbers = drawn
        copying.tell(users, of_users)
    try:
        with refusals(User, checks.CONSTRAINTS, foreign_key=NO_SUCH_CLIENT), transaction.atomic():
            with copying.inserting(users, numbered=True, begun=ready.text):
                entries = [creation(actor, user, number) for user, number in zip(users, numbers, strict=True)]
            teams = ready.teams if ready.teams is not None else memberships.joined_by_default(_clients_of(items))
            memberships.join(users, teams)
            given = _give_roles(items, users)
            if connection.vendor == "postgresql":
                _hold(_clients_of(items), more=bool(teams or given))
                turn.reach(Stage.USERS)
                passed = True
            _tell_roles(entries, given)
            audit.record_all(entries)
            turn.wait(Stage.IN)
    except (Invalid, DataError) as error:
        if passed:
            raise PassedOn("new users were refused when they were written") from error
        if isinstance(error, DataError):
            raise
        return False
    except OperationalError as error:
        if passed or not is_deadlock(error):
            raise
        return False
    _tell_users(items, users)
    return True


def _hold(clients: Collection[int], *, more: bool) -> None:
    """See to it that the commit can't be refused: that is where foreign keys are looked at. The clients of users stay
    where this transaction has a lock on them. more: whether users are in teams or have roles, too."""
    if more:
        connection.check_constraints()
        return
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id FROM {Client._meta.db_table} WHERE id = ANY(%s) FOR KEY SHARE", [list(clients)])  # noqa: S608
        if len(cursor.fetchall()) < len(clients):
            raise Invalid([NO_SUCH_CLIENT])


def _clients_of(items: Sequence[Item]) -> set[int]:
    return {item.draft.client_id for item in items if item.draft.client_id is not None}


def _tell_users(items: Sequence[Item], users: Sequence[User]) -> None:
    for item, user in zip(items, users, strict=True):
        item.user = user


def _give_roles(items: Sequence[Item], users: Sequence[User]) -> dict[int, list[str]]:
    """Give the new users their roles, and tell who has which now. The default one alone is as good as none."""
    given = {
        user.pk: sorted(set(item.draft.roles))
        for item, user in zip(items, users, strict=True)
        if item.draft.roles and (user.is_superuser or set(item.draft.roles) != {roles.DEFAULT})
    }
    if given:
        groups = _groups(items)
        if any(name not in groups for names in given.values() for name in names):
            raise Invalid([Fault("roles", "invalid")])  # one was deleted meanwhile
        through = User.groups.through
        copying.insert([through(user_id=pk, group_id=groups[name]) for pk, names in given.items() for name in names])
    return given


def _tell_roles(entries: list[audit.Entry], given: Mapping[int, Sequence[str]]) -> None:
    """Have the entries of new users tell of their roles. given: by number of the user."""
    if given:
        for place, entry in enumerate(entries):
            if names := given.get(entry.target[1] or 0):
                entries[place] = replace(entry, changes={**entry.changes, "roles": ([], list(names))})


def _made(items: Sequence[Item], actor: Actor | None) -> list[User]:
    """The users to be, so far as it does not depend on when and where they are made."""
    defaults = _defaults()
    return [_user(item, defaults, actor) for item in items]


def _place(users: Sequence[User], items: Sequence[Item]) -> None:
    """The rest of that, but for their numbers."""
    now = timezone.now()
    for user, item in zip(users, items, strict=True):
        draft, values = item.draft, user.__dict__
        values["client_id"] = draft.client_id
        values["is_superuser"] = draft.client_id is None
        values["created_at"] = values["updated_at"] = draft.created_at or now
        if item.client is not None:
            _CLIENT.set_cached_value(user, item.client)


def _defaults() -> dict[str, Any]:
    """What a user has in each column of whom nothing was said."""
    return {column.attname: column.get_default() for column in User._meta.concrete_fields}


def _user(item: Item, defaults: Mapping[str, Any], actor: Actor | None) -> User:
    """The values become the attributes of a user at once. The constructor of models sets one after the other, and asks
    whether each is deferred, related or somebody's to hear of: all of that costs as much as judging the draft."""
    draft = item.draft
    user = User.__new__(User)
    user.__dict__ = {
        "_state": ModelState(),
        **defaults,
        "custom_fields": {},
        "properties": {},
        **item.sent,
        "password": item.stored,
        "is_active": draft.active,
        "email_verified": draft.email_verified,
        "must_change_password": duties.of_new_user(
            actor=actor, password=draft.password, said=draft.must_change_password
        ),
    }
    return user


def _name(users: Sequence[User]) -> None:
    """Give each that has none a user name of its own."""
    made = {fold(usernames.made_from(user.email)) for user in users if not user.username}
    _name_apart(users, _having("username_canonical", made))


def _name_apart(users: Sequence[User], others: Iterable[str]) -> None:
    """The same beside others' names."""
    taken = {fold(user.username) for user in users if user.username}.union(others)
    for user in users:
        if user.username:
            continue
        user.username = usernames.made_from(user.email)
        name = fold(user.username)
        if name in taken:
            user.username = usernames.made_from(user.email, distinct=True)
            name = fold(user.username)
        taken.add(name)

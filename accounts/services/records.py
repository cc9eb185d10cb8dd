"""The records of users: profiles, relationships to others, items that they own. They are written with the user."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from django.db import models, transaction
from django.utils import timezone

from accounts import policies, profile
from accounts.models import RecordType, Relationship, Transactable, User, UserProfile
from accounts.models.record import DESCRIPTION_MAX_LENGTH, TITLE_MAX_LENGTH, Record
from accounts.models.record_type import is_name
from accounts.services import authority
from accounts.services.record_types import RECORDS
from accounts.services.unset import UNSET, Unset
from usermgmt import audit
from usermgmt.actor import Actor
from usermgmt.errors import Fault, Forbidden, NotFound, raise_all
from usermgmt.text import has_control_characters

MAX_RECORDS = 1000  # of each kind, that a user has, or that are sent at once

_Kind = RecordType.Kind
_PropertyType = RecordType.PropertyType
_CURRENCY = re.compile(r"[A-Z]{3}\Z")
_DATE = re.compile(r"\d{4}-\d\d-\d\d\Z", re.ASCII)
_MOMENT = re.compile(  # RFC 3339 5.6, whose fractions may be of any length
    r"(?P<date>\d{4}-\d\d-\d\d)[Tt](?P<time>\d\d:\d\d:\d\d)(\.\d+)?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)\Z", re.ASCII
)


@dataclass(frozen=True, slots=True)
class ProfileSent:
    """The profile of a type, made if there is none. properties: all of them."""

    type: str
    properties: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RelationshipSent:
    """The relationship of a type to a user, made if there is none.

    properties: all of them. id: of the one that must be there already.
    """

    type: str
    user_id: int
    properties: Mapping[str, Any] | Unset = UNSET
    id: int | None = None


@dataclass(frozen=True, slots=True)
class TransactableSent:
    """An item of a type. id: of the one that is changed; None makes one. properties: all of them."""

    type: str
    id: int | None = None
    name: str | Unset = UNSET
    description: str | Unset = UNSET
    currency: str | Unset = UNSET
    enabled: bool | Unset = UNSET
    properties: Mapping[str, Any] | Unset = UNSET


@dataclass(frozen=True, slots=True)
class Records:
    """What is sent of a user's records; those that are not sent stay."""

    profiles: Sequence[ProfileSent] = ()
    relationships: Sequence[RelationshipSent] = ()
    transactables: Sequence[TransactableSent] = ()

    def __bool__(self) -> bool:
        return bool(self.profiles or self.relationships or self.transactables)


NO_RECORDS: Final = Records()


@dataclass(slots=True)
class _There:
    """What there is of what the records name.

    types: by kind and name. related: numbers of users to whom there may be a relationship. profiles: by type.
    relationships: by type and related user. transactables: by number. The counts: of all that the user has.
    """

    types: Mapping[tuple[str, str], RecordType]
    related: frozenset[int] = frozenset()
    profiles: dict[int, UserProfile] = field(default_factory=dict)
    relationships: dict[tuple[int, int], Relationship] = field(default_factory=dict)
    transactables: dict[int, Transactable] = field(default_factory=dict)
    count_of_relationships: int = 0
    count_of_transactables: int = 0


def faults_of(sent: Records, user: User, client_id: int | None) -> list[Fault]:
    """Every fault of the records that are sent for a user, who is to be of that client; an unsaved one: to be made.

    No query where there are none, else as many for a thousand as for one.
    """
    return _too_many(sent) or (_faults(sent, _there(sent, user, client_id)) if sent else [])


def related(sent: Records) -> list[int]:
    """The numbers of the users to whom there are relationships in it."""
    return [number for number in {one.user_id for one in sent.relationships} if _is_number(number)]


def write(user: User, sent: Records) -> audit.Changes:
    """Write what differs of the records of a user, whose row is locked or new; gives the changes, by type.

    Of a relationship the changes tell whom it is to, and no properties: those are of two people, and the erasure of one
    leaves the trail of the other. In the transaction of the caller, who of a user that is not new has locked the rows
    of `related` along, all in the order of their numbers. Raises Invalid.
    """
    if not sent:
        return {}
    raise_all([], _too_many(sent))
    there = _there(sent, user, user.client_id, locked=True)
    raise_all([], _faults(sent, there))
    return {
        **_write_profiles(user, sent.profiles, there),
        **_write_relationships(user, sent.relationships, there),
        **_write_transactables(user, sent.transactables, there),
    }


def leave_client(user: User) -> audit.Changes:
    """Take the relationships, in both directions, of a user whose row is locked; gives the changes, by type.

    Of those that others had only how many there were: the user may read the trail, and not who they are.
    """
    both = models.Q(user=user) | models.Q(related_user=user)
    rows = list(
        Relationship.objects.filter(both).order_by("pk").values_list("type__name", "user_id", "related_user_id")
    )
    if not rows:
        return {}
    Relationship.objects.filter(both).delete()
    own: dict[str, list[int]] = {}
    for name, owner, other in rows:
        if owner == user.pk:
            own.setdefault(f"relationships.{name}", []).append(other)
    others = Counter(f"related_by.{name}" for name, owner, _ in rows if owner != user.pk)
    return {
        **{field: (numbers, []) for field, numbers in own.items()},
        **{field: (number, 0) for field, number in others.items()},
    }


def delete(*, actor: Actor | None, kind: str, record_id: int) -> None:
    """Delete one record of a user, as administrators may who may change the user. Raises Forbidden, NotFound."""
    if actor is not None and not policies.can_administer(actor):
        raise Forbidden
    rows: Any = RECORDS[_Kind(kind)]._default_manager.select_related("type")
    with transaction.atomic():
        owner = rows.filter(pk=record_id).values("user_id")
        user = authority.present(actor, User.objects.select_for_update().filter(pk__in=owner).first())
        authority.check(actor=actor, user=user, sent={}, reported=())
        record = rows.filter(pk=record_id).first()
        if record is None:
            raise NotFound(kind)
        changes = _deleted(kind, record)
        record.delete()
        user.version += 1
        user.updated_at = timezone.now()
        user.save(update_fields=["version", "updated_at"])
        audit.record(actor=actor, action="user.updated", target=("user", user.pk), changes=changes)


def _deleted(kind: str, record: Any) -> audit.Changes:
    field = f"{kind}s.{record.type.name}"
    match kind:
        case _Kind.PROFILE:
            return {field: (record.properties, None)}
        case _Kind.RELATIONSHIP:
            return {field: ([record.related_user_id], [])}
        case _:
            return {field: ([_facts(record, _COLUMNS)], [])}


def _is_number(number: int) -> bool:
    """Whether a row can have that number; Django leaves others out where it looks for one, but not for many."""
    return 0 < number <= models.BigIntegerField.MAX_BIGINT


# What there is


def _there(sent: Records, user: User, client_id: int | None, *, locked: bool = False) -> _There:
    """locked: whether the users who are related to are to stay what they are until the end of the transaction."""
    everything: list[ProfileSent | RelationshipSent | TransactableSent]
    everything = [*sent.profiles, *sent.relationships, *sent.transactables]
    names = {one.type for one in everything if is_name(one.type)}
    there = _There({(found.kind, found.name): found for found in RecordType.objects.filter(name__in=names)})
    numbers = related(sent)
    if numbers:
        others = User.objects.filter(pk__in=numbers, client_id=client_id, erased_at=None).exclude(pk__in=[user.pk])
        if locked:
            others = others.order_by("pk").select_for_update(no_key=True)
        there.related = frozenset(others.values_list("pk", flat=True))
    if user.pk is None:
        return there
    if sent.profiles:
        types = [found.pk for found in there.types.values()]
        there.profiles = {row.type_id: row for row in UserProfile.objects.filter(user=user, type__in=types)}
    if numbers and client_id == user.client_id:  # whoever leaves the client leaves them, too
        own = Relationship.objects.filter(user=user)
        there.count_of_relationships = own.count()
        there.relationships = {(row.type_id, row.related_user_id): row for row in own.filter(related_user__in=numbers)}
    if sent.transactables:
        items = Transactable.objects.filter(user=user)
        there.count_of_transactables = items.count()
        wanted = [one.id for one in sent.transactables if one.id is not None and _is_number(one.id)]
        there.transactables = items.in_bulk(wanted)
    return there


# Faults


def _too_many(sent: Records) -> list[Fault]:
    lengths = {kind: len(getattr(sent, kind)) for kind in ("profiles", "relationships", "transactables")}
    return [_full(kind) for kind, length in lengths.items() if length > MAX_RECORDS]


def _full(kind: str) -> Fault:
    return Fault(kind, "too_many", {"maximum": MAX_RECORDS})


def _faults(sent: Records, there: _There) -> list[Fault]:
    return [
        *_of_profiles(sent.profiles, there),
        *_of_relationships(sent.relationships, there),
        *_of_transactables(sent.transactables, there),
    ]


def _of_profiles(sent: Sequence[ProfileSent], there: _There) -> Iterator[Fault]:
    seen = set()
    for one in sent:
        path = f"profiles.{one.type}"
        known = there.types.get((_Kind.PROFILE, one.type))
        if known is None:
            yield Fault(path, "must_exist")
        elif known.pk in seen:
            yield Fault(path, "taken")
        else:
            seen.add(known.pk)
            yield from _of_properties(path, one.properties, known)


def _of_relationships(sent: Sequence[RelationshipSent], there: _There) -> Iterator[Fault]:
    seen = set()
    for one in sent:
        path = f"relationships.{one.type}"
        known = there.types.get((_Kind.RELATIONSHIP, one.type))
        if known is None:
            yield Fault(path, "must_exist")
            continue
        if one.user_id not in there.related:
            yield Fault(f"{path}.user_id", "must_exist")
        elif (known.pk, one.user_id) in seen:
            yield Fault(f"{path}.user_id", "taken")
        elif one.id is not None:
            row = there.relationships.get((known.pk, one.user_id))
            if row is None or row.pk != one.id:
                yield Fault(f"{path}.id", "must_exist")
        seen.add((known.pk, one.user_id))
        yield from _of_properties(path, one.properties, known)
    if there.count_of_relationships + len(seen - there.relationships.keys()) > MAX_RECORDS:
        yield _full("relationships")


def _of_transactables(sent: Sequence[TransactableSent], there: _There) -> Iterator[Fault]:
    seen = set()
    for one in sent:
        path = f"transactables.{one.type}"
        known = there.types.get((_Kind.TRANSACTABLE, one.type))
        if known is None:
            yield Fault(path, "must_exist")
            continue
        if one.id is not None:
            row = there.transactables.get(one.id)
            if row is None or row.type_id != known.pk:
                yield Fault(f"{path}.id", "must_exist")
            elif one.id in seen:
                yield Fault(f"{path}.id", "taken")
            seen.add(one.id)
        yield from _of_texts(path, one)
        yield from _of_properties(path, one.properties, known)
    if there.count_of_transactables + sum(one.id is None for one in sent) > MAX_RECORDS:
        yield _full("transactables")


def _of_texts(path: str, one: TransactableSent) -> Iterator[Fault]:
    """The faults of what an item is called, of its description, which may have lines, and of its currency."""
    for column, maximum in {"name": TITLE_MAX_LENGTH, "description": DESCRIPTION_MAX_LENGTH}.items():
        value = getattr(one, column)
        if value is UNSET:
            continue
        if len(value.strip()) > maximum:
            yield Fault(f"{path}.{column}", "too_long", {"maximum": maximum})
        elif not profile.is_storable({column: value}) or (column == "name" and has_control_characters(value.strip())):
            yield Fault(f"{path}.{column}", "invalid")
    if one.currency is not UNSET and not _CURRENCY.match(one.currency):
        yield Fault(f"{path}.currency", "invalid")


def _of_properties(path: str, sent: Mapping[str, Any] | Unset, known: RecordType) -> Iterator[Fault]:
    """The faults of the properties of a record by its type. No value, null, is of every type."""
    if sent is UNSET:
        return
    path = f"{path}.properties"
    properties = dict(sent)
    if not profile.is_bounded(properties):
        yield Fault(path, "too_complex")
    elif not profile.is_storable(properties):
        yield Fault(path, "invalid")
    elif known.properties:
        for name, value in properties.items():
            definition = known.properties.get(name)
            if definition is None:
                yield Fault(f"{path}.{name}", "undefined_property")
            elif value is not None and not _is_of(definition["type"], value):
                yield Fault(f"{path}.{name}", "wrong_type")


def _is_of(type_: str, value: Any) -> bool:
    """Whether a value that is not null is of a type of properties; a boolean is no number."""
    match type_:
        case _PropertyType.TEXT:
            return isinstance(value, str)
        case _PropertyType.INTEGER:
            return isinstance(value, int) and not isinstance(value, bool)
        case _PropertyType.NUMBER:
            return isinstance(value, int | float) and not isinstance(value, bool)
        case _PropertyType.BOOLEAN:
            return isinstance(value, bool)
        case _PropertyType.DATE:
            return isinstance(value, str) and _is_date(value)
        case _PropertyType.DATETIME:
            return isinstance(value, str) and _is_moment(value)
        case _PropertyType.LIST:
            return isinstance(value, list)
        case _:
            return isinstance(value, dict)


def _is_date(text: str) -> bool:
    try:
        return _DATE.match(text) is not None and date.fromisoformat(text) is not None
    except ValueError:
        return False


def _is_moment(text: str) -> bool:
    found = _MOMENT.match(text)
    try:
        return found is not None and datetime.fromisoformat(f"{found['date']}T{found['time']}") is not None
    except ValueError:
        return False


# Writing


_COLUMNS = ("name", "description", "currency", "enabled", "properties")  # of an item


def _write_profiles(user: User, sent: Sequence[ProfileSent], there: _There) -> audit.Changes:
    changes: dict[str, tuple[Any, Any]] = {}
    new, changed = [], []
    for one in sent:
        known, properties = there.types[_Kind.PROFILE, one.type], dict(one.properties)
        row = there.profiles.get(known.pk)
        if row is None:
            new.append(UserProfile(user=user, type=known, properties=properties))
            changes[f"profiles.{one.type}"] = (None, properties)
        elif not profile.is_same(row.properties, properties):
            changes[f"profiles.{one.type}"] = (row.properties, properties)
            row.properties = properties
            changed.append(row)
    _store(UserProfile, new, changed, ("properties",))
    return changes


def _write_relationships(user: User, sent: Sequence[RelationshipSent], there: _There) -> audit.Changes:
    changes: dict[str, tuple[list[int], list[int]]] = {}
    new, changed = [], []
    for one in sent:
        known = there.types[_Kind.RELATIONSHIP, one.type]
        row = there.relationships.get((known.pk, one.user_id))
        properties = dict(one.properties) if one.properties is not UNSET else row.properties if row is not None else {}
        if row is not None and profile.is_same(row.properties, properties):
            continue
        before, after = changes.setdefault(f"relationships.{one.type}", ([], []))
        after.append(one.user_id)
        if row is None:
            new.append(Relationship(user=user, type=known, related_user_id=one.user_id, properties=properties))
        else:
            before.append(one.user_id)
            row.properties = properties
            changed.append(row)
    _store(Relationship, new, changed, ("properties",))
    # Where nobody came or went, only what they are to each other changed.
    return {field: (None, None) if before == after else (before, after) for field, (before, after) in changes.items()}


def _write_transactables(user: User, sent: Sequence[TransactableSent], there: _There) -> audit.Changes:
    made: list[Transactable] = []
    changed: list[Transactable] = []
    changes: dict[str, tuple[list[Any], list[Any]]] = {}
    for one in sent:
        values = _values(one)
        if one.id is None:
            made.append(Transactable(user=user, type=there.types[_Kind.TRANSACTABLE, one.type], **values))
            continue
        row = there.transactables[one.id]
        differing = [column for column in values if not profile.is_same(getattr(row, column), values[column])]
        if not differing:
            continue
        before, after = changes.setdefault(f"transactables.{one.type}", ([], []))
        before.append(_facts(row, differing))
        for column in differing:
            setattr(row, column, values[column])
        after.append(_facts(row, differing))
        changed.append(row)
    _store(Transactable, made, changed, _COLUMNS)
    for row in made:
        changes.setdefault(f"transactables.{row.type.name}", ([], []))[1].append(_facts(row, _COLUMNS))
    return changes


def _values(one: TransactableSent) -> dict[str, Any]:
    """What is sent of an item, as it is kept."""
    sent = {column: getattr(one, column) for column in _COLUMNS}
    return {
        column: value.strip() if isinstance(value, str) else dict(value) if isinstance(value, Mapping) else value
        for column, value in sent.items()
        if value is not UNSET
    }


def _facts(row: Any, columns: Iterable[str]) -> dict[str, Any]:
    return {"id": row.pk, **{column: getattr(row, column) for column in columns}}


def _store(model: type[Record], new: Sequence[Any], changed: Sequence[Any], columns: Sequence[str]) -> None:
    rows: Any = model._default_manager
    for row in changed:
        row.updated_at = timezone.now()
    rows.bulk_create(new)
    rows.bulk_update(changed, [*columns, "updated_at"])

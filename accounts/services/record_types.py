"""Every write to the types of records. What users hold of them is judged in `records`."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts import policies, profile
from accounts.models import RecordType, Relationship, Transactable, UserProfile
from accounts.models.record_type import NAME_MAX_LENGTH, is_name
from accounts.services.unset import UNSET, Unset
from usermgmt import audit
from usermgmt.actor import Actor
from usermgmt.errors import BASE, Fault, Forbidden, NotFound, check_version, raise_all
from usermgmt.integrity import refusals

MAX_PROPERTIES = profile.CUSTOM_MAX_KEYS  # a record that has them all is still one that the directory keeps

RECORDS = {
    RecordType.Kind.PROFILE: UserProfile,
    RecordType.Kind.RELATIONSHIP: Relationship,
    RecordType.Kind.TRANSACTABLE: Transactable,
}
"""What the records of each kind are."""

_FIELDS = {"record_type_unique": "name", "record_type_name_form": "name"}
_IN_USE = Fault(BASE, "has_records")

Claim = Callable[[str, str], Mapping[str, Collection[str]]]
"""Asked with kind and name of a type who names it: for people, each with the names of the properties."""

_claims: list[Claim] = []


def create(
    *,
    actor: Actor | None,
    kind: str,
    name: str,
    properties: Mapping[str, Any] | None = None,
    reported: Sequence[Fault] = (),
) -> RecordType:
    """Define a type of records, which stays of its kind.

    properties: the definitions of what its records hold; without any they hold whatever is sent.
    reported: faults that the contract found while reading; raised together with the rules' own.
    Raises Forbidden, Invalid.
    """
    _check_actor(actor)
    values: dict[str, Any] = {"kind": kind, "name": name, "properties": {} if properties is None else properties}
    faults = _of_kind(kind) or _of_name(name, kind, None)
    raise_all(reported, [*faults, *_of_definitions(values["properties"])])
    with refusals(RecordType, _FIELDS), transaction.atomic():
        made = RecordType.objects.create(**values)
        audit.record(
            actor=actor,
            action="record_type.created",
            target=("record_type", made.pk),
            changes={field: (None, value) for field, value in values.items()},
        )
    return made


def update(
    *,
    actor: Actor | None,
    type_id: int,
    name: str | Unset = UNSET,
    properties: Mapping[str, Any] | Unset = UNSET,
    versions: Collection[int] | None = None,
    reported: Sequence[Fault] = (),
) -> RecordType:
    """Change a type; the records that there are stay, and are judged by it when they are next written.

    versions: the versions that the caller knows; any other is Stale. Raises Forbidden, Invalid, NotFound, Stale.
    """
    _check_actor(actor)
    with refusals(RecordType, _FIELDS), transaction.atomic():
        found = _locked(type_id, versions)
        faults = _of_name(name, found.kind, found) if name is not UNSET else []
        faults += _of_definitions(properties) if properties is not UNSET else []
        raise_all(reported, faults or _of_claims(found, name, properties))
        changes = {
            field: (getattr(found, field), value)
            for field, value in {"name": name, "properties": properties}.items()
            if value is not UNSET and value != getattr(found, field)
        }
        if not changes:
            return found
        for field, (_, value) in changes.items():
            setattr(found, field, value)
        found.version += 1
        found.updated_at = timezone.now()
        found.save(update_fields=[*changes, "version", "updated_at"])
        audit.record(actor=actor, action="record_type.updated", target=("record_type", found.pk), changes=changes)
    return found


def delete(*, actor: Actor | None, type_id: int, versions: Collection[int] | None = None) -> None:
    """Delete a type that no record is of. Raises Forbidden, Invalid (it is in use), NotFound, Stale."""
    _check_actor(actor)
    with refusals(RecordType, {}, foreign_key=_IN_USE), transaction.atomic():
        found = _locked(type_id, versions)
        records: Any = RECORDS[RecordType.Kind(found.kind)]._default_manager
        raise_all([], [_IN_USE] if records.filter(type=found).exists() else _of_claims(found, None, UNSET))
        found.delete()
        audit.record(
            actor=actor,
            action="record_type.deleted",
            target=("record_type", type_id),
            changes={"kind": (found.kind, None), "name": (found.name, None)},
        )


def ask_before_changes(claim: Claim) -> None:
    """Have no type go, or lose its name or a property, that `claim` says is named somewhere else."""
    _claims.append(claim)


def _of_claims(found: RecordType, name: str | Unset | None, properties: Mapping[str, Any] | Unset) -> list[Fault]:
    """The faults of a change, of no name any more, in the eyes of those who name the type."""
    named: dict[str, Collection[str]] = {}
    for claim in _claims:
        named |= claim(found.kind, found.name)
    if not named:
        return []
    if name is None:
        return [Fault(BASE, "claimed", {"by": ", ".join(named)})]
    faults = [Fault("name", "claimed", {"by": ", ".join(named)})] if name not in (UNSET, found.name) else []
    if isinstance(properties, Unset) or not properties:
        return faults
    return faults + [
        Fault("properties", "property_claimed", {"path": path, "by": by})
        for by, paths in named.items()
        for path in paths
        if path not in properties
    ]


def _check_actor(actor: Actor | None) -> None:
    if actor is not None and not policies.can_administer_roles(actor):
        raise Forbidden


def _locked(type_id: int, versions: Collection[int] | None) -> RecordType:
    found = RecordType.objects.select_for_update().filter(pk=type_id).first()
    if found is None:
        raise NotFound("record type")
    check_version(found.version, versions)
    return found


def _of_kind(kind: str) -> list[Fault]:
    kinds = RecordType.Kind.values
    return [] if kind in kinds else [Fault("kind", "unknown_choice", {"choices": ", ".join(kinds)})]


def _of_name(name: str, kind: str, present: RecordType | None) -> list[Fault]:
    if not name:
        return [Fault("name", "blank")]
    if len(name) > NAME_MAX_LENGTH:
        return [Fault("name", "too_long", {"maximum": NAME_MAX_LENGTH})]
    if not is_name(name):
        return [Fault("name", "invalid")]
    others = RecordType.objects.filter(kind=kind, name=name).exclude(
        pk__in=[present.pk if present is not None else None]
    )
    return [Fault("name", "taken")] if others.exists() else []


def _of_definitions(definitions: Any) -> list[Fault]:
    """The faults of definitions, which staff write as JSON: each tells where in it."""
    if not isinstance(definitions, dict):
        return [Fault("properties", "wrong_type")]
    if len(definitions) > MAX_PROPERTIES:
        return [Fault("properties", "too_many", {"maximum": MAX_PROPERTIES})]
    return [fault for name, definition in definitions.items() for fault in _of_definition(name, definition)]


def _of_definition(name: str, definition: Any) -> Iterator[Fault]:
    path = name[: NAME_MAX_LENGTH + 1]  # enough to know which is meant
    if not is_name(name):
        yield Fault("properties", "definition_misnamed", {"path": path})
    elif not isinstance(definition, dict):
        yield Fault("properties", "definition_no_object", {"path": path})
    else:
        types = RecordType.PropertyType.values
        if definition.get("type") not in types:
            told = {"path": f"{path}.type", "choices": ", ".join(types)}
            yield Fault("properties", "definition_of_unknown_type", told)
        if definition.keys() - {"type"}:
            yield Fault("properties", "definition_of_more", {"path": path})

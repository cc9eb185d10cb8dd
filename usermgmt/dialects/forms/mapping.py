"""The contract's shape of a user, and of what is sent for one: pure functions (contract 3)."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from accounts.models import Relationship, Transactable, User
from accounts.services.records import ProfileSent, Records, RelationshipSent, TransactableSent
from usermgmt.errors import Fault

ARGUMENTS: Final = {
    "email": "email",
    "external_id": "external_id",
    "first_name": "given_name",
    "last_name": "family_name",
    "middle_name": "middle_name",
    "name": "name",
    "featured": "featured",
    "public_profile": "public_profile",
    "password": "password",
    "properties": "properties",
}
"""The contract's name of a field to the service's of its argument."""

FIELDS: Final = {argument: name for name, argument in ARGUMENTS.items()} | {"relationships": "relationship_users"}

COLUMNS: Final = tuple(name for name in ARGUMENTS if name != "password")
"""The fields that are columns of a user, and can be shown."""

_ITEM: Final = ("name", "description", "currency", "enabled")


def path_of(field: str) -> str:
    """The contract's dotted path to a field of the directory."""
    head, dot, rest = field.partition(".")
    return f"{FIELDS.get(head, head)}{dot}{rest}"


def field_of(path: str) -> str:
    """The directory's field of a dotted path; the other way round."""
    head, dot, rest = path.partition(".")
    return f"{({**ARGUMENTS, 'relationship_users': 'relationships'}).get(head, head)}{dot}{rest}"


# Out of the directory


def to_user(user: User, declared: Mapping[str, Any]) -> dict[str, Any]:
    """What GET shows: the number, and of what `declared` names everything that is stored (contract 0).

    declared: as `Form.declared` has it. The user's records, and their types, are asked for where they are declared.
    """
    shown: dict[str, Any] = {"id": user.pk}
    for name in COLUMNS:
        if name in declared:
            value = getattr(user, ARGUMENTS[name])
            shown[name] = _among(value, declared[name]) if name == "properties" else value
    if "profiles" in declared:
        shown["profiles"] = {
            record.type.name: {"id": record.pk, "properties": _among(record.properties, told.get("properties", ()))}
            for record, told in _of_types(user.profiles.all(), declared["profiles"])
        }
    if "relationship_users" in declared:
        shown["relationship_users"] = _by_type(user.relationships.all(), declared["relationship_users"], _related)
    if "transactables" in declared:
        shown["transactables"] = _by_type(user.transactables.all(), declared["transactables"], _item)
    return shown


def state_of(user: User) -> dict[str, Any]:
    """What is stored of a user, in the shape of a form, for the rules to judge what a change leaves of it."""
    state: dict[str, Any] = {name: getattr(user, ARGUMENTS[name]) for name in COLUMNS}
    state["profiles"] = {record.type.name: {"properties": record.properties} for record in user.profiles.all()}
    everything = dict.fromkeys((*_ITEM, "user_id", "properties"))
    for field, records, shape in (
        ("relationship_users", user.relationships.all(), _related),
        ("transactables", user.transactables.all(), _item),
    ):
        types = {record.type.name: everything for record in records}
        state[field] = _by_type(records, types, shape)
    if user.has_usable_password():
        state["password"] = True
    return state


def _of_types(records: Iterable[Any], declared: Mapping[str, Any]) -> Iterable[tuple[Any, Mapping[str, Any]]]:
    return ((record, declared[record.type.name]) for record in records if record.type.name in declared)


def _by_type(records: Iterable[Any], declared: Mapping[str, Any], shape: Any) -> dict[str, list[dict[str, Any]]]:
    told: dict[str, list[dict[str, Any]]] = {}
    for record, fields in _of_types(records, declared):
        told.setdefault(record.type.name, []).append(shape(record, fields))
    return told


def _related(record: Relationship, declared: Mapping[str, Any]) -> dict[str, Any]:
    other = {"user_id": record.related_user_id} if "user_id" in declared else {}
    return {"id": record.pk, **other, **_properties(record, declared)}


def _item(record: Transactable, declared: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": record.pk,
        **{name: getattr(record, name) for name in _ITEM if name in declared},
        **_properties(record, declared),
    }


def _properties(record: Relationship | Transactable, declared: Mapping[str, Any]) -> dict[str, Any]:
    return {"properties": _among(record.properties, declared["properties"])} if "properties" in declared else {}


def _among(properties: Mapping[str, Any], names: Collection[str] | None) -> dict[str, Any]:
    """Those of the properties that have one of the names; all, where none are told."""
    return {name: value for name, value in properties.items() if names is None or name in names}


# Into the directory


def from_form(written: Mapping[str, Any], user: User | None) -> tuple[dict[str, Any], list[Fault]]:
    """The service's arguments out of what the rules let through, and its faults.

    user: who is changed, with records; None: one is made. Properties that are not sent stay.
    """
    sent = {argument: written[name] for name, argument in ARGUMENTS.items() if written.get(name) is not None}
    if "properties" in sent:
        sent["properties"] = _over(user.properties if user is not None else {}, sent["properties"])
    if user is None and not any(sent.get(name) for name in ("name", "given_name", "middle_name", "family_name")):
        # Forms need not ask for a name, but everybody in the directory has one.
        sent["name"] = str(sent.get("email", "")).strip().partition("@")[0]
    records, faults = _records(written, user)
    return {**sent, "records": records}, faults


def _records(written: Mapping[str, Any], user: User | None) -> tuple[Records, list[Fault]]:
    profiles = {record.type.name: record for record in user.profiles.all()} if user is not None else {}
    related = (
        {(record.type.name, record.related_user_id): record for record in user.relationships.all()}
        if user is not None
        else {}
    )
    owned = {record.pk: record for record in user.transactables.all()} if user is not None else {}
    faults: list[Fault] = []
    relationships = []
    for name, entry in _entries(written.get("relationship_users", {})):
        other = entry.get("user_id")
        if other is None:
            faults.append(Fault(f"relationships.{name}.user_id", "blank"))
            continue
        relationships.append(RelationshipSent(name, other, **_changed(entry, related.get((name, other)))))
    return (
        Records(
            profiles=[
                ProfileSent(name, _over(profiles[name].properties if name in profiles else {}, told["properties"]))
                for name, told in written.get("profiles", {}).items()
                if "properties" in told
            ],
            relationships=relationships,
            transactables=[
                TransactableSent(
                    name,
                    **{field: entry[field] for field in _ITEM if entry.get(field) is not None},
                    **_changed(entry, owned.get(entry.get("id", 0))),
                )
                for name, entry in _entries(written.get("transactables", {}))
            ],
        ),
        faults,
    )


def _entries(told: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterable[tuple[str, Mapping[str, Any]]]:
    return ((name, entry) for name, entries in told.items() for entry in entries)


def _changed(entry: Mapping[str, Any], known: Relationship | Transactable | None) -> dict[str, Any]:
    """The number and the properties of an entry, those that it does not name as they are."""
    told: dict[str, Any] = {"id": entry["id"]} if entry.get("id") is not None else {}
    if "properties" in entry:
        told["properties"] = _over(known.properties if known is not None else {}, entry["properties"])
    return told


def _over(properties: Mapping[str, Any], sent: Mapping[str, Any]) -> dict[str, Any]:
    return {**properties, **sent}

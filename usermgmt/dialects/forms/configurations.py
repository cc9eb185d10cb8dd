"""Every write to form configurations: staff's pages, and the files that operators load (contract 0 and 4)."""

import json
import re
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from accounts import policies as directory
from accounts import profile
from accounts.models import RecordType
from accounts.services.unset import UNSET, Unset
from usermgmt import audit
from usermgmt.actor import Actor
from usermgmt.dialects.forms.compiled import Configuration, made, normalised
from usermgmt.dialects.forms.models import NAME_FORM, NAME_MAX_LENGTH, FormConfiguration
from usermgmt.dialects.forms.notifications import NOTIFICATIONS
from usermgmt.dialects.forms.policies import POLICIES
from usermgmt.dialects.forms.rules.compiling import compiled
from usermgmt.dialects.forms.rules.form import Form
from usermgmt.dialects.forms.rules.vocabulary import MAX_FAULTS, PASSWORD, PROPERTIES
from usermgmt.errors import BASE, Fault, Forbidden, Invalid, NotFound, all_faults, check_version, raise_all
from usermgmt.integrity import refusals

NO_PASSWORD: Final = "can't be told: whoever reads the configuration would know it"
MAX_CONFIGURATIONS = 500
MAX_PAYLOAD_BYTES = 64 * 1024  # of a default payload, as JSON
TEMPLATES: Final = ("{{", "{%")  # of Liquid: nothing here evaluates any

COLUMNS: Final = (
    "name",
    "resource",
    "fields",
    "resource_owner",
    "default_payload",
    "authorization_policies",
    "request_allowed",
    "email_notifications",
)

_FIELDS: Final = {"form_configuration_name_unique": "name", "form_configuration_name_form": "name"}
_SECTIONS: Final = {
    "profiles": RecordType.Kind.PROFILE,
    "relationship_users": RecordType.Kind.RELATIONSHIP,
    "transactables": RecordType.Kind.TRANSACTABLE,
}
_FULL: Final = Fault(BASE, "too_many_configurations", {"maximum": MAX_CONFIGURATIONS})

_FORM: Final = re.compile(NAME_FORM)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A configuration as somebody wrote it, whole. Each column is told in `FormConfiguration`."""

    name: str
    resource: str = FormConfiguration.Resource.USER
    fields: Mapping[str, Any] = field(default_factory=dict)
    resource_owner: str = FormConfiguration.Owner.SELF
    default_payload: Mapping[str, Any] = field(default_factory=dict)
    authorization_policies: Sequence[str] = ()
    request_allowed: bool = True
    email_notifications: Sequence[str] = ()

    def columns(self) -> dict[str, Any]:
        """As they would be stored."""
        return {
            "name": normalised(self.name),
            "resource": self.resource,
            "fields": dict(self.fields),
            "resource_owner": self.resource_owner,
            "default_payload": dict(self.default_payload),
            "authorization_policies": list(self.authorization_policies),
            "request_allowed": self.request_allowed,
            "email_notifications": list(self.email_notifications),
        }


class Put(StrEnum):
    """What came of a draft."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


def create(
    *,
    actor: Actor | None,
    name: str,
    resource: str = FormConfiguration.Resource.USER,
    fields: Mapping[str, Any] | None = None,
    resource_owner: str = FormConfiguration.Owner.SELF,
    default_payload: Mapping[str, Any] | None = None,
    authorization_policies: Sequence[str] = (),
    request_allowed: bool = True,
    email_notifications: Sequence[str] = (),
    reported: Sequence[Fault] = (),
) -> FormConfiguration:
    """Store a configuration. Each column is told in `FormConfiguration`; a name is kept in small letters, `_` for
    spaces.

    reported: faults that the caller found while reading; raised together with the rules' own.
    Raises Forbidden, Invalid (of `fields` and `default_payload` each fault with its path).
    """
    _check_actor(actor)
    values = Draft(
        name=name,
        resource=resource,
        fields=fields or {},
        resource_owner=resource_owner,
        default_payload=default_payload or {},
        authorization_policies=authorization_policies,
        request_allowed=request_allowed,
        email_notifications=email_notifications,
    ).columns()
    raise_all(reported, faults_of(values, None))
    with refusals(FormConfiguration, _FIELDS), transaction.atomic():
        made = FormConfiguration.objects.create(**values)
        _record(actor, "created", made, {column: (None, value) for column, value in values.items()})
    return made


def update(
    *,
    actor: Actor | None,
    configuration_id: int,
    name: str | Unset = UNSET,
    resource: str | Unset = UNSET,
    fields: Mapping[str, Any] | Unset = UNSET,
    resource_owner: str | Unset = UNSET,
    default_payload: Mapping[str, Any] | Unset = UNSET,
    authorization_policies: Sequence[str] | Unset = UNSET,
    request_allowed: bool | Unset = UNSET,
    email_notifications: Sequence[str] | Unset = UNSET,
    versions: Collection[int] | None = None,
    reported: Sequence[Fault] = (),
) -> FormConfiguration:
    """Change a configuration; every process goes by it from the next request on.

    versions: the versions that the caller knows; any other is Stale. Raises Forbidden, Invalid, NotFound, Stale.
    """
    _check_actor(actor)
    given: dict[str, Any] = {
        "name": name if isinstance(name, Unset) else normalised(name),
        "resource": resource,
        "fields": fields if isinstance(fields, Unset) else dict(fields),
        "resource_owner": resource_owner,
        "default_payload": default_payload if isinstance(default_payload, Unset) else dict(default_payload),
        "authorization_policies": (
            authorization_policies if isinstance(authorization_policies, Unset) else list(authorization_policies)
        ),
        "request_allowed": request_allowed,
        "email_notifications": (
            email_notifications if isinstance(email_notifications, Unset) else list(email_notifications)
        ),
    }
    with refusals(FormConfiguration, _FIELDS), transaction.atomic():
        row = _locked(configuration_id, versions)
        before = {column: getattr(row, column) for column in COLUMNS}
        after = before | {column: value for column, value in given.items() if value is not UNSET}
        raise_all(reported, faults_of(after, row))
        changes = {
            column: (before[column], value)
            for column, value in after.items()
            if json.dumps(value) != json.dumps(before[column])  # in which 1 is not true, and keys have an order
        }
        if not changes:
            return row
        for column, value in after.items():
            setattr(row, column, value)
        row.version += 1
        row.revision = uuid.uuid4()
        row.updated_at = timezone.now()
        row.save(update_fields=[*changes, "version", "revision", "updated_at"])
        _record(actor, "updated", row, changes)
    return row


def delete(*, actor: Actor | None, configuration_id: int, versions: Collection[int] | None = None) -> None:
    """Delete a configuration: whoever asks for it from now on is told that there is none.

    Raises Forbidden, NotFound, Stale.
    """
    _check_actor(actor)
    with transaction.atomic():
        row = _locked(configuration_id, versions)
        told = {"name": (row.name, None)}
        row.delete()
        audit.record(
            actor=actor,
            action="form_configuration.deleted",
            target=("form_configuration", configuration_id),
            changes=told,
        )


def put(*, actor: Actor | None, draft: Draft, reported: Sequence[Fault] = ()) -> Put:
    """See that the configuration of that name is as drafted: made, changed, or left where it is so already.

    Raises as `create` and `update` do.
    """
    columns = draft.columns()
    with transaction.atomic():
        present = None
        if _FORM.match(columns["name"]) is not None:  # no database can be asked for any text
            present = FormConfiguration.objects.select_for_update().filter(name=columns["name"]).first()
        if present is None:
            create(actor=actor, reported=reported, **columns)
            return Put.CREATED
        row = update(actor=actor, configuration_id=present.pk, reported=reported, **columns)
    return Put.UNCHANGED if row.version == present.version else Put.UPDATED


def judged(
    *, actor: Actor | None, draft: Draft, configuration_id: int | None = None, reported: Sequence[Fault] = ()
) -> Configuration:
    """What a draft would be to requests; nothing is written.

    configuration_id: of the row that it is to be; None: of a new one. Raises Forbidden, Invalid as `create` does.
    """
    _check_actor(actor)
    row = FormConfiguration.objects.filter(pk=configuration_id).first() if configuration_id is not None else None
    values = draft.columns()
    raise_all(reported, faults_of(values, row))
    return made(FormConfiguration(**values))


def faults_of(values: Mapping[str, Any], row: FormConfiguration | None) -> list[Fault]:
    """Every fault of a configuration. values: of all `COLUMNS`. row: the one they are to be; None: a new one."""
    full = row is None and FormConfiguration.objects.count() >= MAX_CONFIGURATIONS
    faults = [*([_FULL] if full else []), *_of_name(values["name"], row)]
    for column, choices in (
        ("resource", FormConfiguration.Resource.values),
        ("resource_owner", FormConfiguration.Owner.values),
    ):
        if values[column] not in choices:
            faults.append(Fault(column, "unknown_choice", {"choices": ", ".join(choices)}))
    for column, known in (("authorization_policies", POLICIES), ("email_notifications", NOTIFICATIONS)):
        if not all(isinstance(name, str) and name in known for name in values[column]):
            faults.append(Fault(column, "unknown_choice", {"choices": ", ".join(known)}))
    if values["email_notifications"] and values["resource"] == FormConfiguration.Resource.SESSION:
        faults.append(Fault("email_notifications", "not_of_sessions"))
    faults += _of_payload(values["default_payload"])
    return all_faults(faults, _of_fields(values)) if values["resource"] in FormConfiguration.Resource.values else faults


def _check_actor(actor: Actor | None) -> None:
    if actor is not None and not directory.can_administer_roles(actor):
        raise Forbidden


def _locked(configuration_id: int, versions: Collection[int] | None) -> FormConfiguration:
    row = FormConfiguration.objects.select_for_update().filter(pk=configuration_id).first()
    if row is None:
        raise NotFound("form configuration")
    check_version(row.version, versions)
    return row


def _record(actor: Actor | None, what: str, row: FormConfiguration, changes: audit.Changes) -> None:
    audit.record(
        actor=actor,
        action=f"form_configuration.{what}",
        target=("form_configuration", row.pk),
        changes=changes,
    )


def _of_name(name: str, row: FormConfiguration | None) -> list[Fault]:
    if not name:
        return [Fault("name", "blank")]
    if len(name) > NAME_MAX_LENGTH:
        return [Fault("name", "too_long", {"maximum": NAME_MAX_LENGTH})]
    if _FORM.match(name) is None:
        return [Fault("name", "invalid")]
    others = FormConfiguration.objects.filter(name=name)
    if row is not None:
        others = others.exclude(pk=row.pk)
    return [Fault("name", "taken")] if others.exists() else []


def _of_payload(payload: Mapping[str, Any]) -> list[Fault]:
    if not profile.is_storable(dict(payload)):
        return [Fault("default_payload", "invalid")]
    text = json.dumps(payload, ensure_ascii=False)
    if len(text.encode()) > MAX_PAYLOAD_BYTES:
        return [Fault("default_payload", "too_large_json", {"maximum": MAX_PAYLOAD_BYTES // 1024})]
    password = [_bad("default_payload", PASSWORD, NO_PASSWORD)] if PASSWORD in payload else []
    return [*password, *templates_in("default_payload", payload)]


def templates_in(place: str, value: Any) -> list[Fault]:
    """A fault for each text with a template in it, in what stands at `place`; no more than anybody reads."""
    found = (path for path, words in _texts(value, place) if any(sign in words for sign in TEMPLATES))
    reason = "has a template: templates are not supported"
    return [Fault(place, "bad_rule", {"path": path, "reason": reason}) for path in islice(found, MAX_FAULTS)]


def _texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Each text in a value, with the path to it."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield f"{path}.{key}", key
            yield from _texts(item, f"{path}.{key}")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _texts(item, f"{path}.{number}")


def _of_fields(values: Mapping[str, Any]) -> list[Fault]:
    try:
        form = compiled(values["resource"], values["fields"])
    except Invalid as refusal:
        return list(refusal.faults)
    return list(_of_types(form))


def naming(kind: str, name: str) -> dict[str, list[str]]:
    """The configurations that name a type of records, each with the properties of it that it names."""
    (section,) = (section for section, known in _SECTIONS.items() if known == kind)
    found = {}
    for row in FormConfiguration.objects.filter(resource=FormConfiguration.Resource.USER):
        types = row.fields.get(section) or {}
        if name in types:
            found[row.name] = list(((types[name] or {}).get(PROPERTIES)) or {})
    return found


def _of_types(form: Form) -> Iterator[Fault]:
    """The types of records that a form names and staff did not define, and properties that a type does not have."""
    for section, names in (
        ("profiles", form.profile_types),
        ("relationship_users", form.relationship_types),
        ("transactables", form.transactable_types),
    ):
        kind = _SECTIONS[section]
        told: Mapping[str, Any] = form.declared.get(section) or {}
        defined = dict(RecordType.objects.filter(kind=kind, name__in=names).values_list("name", "properties"))
        for name in names:
            path = f"{section}.{name}"
            if name not in defined:
                yield _bad("fields", path, f"is no type of {kind}s: staff define them under Record types")
            elif defined[name]:
                for unknown in [prop for prop in told.get(name, {}).get("properties", ()) if prop not in defined[name]]:
                    yield _bad("fields", f"{path}.properties.{unknown}", f"is no property of the type {name}")


def _bad(column: str, path: str, reason: str) -> Fault:
    return Fault(column, "bad_rule", {"path": f"{column}.{path}", "reason": reason})

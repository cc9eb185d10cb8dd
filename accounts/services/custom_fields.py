"""Every write to the definitions of custom fields. What users hold by them is judged in `profiles`."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts import policies, profile
from accounts.models import CustomField
from accounts.models.custom_field import NAME_MAX_LENGTH
from accounts.services.unset import UNSET, Unset
from usermgmt import audit
from usermgmt.actor import Actor
from usermgmt.errors import BASE, Fault, Forbidden, NotFound, check_version, raise_all
from usermgmt.integrity import refusals
from usermgmt.text import has_control_characters, is_blank, is_identifier

MAX_FIELDS = profile.CUSTOM_MAX_KEYS  # a user who has them all is still one that the directory keeps
MAX_OPTIONS = 100
OPTION_MAX_LENGTH = 255  # characters
MAX_LENGTH = profile.CUSTOM_MAX_BYTES  # characters that a bound may ask for; no value is longer

_FIELDS = {
    "custom_field_name_unique": "name",
    "custom_field_name_form": "name",
    "custom_field_lengths": "max_length",
}
_LENGTHS = ("min_length", "max_length")


def create(
    *,
    actor: Actor | None,
    name: str,
    kind: str = CustomField.Kind.TEXT,
    required: bool = False,
    min_length: int | None = None,
    max_length: int | None = None,
    options: Sequence[str] = (),
    public: bool = False,
    reported: Sequence[Fault] = (),
) -> CustomField:
    """Define a custom field.

    options: of a select field; one of text has none, and a select field no lengths: what is sent of them is not kept.
    reported: faults that the contract found while reading; raised together with the rules' own.
    Raises Forbidden, Invalid.
    """
    _check_actor(actor)
    values = _normalised(
        {
            "name": name,
            "kind": kind,
            "required": required,
            "min_length": min_length,
            "max_length": max_length,
            "options": list(options),
            "public": public,
        }
    )
    full = (
        [Fault(BASE, "too_many_fields", {"maximum": MAX_FIELDS})] if CustomField.objects.count() >= MAX_FIELDS else []
    )
    raise_all(reported, [*full, *_faults_of(values, None)])
    with refusals(CustomField, _FIELDS), transaction.atomic():
        made = CustomField.objects.create(**values)
        audit.record(
            actor=actor,
            action="custom_field.created",
            target=("custom_field", made.pk),
            changes={field: (None, value) for field, value in values.items()},
        )
    return made


def update(
    *,
    actor: Actor | None,
    field_id: int,
    name: str | Unset = UNSET,
    kind: str | Unset = UNSET,
    required: bool | Unset = UNSET,
    min_length: int | Unset | None = UNSET,
    max_length: int | Unset | None = UNSET,
    options: Sequence[str] | Unset = UNSET,
    public: bool | Unset = UNSET,
    versions: Collection[int] | None = None,
    reported: Sequence[Fault] = (),
) -> CustomField:
    """Change a definition; what users hold stays, and is judged by it when it is next written.

    versions: the versions that the caller knows; any other is Stale. Raises Forbidden, Invalid, NotFound, Stale.
    """
    _check_actor(actor)
    given = {
        "name": name,
        "kind": kind,
        "required": required,
        "min_length": min_length,
        "max_length": max_length,
        "options": options if isinstance(options, Unset) else list(options),
        "public": public,
    }
    with refusals(CustomField, _FIELDS), transaction.atomic():
        field = _locked(field_id, versions)
        before = {column: getattr(field, column) for column in given}
        after = _normalised(before | {column: value for column, value in given.items() if value is not UNSET})
        raise_all(reported, _faults_of(after, field))
        changes = {column: (before[column], value) for column, value in after.items() if value != before[column]}
        if not changes:
            return field
        for column, value in after.items():
            setattr(field, column, value)
        field.version += 1
        field.updated_at = timezone.now()
        field.save(update_fields=[*changes, "version", "updated_at"])
        audit.record(actor=actor, action="custom_field.updated", target=("custom_field", field.pk), changes=changes)
    return field


def delete(*, actor: Actor | None, field_id: int, versions: Collection[int] | None = None) -> None:
    """Delete a definition; what users hold by it goes when their custom fields are next written.

    Raises Forbidden, NotFound, Stale.
    """
    _check_actor(actor)
    with transaction.atomic():
        field = _locked(field_id, versions)
        field.delete()
        audit.record(
            actor=actor,
            action="custom_field.deleted",
            target=("custom_field", field_id),
            changes={"name": (field.name, None)},
        )


def _check_actor(actor: Actor | None) -> None:
    if actor is not None and not policies.can_administer_roles(actor):
        raise Forbidden


def _locked(field_id: int, versions: Collection[int] | None) -> CustomField:
    field = CustomField.objects.select_for_update().filter(pk=field_id).first()
    if field is None:
        raise NotFound("custom field")
    check_version(field.version, versions)
    return field


def _normalised(values: dict[str, Any]) -> dict[str, Any]:
    """Options trimmed; and nothing kept that has no meaning for the kind of field."""
    if values["kind"] == CustomField.Kind.SELECT:
        return values | {
            "min_length": None,
            "max_length": None,
            "options": [text.strip() for text in values["options"]],
        }
    return values | {"options": []}


def _faults_of(values: Mapping[str, Any], field: CustomField | None) -> list[Fault]:
    faults = _of_name(values["name"], field)
    if values["kind"] not in CustomField.Kind.values:
        faults.append(Fault("kind", "unknown_choice", {"choices": ", ".join(CustomField.Kind.values)}))
    if values["kind"] == CustomField.Kind.SELECT:
        faults += _of_options(values["options"])
    return [*faults, *_of_lengths(values)]


def _of_name(name: str, field: CustomField | None) -> list[Fault]:
    if not name:
        return [Fault("name", "blank")]
    if len(name) > NAME_MAX_LENGTH:
        return [Fault("name", "too_long", {"maximum": NAME_MAX_LENGTH})]
    if not is_identifier(name):
        return [Fault("name", "invalid")]
    others = CustomField.objects.filter(name=name).exclude(pk__in=[field.pk if field is not None else None])
    return [Fault("name", "taken")] if others.exists() else []


def _of_options(options: Sequence[str]) -> list[Fault]:
    if not options:
        return [Fault("options", "no_options")]
    if len(options) > MAX_OPTIONS:
        return [Fault("options", "too_many", {"maximum": MAX_OPTIONS})]
    if any(len(text) > OPTION_MAX_LENGTH for text in options):
        return [Fault("options", "too_long", {"maximum": OPTION_MAX_LENGTH})]
    if any(is_blank(text) or has_control_characters(text) for text in options) or len(set(options)) < len(options):
        return [Fault("options", "invalid")]
    return []


def _of_lengths(values: Mapping[str, Any]) -> list[Fault]:
    faults = [
        Fault(column, "invalid")
        for column in _LENGTHS
        if values[column] is not None and not 0 <= values[column] <= MAX_LENGTH
    ]
    least, most = (values[column] for column in _LENGTHS)
    crossed = least is not None and most is not None and least > most
    return faults or ([Fault("max_length", "invalid")] if crossed else [])

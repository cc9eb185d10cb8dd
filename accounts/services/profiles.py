"""The rules of what a user tells of themselves: nickname, bio, status text, custom fields."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from accounts import profile
from accounts.models import CustomField
from usermgmt.errors import Fault
from usermgmt.text import has_control_characters

LENGTHS = {
    "nickname": profile.NICKNAME_MAX_LENGTH,
    "bio": profile.BIO_MAX_LENGTH,
    "status_text": profile.STATUS_TEXT_MAX_LENGTH,
}
FIELDS = (*LENGTHS, "custom_fields")


def normalise(sent: dict[str, Any], defined: Iterable[CustomField] | None = None) -> None:
    """Trim the texts; of the custom fields keep those that are defined, all where none are.

    defined: the definitions, where they were read already.
    """
    for field in LENGTHS:
        if field in sent:
            sent[field] = sent[field].strip()
    if sent.get("custom_fields"):
        names = {definition.name for definition in _all(defined)}
        if names:
            sent["custom_fields"] = {name: value for name, value in sent["custom_fields"].items() if name in names}


def faults_of(sent: Mapping[str, Any], defined: Iterable[CustomField] | None = None) -> list[Fault]:
    """Every fault of the profile in what was sent. Custom fields are judged where they were sent, even empty."""
    faults = []
    for field, maximum in LENGTHS.items():
        if field not in sent:
            continue
        value = sent[field]
        if len(value) > maximum:
            faults.append(Fault(field, "too_long", {"maximum": maximum}))
        elif has_control_characters(_without_line_ends(value) if field == "bio" else value):
            faults.append(Fault(field, "invalid"))
    if "custom_fields" in sent:
        faults += _of_custom_fields(sent["custom_fields"], _all(defined))
    return faults


def _all(defined: Iterable[CustomField] | None) -> Iterable[CustomField]:
    return CustomField.objects.all() if defined is None else defined


def _without_line_ends(text: str) -> str:
    """What may have lines may have no other control character either."""
    return text.replace("\r\n", " ").replace("\n", " ")


def _of_custom_fields(values: Mapping[str, Any], defined: Iterable[CustomField]) -> list[Fault]:
    if not profile.is_bounded(dict(values)):
        return [Fault("custom_fields", "too_complex")]
    faults = [fault for definition in defined for fault in _of_one(definition, values.get(definition.name))]
    return faults or ([] if profile.is_storable(dict(values)) else [Fault("custom_fields", "invalid")])


def _of_one(definition: CustomField, value: Any) -> Iterator[Fault]:
    """The first fault of one value, by its definition; what is not required may be blank."""
    told = {"name": definition.name}
    if value is None or (isinstance(value, str) and not value.strip()):
        if definition.required:
            yield Fault("custom_fields", "custom_required", told)
        return
    if not isinstance(value, str) or has_control_characters(_without_line_ends(value)):
        yield Fault("custom_fields", "custom_invalid", told)
    elif definition.kind == CustomField.Kind.SELECT:
        if value not in definition.options:
            yield Fault("custom_fields", "custom_invalid", told)
    elif definition.max_length is not None and len(value.strip()) > definition.max_length:
        yield Fault("custom_fields", "custom_too_long", {**told, "maximum": definition.max_length})
    elif definition.min_length is not None and len(value.strip()) < definition.min_length:
        yield Fault("custom_fields", "custom_too_short", {**told, "minimum": definition.min_length})

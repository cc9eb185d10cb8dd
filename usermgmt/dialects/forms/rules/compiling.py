"""Makes a form of a configuration's fields: every key is known, or a fault with its path (contract 4)."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from usermgmt.dialects.forms.rules import vocabulary
from usermgmt.dialects.forms.rules.declared import Entries, Field, Member, Section
from usermgmt.dialects.forms.rules.faults import Faults, Place
from usermgmt.dialects.forms.rules.form import Form
from usermgmt.dialects.forms.rules.material import is_sound, refuse_templates
from usermgmt.dialects.forms.rules.patterns import TRIAL_SECONDS, Budget
from usermgmt.dialects.forms.rules.ruling import Rules
from usermgmt.dialects.forms.rules.values import ABSENT, Kind, Path, Unfit, coerced
from usermgmt.dialects.forms.rules.vocabulary import (
    FIELDS,
    PROFILES,
    PROPERTIES,
    RELATED,
    RELATIONSHIPS,
    UNSUPPORTED,
    USER,
)
from usermgmt.errors import Fault, Invalid

_OBJECT = "must be an object"
_FIELD_KEYS = ("validation", "property_options")
_OPTIONS = ("virtual", "readonly", "default")


def compiled(resource: str, fields: Mapping[str, Any], *, known: bool = False) -> Form:
    """The form of a configuration. Raises Invalid, with a fault for each thing that is wrong.

    resource: "User" or "Session". fields: as in the configuration, JSON. known: whether it was compiled before; then
    patterns are not tried out again, so that what was taken once is taken on a busy machine, too.
    """
    if not isinstance(resource, str) or resource not in FIELDS:
        raise Invalid([Fault("fields", "bad_rule", {"path": "resource", "reason": "must be User or Session"})])
    faults = Faults()
    if not is_sound(fields, faults):
        faults.raise_any()
    refuse_templates(fields, faults)
    members = _Reader(resource, faults, None if known else Budget(TRIAL_SECONDS)).read(fields)
    faults.raise_any()
    return Form(resource, members)


class _Reader:
    """Reads what is declared; then, as rules name fields, the rules."""

    def __init__(self, resource: str, faults: Faults, trials: Budget | None) -> None:
        self._resource = resource
        self._trials = trials
        self._faults = faults
        self._validations: dict[Path, Any] = {}  # of each field and section, by its whole path
        self._left = vocabulary.MAX_FIELDS

    def read(self, fields: Mapping[str, Any]) -> tuple[Member, ...]:
        """All of it. Faults are added to the ones there are."""
        members = tuple(self._form(fields))
        if self._left < 0:
            self._faults.add((), f"has too many fields (maximum is {vocabulary.MAX_FIELDS})")
            return members
        rules = Rules(members, self._validations, self._faults, self._trials, stores=self._resource == USER)
        return tuple(rules.ruled(member) for member in members)

    def _form(self, fields: Mapping[str, Any]) -> Iterator[Member]:
        for name, said in fields.items():
            place = (name,)
            self._left -= 1
            if name in UNSUPPORTED:
                self._faults.add(place, "is not supported")
            elif self._resource == USER and name == PROPERTIES:
                yield from self._properties(place, (), said)
            elif self._resource == USER and name == PROFILES:
                yield from self._profiles(place, said)
            elif self._resource == USER and name in vocabulary.ENTRIES:
                yield from self._entries(place, said)
            else:
                yield from self._top(place, said)

    def _top(self, place: Place, said: Any) -> Iterator[Field]:
        (name,) = place
        kind = FIELDS[self._resource].get(name)
        if kind is None and not self._is_name(place):
            return
        field = self._field(place, place, kind or Kind.ANY, said)
        if kind is None and not field.virtual:
            below = ", or below properties" if self._resource == USER else ""
            whose = "users" if self._resource == USER else "sessions"
            self._faults.add(place, f"is no field of {whose}: declare it virtual{below}")
        yield replace(field, address=self._resource == USER and name == "email")

    def _properties(self, place: Place, base: Path, said: Any) -> Iterator[Field | Section]:
        """Free names. base: the path of the entry that they are in."""
        path = place[len(base) :]
        yield Section(path)
        for name, field in self._object(place, said):
            self._left -= 1
            if self._is_name((*place, name)):
                yield self._field((*place, name), (*path, name), Kind.ANY, field)

    def _profiles(self, place: Place, said: Any) -> Iterator[Member]:
        yield Section(place)
        for name, parts in self._types(place, said):
            inner = (*place, name)
            self._validations[inner] = parts.pop("validation", None)
            yield Section(inner, kept=True)
            for key, part in parts.items():
                if key == PROPERTIES:
                    yield from self._properties((*inner, key), (), part)
                else:
                    self._unknown((*inner, key), ("validation", PROPERTIES))

    def _entries(self, place: Place, said: Any) -> Iterator[Member]:
        (section,) = place
        yield Section(place)
        for name, parts in self._types(place, said):
            inner = (*place, name)
            if section == RELATIONSHIPS and RELATED not in parts:
                self._faults.add(inner, f"needs {RELATED}: whom a relationship is to")
            self._validations[inner] = parts.pop("validation", None)
            yield Entries(inner, (), tuple(self._entry(inner, vocabulary.ENTRIES[section], parts)))

    def _entry(self, base: Path, kinds: Mapping[str, Kind], parts: Mapping[str, Any]) -> Iterator[Field | Section]:
        for key, said in parts.items():
            place = (*base, key)
            if key == PROPERTIES:
                yield from self._properties(place, base, said)
            elif key in kinds:
                self._left -= 1
                yield self._field(place, (key,), kinds[key], said)
            else:
                self._unknown(place, ("validation", *kinds, PROPERTIES))

    def _types(self, place: Place, said: Any) -> Iterator[tuple[str, dict[str, Any]]]:
        for name, parts in self._object(place, said):
            self._left -= 1
            if self._is_name((*place, name)):
                yield name, dict(self._object((*place, name), parts))

    def _field(self, place: Place, path: Path, kind: Kind, said: Any) -> Field:
        parts = dict(self._object(place, said))
        for key in parts:
            if key not in _FIELD_KEYS:
                self._unknown((*place, key), _FIELD_KEYS)
        options = dict(self._object((*place, "property_options"), parts.get("property_options")))
        flags = {name: self._flag((*place, "property_options", name), options.get(name)) for name in _OPTIONS[:2]}
        for key in options:
            if key not in _OPTIONS:
                self._unknown((*place, "property_options", key), _OPTIONS)
        default = self._default((*place, "property_options", "default"), kind, options.get("default"))
        self._validations[place] = parts.get("validation")
        return Field(path, kind, virtual=flags["virtual"], readonly=flags["readonly"], default=default)

    def _flag(self, place: Place, said: Any) -> bool:
        if said is None or isinstance(said, bool):
            return bool(said)
        self._faults.add(place, "must be true or false")
        return False

    def _default(self, place: Place, kind: Kind, said: Any) -> Any:
        if said is None:
            return ABSENT
        if kind is Kind.PASSWORD:
            self._faults.add(place, "can't be told for a password")
            return ABSENT
        try:
            return coerced(kind, said)
        except Unfit:
            self._faults.add(place, f"is no {_KINDS[kind]}")
            return ABSENT

    def _object(self, place: Place, said: Any) -> Iterator[tuple[str, Any]]:
        """The pairs of an object; null is an empty one."""
        if isinstance(said, Mapping):
            yield from said.items()
        elif said is not None:
            self._faults.add(place, _OBJECT)

    def _is_name(self, place: Place) -> bool:
        if vocabulary.NAME.match(place[-1]):
            return True
        self._faults.add(place, vocabulary.NAME_REASON)
        return False

    def _unknown(self, place: Place, known: tuple[str, ...]) -> None:
        reason = "is not supported" if place[-1] in UNSUPPORTED else f"is not known: use {', '.join(known)}"
        self._faults.add(place, reason)


_KINDS: Mapping[Kind, str] = {Kind.TEXT: "text", Kind.BOOLEAN: "boolean", Kind.ID: "id"}

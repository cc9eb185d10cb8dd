"""Reads the rules of a configuration: which there are, when they apply, and which fields they name."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from usermgmt.dialects.forms.rules import validations
from usermgmt.dialects.forms.rules.declared import Entries, Field, Member, Section
from usermgmt.dialects.forms.rules.faults import Faults, Place
from usermgmt.dialects.forms.rules.patterns import Budget
from usermgmt.dialects.forms.rules.terms import Confirmation, Reference, Rule, Terms, Uniqueness
from usermgmt.dialects.forms.rules.values import Kind, Path
from usermgmt.dialects.forms.rules.vocabulary import MAX_MESSAGE

_COMMON = ("message", "allow_nil", "allow_blank", "if")
_MAX_SCOPE = 10

AnyRule = Rule | Confirmation | Uniqueness


class Rules:
    """The rules of one configuration.

    validations: what each field and section says, by its whole path. trials: see `patterns.compiled`. stores: whether
    anything of the form is stored.
    """

    def __init__(
        self,
        members: Sequence[Member],
        validations: Mapping[Path, Any],
        faults: Faults,
        trials: Budget | None,
        *,
        stores: bool,
    ) -> None:
        self._stores = stores
        self._validations = validations
        self._faults = faults
        self._trials = trials
        self._root = {each.path: each for each in members if isinstance(each, Field)}

    def ruled(self, member: Member) -> Member:
        """The same with its rules."""
        if isinstance(member, Section):
            return replace(member, rules=self._of_section(member.path))
        if isinstance(member, Field):
            return replace(member, rules=tuple(self._of_field(member, (), {})))
        fields = {each.path: each for each in member.members if isinstance(each, Field)}
        inner = tuple(
            replace(each, rules=tuple(self._of_field(each, member.path, fields))) if isinstance(each, Field) else each
            for each in member.members
        )
        return Entries(member.path, self._of_section(member.path), inner)

    def _of_section(self, path: Path) -> tuple[Rule, ...]:
        reader = _Names(self._root, (), {}, path)
        return tuple(
            rule
            for name, place, said in self._said(path, ("presence",))
            if isinstance(rule := self._rule(name, place, said, reader), Rule)
        )

    def _of_field(self, field: Field, base: Path, fields: Mapping[Path, Field]) -> Iterator[AnyRule]:
        names = _Names(self._root, base, fields, field.path)
        for name, place, said in self._said(base + field.path, tuple(validations.OPTIONS)):
            if field.kind is Kind.IGNORED:
                self._faults.add(place, "is for a field that can't be sent")
                continue
            if name == "unique" and not (self._stores and field.is_stored):
                self._faults.add(place, "is only for stored fields that are not passwords")
                continue
            rule = self._rule(name, place, said, names)
            if rule is not None:
                yield rule

    def _said(self, path: Path, known: Sequence[str]) -> Iterator[tuple[str, Place, Mapping[str, Any]]]:
        """Each validation that is not disabled: its name, its place, its options."""
        place = (*path, "validation")
        said = self._validations.get(path)
        if not isinstance(said, Mapping):
            if said is not None:
                self._faults.add(place, "must be an object")
            return
        for name, options in said.items():
            inner = (*place, name)
            if name not in known:
                self._faults.add(inner, f"is no validation: use {', '.join(known)}")
            elif options is True:
                yield name, inner, {}
            elif isinstance(options, Mapping):
                yield name, inner, options
            elif options is not None and options is not False:
                self._faults.add(inner, "must be true, false or an object of options")

    def _rule(self, name: str, place: Place, said: Mapping[str, Any], names: "_Names") -> AnyRule | None:
        """The rule; None where it never applies, or where there is a fault."""
        before = len(self._faults.found)
        known = (*validations.OPTIONS[name], *_COMMON)
        for key in said:
            if key not in known:
                self._faults.add((*place, key), f"is not known: use {', '.join(known)}")
        terms = self._terms(place, said, names)
        own = {key: value for key, value in said.items() if key in validations.OPTIONS[name]}
        rule = self._made(name, place, own, terms, names)
        if len(self._faults.found) > before or said.get("if") is False:
            return None
        return rule

    def _made(
        self, name: str, place: Place, options: Mapping[str, Any], terms: Terms, names: "_Names"
    ) -> AnyRule | None:
        if name == "confirmation":
            return self._confirmation(place, terms, names)
        if name == "unique":
            return Uniqueness(terms, tuple(self._scope((*place, "scope"), options.get("scope"), names)))
        try:
            if name == "format":
                return Rule(name, terms, validations.formatted(options, self._trials))
            return Rule(name, terms, validations.MAKERS[name](options))
        except validations.Wrong as wrong:
            self._faults.add((*place, wrong.option) if wrong.option else place, wrong.reason)
            return None

    def _terms(self, place: Place, said: Mapping[str, Any], names: "_Names") -> Terms:
        message = said.get("message")
        if message is not None and not (isinstance(message, str) and 0 < len(message) <= MAX_MESSAGE):
            self._faults.add((*place, "message"), f"must be a text of at most {MAX_MESSAGE} characters")
        allowed = [said.get(name) for name in ("allow_nil", "allow_blank")]
        for name, flag in zip(("allow_nil", "allow_blank"), allowed, strict=True):
            if flag is not None and not isinstance(flag, bool):
                self._faults.add((*place, name), "must be true or false")
        condition = self._condition((*place, "if"), said.get("if"), names)
        return Terms(message, allowed[0] is True, allowed[1] is True, condition)

    def _condition(self, place: Place, said: Any, names: "_Names") -> Reference | None:
        if said is None or isinstance(said, bool):
            return None
        found = names.find(said) if isinstance(said, str) else None
        if found is None:
            self._faults.add(place, "must be true, false or the path of a declared field")
            return None
        return found[0]

    def _confirmation(self, place: Place, terms: Terms, names: "_Names") -> Confirmation | None:
        path = names.beside(f"{names.path[-1]}_confirmation")
        other = names.fields.get(path)
        if other is None or not other.virtual:
            self._faults.add(place, f"needs {'.'.join((*names.base, *path))}, declared virtual")
            return None
        return Confirmation(terms, Reference(path, root=not names.base), _humanised(names.path[-1]))

    def _scope(self, place: Place, said: Any, names: "_Names") -> Iterator[Reference]:
        paths = said if isinstance(said, list) else [] if said is None else [said]
        if len(paths) > _MAX_SCOPE:
            self._faults.add(place, f"has too many fields (maximum is {_MAX_SCOPE})")
            return
        for each in paths:
            found = names.find(each) if isinstance(each, str) else None
            if found is None or not found[1].is_stored:
                self._faults.add(place, "must be the paths of declared fields that are stored")
            else:
                yield found[0]


class _Names:
    """What names mean in the rules of one field: one beside it first, then one of its entry, then one of the form.

    base: the path of its entry; fields: those of the entry, or of the form.
    """

    def __init__(self, root: Mapping[Path, Field], base: Path, fields: Mapping[Path, Field], path: Path) -> None:
        self.base = base
        self.path = path
        self.fields = fields if base else root
        self._root = root

    def beside(self, name: str) -> Path:
        return (*self.path[:-1], name)

    def find(self, said: str) -> tuple[Reference, Field] | None:
        """The field that a dotted path names; None if none is declared there."""
        path = tuple(said.split("."))
        own = path[len(self.base) :] if path[: len(self.base)] == self.base else path
        for local in ((*self.path[:-1], *path), own):
            if local in self.fields:
                return Reference(local, root=not self.base), self.fields[local]
        return (Reference(path, root=True), self._root[path]) if path in self._root else None


def _humanised(name: str) -> str:
    """A field's name as Rails tells it: `first_name` is "First name"."""
    return name.removesuffix("_id").replace("_", " ").strip().capitalize()

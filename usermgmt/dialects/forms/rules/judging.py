"""Judging a form: what each field's value will be, and what the rules say of that."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from usermgmt.dialects.forms.rules.declared import Entries, Field, Member, Section
from usermgmt.dialects.forms.rules.outcome import Outcome, Unique
from usermgmt.dialects.forms.rules.patterns import Budget
from usermgmt.dialects.forms.rules.terms import Confirmation, Reference, Rule, Sitting, Terms, Uniqueness
from usermgmt.dialects.forms.rules.validations import BLANK, INVALID
from usermgmt.dialects.forms.rules.values import ABSENT, Kind, Path, Unfit, coerced, dig, is_blank, put
from usermgmt.dialects.forms.rules.vocabulary import MAX_ENTRIES, MAX_UNIQUES, PASSWORD


def judged(
    members: Sequence[Member], sent: Mapping[str, Any], stored: Mapping[str, Any] | None, now: datetime
) -> Outcome:
    """What comes of a form that was sent. Arguments: see `Form.judge`."""
    sitting = Sitting(now.astimezone(UTC), Budget())
    return _Judging(sitting, _Record((), sent, stored)).outcome(members)


@dataclass(slots=True)
class _Settled:
    """A field whose value is known: after the change (`value`), and whether it is `written`.

    judged: whether rules have something to look at; a stored password is nobody's to see.
    """

    value: Any
    written: bool = False
    judged: bool = True


@dataclass(slots=True)
class _Record:
    """One object with fields of its own: the form, or an entry of it. base: the keys that lead to it.

    sent, stored: its values; stored is None for what is to be made.
    """

    base: Path
    sent: Mapping[str, Any]
    stored: Mapping[str, Any] | None
    settled: dict[Path, _Settled] = field(default_factory=dict)
    misshapen: set[Path] = field(default_factory=set)
    written: dict[str, Any] = field(default_factory=dict)

    def key(self, path: Path) -> str:
        return ".".join((*self.base, *path))

    def lies_in_misshapen(self, path: Path) -> bool:
        return bool(self.misshapen) and any(path[:length] in self.misshapen for length in range(1, len(path)))


class _Judging:
    """Judges one form: first what each field's value will be, then what the rules say of it."""

    def __init__(self, sitting: Sitting, root: _Record) -> None:
        self._sitting = sitting
        self._root = root
        self._errors: dict[str, list[str]] = {}
        self._order: list[str] = []
        self._uniques: list[Unique] = []

    def outcome(self, members: Sequence[Member]) -> Outcome:
        """What comes of the whole form."""
        self._settle(members, self._root)
        self._apply(members, self._root)
        errors = {key: self._errors[key] for key in self._order if key in self._errors}
        if PASSWORD in errors:
            errors[PASSWORD] = [_sentence(errors[PASSWORD])]
        uniques = [unique for unique in self._uniques if unique.key not in errors]
        return Outcome(self._root.written, errors, uniques)

    def _settle(self, members: Sequence[Member], record: _Record) -> None:
        for member in members:
            if record.lies_in_misshapen(member.path):
                continue
            if isinstance(member, Field):
                self._settle_field(member, record)
            elif isinstance(member, Section):
                self._settle_section(member, record)

    def _settle_section(self, section: Section, record: _Record) -> None:
        sent = dig(record.sent, section.path)
        if sent is ABSENT or sent is None:
            return
        if not isinstance(sent, Mapping):
            record.misshapen.add(section.path)
        elif section.kept:
            put(record.written, section.path, {"properties": {}})

    def _settle_field(self, field: Field, record: _Record) -> None:
        try:
            settled = _settled(field, record)
        except Unfit:
            record.misshapen.add(field.path)
            settled = _Settled(None, judged=False)
        record.settled[field.path] = settled
        if settled.written and not field.virtual:
            put(record.written, field.path, settled.value)

    def _apply(self, members: Sequence[Member], record: _Record) -> None:
        for member in members:
            self._order.append(record.key(member.path))
            if record.lies_in_misshapen(member.path):
                continue
            if member.path in record.misshapen:
                self._tell(record.key(member.path), [INVALID])
            elif isinstance(member, Field):
                self._apply_to_field(member, record)
            elif isinstance(member, Section):
                self._apply_to_section(member, record)
            else:
                self._apply_to_entries(member, record)

    def _apply_to_section(self, section: Section, record: _Record) -> None:
        there = any(_is_there(dig(values, section.path)) for values in (record.sent, record.stored))
        self._apply_rules(section.rules, record, section.path, True if there else None)

    def _apply_to_entries(self, entries: Entries, record: _Record) -> None:
        sent, stored = dig(record.sent, entries.path), dig(record.stored, entries.path)
        self._apply_rules(entries.rules, record, entries.path, True if any(map(_is_there, (sent, stored))) else None)
        if sent is ABSENT or sent is None:
            return
        if isinstance(sent, list) and len(sent) > MAX_ENTRIES:
            self._tell(record.key(entries.path), [f"is too long (maximum is {MAX_ENTRIES} entries)"])
            return
        listed = isinstance(sent, list)
        known = stored if isinstance(stored, list) else []
        made = []
        for index, entry in enumerate(sent if listed else [sent]):
            base = (*record.base, *entries.path, *((str(index),) if listed else ()))
            if not isinstance(entry, Mapping):
                key = ".".join(base)
                self._order.append(key)
                self._tell(key, [INVALID])
                continue
            inner = _Record(base, entry, _same_entry(entries, entry, known))
            self._settle(entries.members, inner)
            self._apply(entries.members, inner)
            made.append(inner.written)
        if made:
            put(record.written, entries.path, made)

    def _apply_to_field(self, field: Field, record: _Record) -> None:
        settled = record.settled[field.path]
        if not settled.judged:
            return
        value = settled.value
        if field.address and is_blank(value):
            self._tell_blank_address(field, record, value)
            return
        self._apply_rules(field.rules, record, field.path, value)

    def _tell_blank_address(self, field: Field, record: _Record, value: Any) -> None:
        """No address is two faults, in this order, and whatever the rules for it have to add (contract 5)."""
        named = [rule for rule in field.rules if isinstance(rule, Rule)]
        blank = next((rule.terms.message for rule in named if rule.name == "presence"), None) or BLANK
        self._tell(record.key(field.path), [INVALID, blank])
        others = [rule for rule in named if rule.name not in ("presence", "email", "format")]
        self._apply_rules(others, record, field.path, value)

    def _apply_rules(
        self, rules: Sequence[Rule | Confirmation | Uniqueness], record: _Record, path: Path, value: Any
    ) -> None:
        for rule in rules:
            if not self._applies(rule.terms, record):
                continue
            if isinstance(rule, Rule):
                self._tell(record.key(path), rule.faults(value, self._sitting))
            elif rule.terms.pass_over(value):
                continue
            elif isinstance(rule, Confirmation):
                self._confirm(rule, record, value)
            elif not is_blank(value):
                self._ask(rule, record, path, value)

    def _applies(self, terms: Terms, record: _Record) -> bool:
        return terms.condition is None or not is_blank(self._value_at(terms.condition, record))

    def _confirm(self, rule: Confirmation, record: _Record, value: Any) -> None:
        again = self._value_at(rule.other, record)
        if again is not None and again != value:
            self._tell(record.key(rule.other.path), [rule.message])

    def _ask(self, rule: Uniqueness, record: _Record, path: Path, value: Any) -> None:
        if len(self._uniques) == MAX_UNIQUES:
            self._tell(record.key(path), [f"is one too many: a form may have {MAX_UNIQUES} unique values"])
            return
        outer = record.base[:2]
        scope = {
            (() if reference.root else outer) + reference.path: self._value_at(reference, record)
            for reference in rule.scope
        }
        self._uniques.append(Unique((*outer, *path), value, scope, rule.message, record.key(path)))

    def _value_at(self, reference: Reference, record: _Record) -> Any:
        settled = (self._root if reference.root else record).settled.get(reference.path)
        return None if settled is None else settled.value

    def _tell(self, key: str, messages: Sequence[str]) -> None:
        if messages:
            self._errors.setdefault(key, []).extend(messages)


def _settled(field: Field, record: _Record) -> _Settled:
    """What a field's value will be. Raises Unfit."""
    if field.readonly and field.default is not ABSENT:
        return _Settled(deepcopy(field.default), written=True)
    sent = ABSENT if field.readonly else _given(field.kind, dig(record.sent, field.path))
    stored = ABSENT if field.virtual else dig(record.stored, field.path)
    if sent is ABSENT or sent is None:
        if field.default is not ABSENT and (stored is ABSENT or stored is None or stored == ""):
            return _Settled(deepcopy(field.default), written=True)
        if field.kind is Kind.TEXT and sent is None:
            sent = ABSENT if record.stored is None else ""
    if sent is not ABSENT:
        return _Settled(sent, written=True)
    judged = field.kind is not Kind.PASSWORD or is_blank(stored) or stored is ABSENT
    return _Settled(None if stored is ABSENT else stored, judged=judged)


def _given(kind: Kind, sent: Any) -> Any:
    """What was sent, as the kind has it; null stays null where that is something to write. Raises Unfit."""
    if sent is ABSENT or (sent is None and kind in (Kind.TEXT, Kind.ANY)):
        return sent
    return ABSENT if sent is None else coerced(kind, sent)


def _same_entry(entries: Entries, entry: Mapping[str, Any], known: Sequence[Any]) -> Mapping[str, Any] | None:
    """The stored entry that an entry is about, by its id if one may be sent; None if it is to be made."""
    if not any(isinstance(each, Field) and each.path == ("id",) and each.kind is Kind.ID for each in entries.members):
        return None
    try:
        number = coerced(Kind.ID, entry.get("id"))
    except Unfit:
        return None
    return next((each for each in known if isinstance(each, Mapping) and each.get("id") == number), None)


def _is_there(value: Any) -> bool:
    """Whether an entry or a profile is sent or stored, be it an empty one."""
    return value is not ABSENT and value is not None and value != []


def _sentence(parts: Sequence[str]) -> str:
    """Rails' `to_sentence`."""
    if len(parts) < 3:
        return " and ".join(parts)
    return f"{', '.join(parts[:-1])}, and {parts[-1]}"
